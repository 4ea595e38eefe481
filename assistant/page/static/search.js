// The Search view's extras: the filters that are on as chips, the filters behind a button where there is little room,
// and a status line that is read out.
"use strict";
(() => {
  const page = window.backchannel;
  const { find } = page;
  const box = (selector) => find(`${selector} :is(textarea, input)`);

  function fill(selector, value) {
    const element = box(selector);
    if (!element || element.value === value) return;
    const { set } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(element), "value");
    set.call(element, value);
    element.dispatchEvent(new Event("input", { bubbles: true }));
  }
  const searched = () => Boolean(find("#found .searched, #found .said"));

  // The period counts once it has been searched with, which chips cannot see: they show it as it is typed.
  function filters() {
    const ticked = [...document.querySelectorAll('#s-facets input[type="checkbox"]:checked')].map((each) => ({
      label: (each.closest("label")?.innerText.trim() || each.name).replace(/ \(\d+\)$/, ""),
      off: () => each.click(),
    }));
    const period = box("#s-period")?.value.trim();
    if (period) ticked.unshift({ label: period, off: unperiod });
    return ticked;
  }
  function unperiod() {
    fill("#s-period", "");
    setTimeout(() => find("#s-go").click(), 30); // Gradio takes a value in its next turn
  }

  function chips() {
    const place = find("#found");
    if (!place) return;
    let row = find("#s-chips");
    if (!row) {
      row = document.createElement("div");
      row.id = "s-chips";
      row.setAttribute("role", "group");
      row.setAttribute("aria-label", "Filters that are on");
      place.before(row);
    }
    const on = searched() ? filters() : [];
    const state = JSON.stringify(on.map((each) => each.label));
    if (row.dataset.state === state) return;
    row.dataset.state = state;
    row.hidden = !on.length;
    row.replaceChildren(...on.map(chip));
    const opener = find("#s-filters");
    if (opener) opener.textContent = on.length ? `Filters (${on.length})` : "Filters";
    const clear = find("#s-clear");
    if (clear) clear.disabled = !on.length;
  }
  function chip({ label, off }) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    made.setAttribute("aria-label", `Take off the filter ${label}`);
    made.addEventListener("click", () => {
      off();
      setTimeout(() => {
        chips();
        (find("#s-chips button") || box("#s")).focus();
      }, 0);
    });
    return made;
  }

  function narrow(on = !document.body.classList.contains("searching-within")) {
    document.body.classList.toggle("searching-within", on);
    find("#s-filters")?.setAttribute("aria-expanded", String(on));
    if (on) box("#s-period")?.focus();
  }

  document.addEventListener(
    "click",
    (event) => {
      const at = (selector) => event.target.closest?.(selector);
      if (at("#s-filters")) narrow();
      else if (at("a.unfilter")) {
        event.preventDefault();
        find("#s-clear").disabled = false;
        find("#s-clear").click();
        box("#s").focus(); // the link goes, and the focus with it
      }
    },
    true,
  );
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape" || !document.body.classList.contains("searching-within")) return;
      if (!event.target.closest?.("#s-facets")) return;
      narrow(false);
      find("#s-filters").focus();
    },
    true,
  );
  for (const kind of ["input", "change"]) {
    document.addEventListener(kind, (event) => {
      if (event.target.closest?.("#s-facets")) setTimeout(chips, 0);
    });
  }
  window.addEventListener("hashchange", () => {
    if (location.hash === "#/search" && !page.phone.matches) box("#s")?.focus();
  });
  page.listeners.push(() => {
    const line = find("#s-status");
    if (line && !line.hasAttribute("role")) line.setAttribute("role", "status");
    const opener = find("#s-filters");
    if (opener && !opener.hasAttribute("aria-expanded")) {
      opener.setAttribute("aria-expanded", "false");
      opener.setAttribute("aria-controls", "s-facets");
    }
    chips();
  });
})();
