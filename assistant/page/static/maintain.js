// The maintainer's view: looks again whenever it is opened, and shows a report in a frame from which nothing of the
// page can be reached.
"use strict";
(() => {
  const { find, listeners, root } = window.backchannel;
  const LINK = '#maintain-list a[href^="#/report/"]';
  let wasOpen = false;
  let picked = ""; // the report that was chosen; "" = the newest
  let shown = "";

  const names = () => [...document.querySelectorAll(LINK)].map((link) => link.getAttribute("href").slice(9));

  function look() {
    const open = document.body.dataset.view === "maintain";
    const again = find("#maintain-again");
    if (open && !wasOpen && again) again.click();
    wasOpen = open && Boolean(again);
    if (open) follow();
  }

  // The frame of the report that is wanted; none where there is no report.
  function follow() {
    const there = names();
    const wanted = there.includes(picked) ? picked : there[0] || "";
    mark(wanted);
    if (wanted === shown) return;
    shown = wanted;
    find("#maintain-frame")?.remove();
    if (wanted) find("#maintain-reports").append(framed(wanted));
  }

  function framed(name) {
    const place = document.createElement("div");
    place.id = "maintain-frame";
    const frame = document.createElement("iframe");
    frame.setAttribute("sandbox", "allow-scripts"); // an origin of its own: it cannot reach this page
    frame.title = `Report ${decodeURIComponent(name)}`;
    frame.loading = "lazy"; // plotly.js in it has 5 MB
    frame.src = `${root}/report/${name}`;
    const alone = document.createElement("a");
    alone.href = frame.src;
    alone.target = "_blank";
    alone.rel = "noopener noreferrer";
    alone.textContent = "Open it in a tab of its own";
    place.append(alone, frame);
    return place;
  }

  function mark(name) {
    for (const link of document.querySelectorAll(LINK)) {
      if (link.getAttribute("href") !== `#/report/${name}`) link.removeAttribute("aria-current");
      else if (!link.hasAttribute("aria-current")) link.setAttribute("aria-current", "true");
    }
  }

  document.addEventListener(
    "click",
    (event) => {
      const link = event.target.closest?.(LINK);
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault(); // the address stays the view's
      picked = link.getAttribute("href").slice(9);
      follow();
    },
    true,
  );
  listeners.push(look);
  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver(look).observe(document.body, { attributes: true, attributeFilter: ["data-view"] });
  });
})();
