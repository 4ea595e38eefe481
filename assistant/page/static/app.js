// Opens articles beside the answer, names the citations for screen readers, and switches between light and dark.
// Everything else is Gradio's. One listener on the document, since Gradio draws messages anew while they grow.
"use strict";
(() => {
  const PLACE = /^#c\/(\d+)\/(\d+)-(\d+)\/([^/]+)\/(.+)$/; // citation: number, start, end, generation, article
  const WHOLE = /^#a\/([^/]+)\/(.+)$/; // article: generation, article
  const LINKS = 'a[href^="#c/"], a[href^="#a/"]';
  const phone = window.matchMedia("(max-width: 760px)");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const find = (selector) => document.querySelector(selector);

  // -- light and dark ---------------------------------------------------------------------------------------------
  const STORED = "backchannel:theme";
  function stored() {
    try {
      return localStorage.getItem(STORED);
    } catch {
      return null; // storage is switched off
    }
  }
  function system() {
    return dark.matches ? "dark" : "light";
  }
  function paint() {
    const theme = stored() || system();
    if (root.dataset.theme !== theme) root.dataset.theme = theme;
    const wanted = theme === "dark"; // Gradio's own rules hang on this class, which it sets by the system alone
    if (document.body && document.body.classList.contains("dark") !== wanted) {
      document.body.classList.toggle("dark", wanted);
    }
  }
  function switchTheme() {
    const theme = root.dataset.theme === "dark" ? "light" : "dark";
    try {
      if (theme === system()) localStorage.removeItem(STORED);
      else localStorage.setItem(STORED, theme);
    } catch {
      // storage is switched off: for this page only
    }
    root.dataset.theme = theme;
    document.body.classList.toggle("dark", theme === "dark");
  }
  paint();
  dark.addEventListener("change", paint);

  // -- the article beside the answer ------------------------------------------------------------------------------
  let opener = null; // the link that opened it
  let current = ""; // its address
  let latest = 0; // the newest request: an older one that comes late is not shown

  function reader() {
    let section = find("#reader");
    if (section) return section;
    section = document.createElement("section");
    section.id = "reader";
    section.hidden = true;
    section.setAttribute("aria-label", "Article");
    const bar = document.createElement("div");
    bar.className = "bar";
    const back = document.createElement("button");
    back.id = "back";
    back.type = "button";
    back.addEventListener("click", leave);
    const title = document.createElement("p");
    title.setAttribute("aria-hidden", "true"); // the heading below says it
    bar.append(back, title);
    const text = document.createElement("div");
    text.className = "article";
    text.tabIndex = -1;
    section.append(bar, text);
    find("#panel").append(section);
    return section;
  }

  function source(href) {
    const place = PLACE.exec(href);
    if (place) return `/article/${place[5]}?start=${place[2]}&end=${place[3]}&generation=${place[4]}`;
    const whole = WHOLE.exec(href);
    return whole ? `/article/${whole[2]}?generation=${whole[1]}` : "";
  }

  async function fetched(address) {
    try {
      const response = await fetch(address, { headers: { Accept: "text/html" } });
      if ((response.headers.get("Content-Type") || "").startsWith("text/html")) return await response.text();
    } catch {
      // said below
    }
    return '<p class="notice">The article could not be fetched. Is the server still running?</p>';
  }

  async function open(href, link) {
    const address = source(href);
    if (!address) return;
    const mine = ++latest;
    const html = await fetched(address);
    if (mine !== latest) return;
    opener = link;
    current = href;
    const section = reader();
    section.querySelector(".article").innerHTML = html; // escaped by the server, see fragment.py
    const answered = phone.matches && find("#chat .answer");
    section.querySelector("#back").textContent = answered ? "Back to the answer" : "Back to the list";
    section.querySelector(".bar p").textContent = section.querySelector("h2")?.textContent || "";
    const wasOpen = !section.hidden;
    section.hidden = false;
    document.body.classList.add("reading");
    if (phone.matches && !wasOpen) history.pushState({ reading: true }, ""); // the phone's own "back" closes it
    keepOut();
    refresh();
    show(section);
  }

  function show(section) {
    const text = section.querySelector(".article");
    const mark = text.querySelector("#quote");
    const pane = scroller(section);
    pane.scrollTop = 0;
    if (mark) {
      const above = mark.getBoundingClientRect().top - pane.getBoundingClientRect().top;
      pane.scrollTop = Math.max(0, above - pane.clientHeight / 4);
    }
    (mark || text).focus({ preventScroll: true });
  }

  function scroller(section) {
    return phone.matches ? section : find("#panel");
  }

  // On a phone the article covers the page, so the rest must not be reached by Tab.
  function keepOut() {
    const covered = phone.matches && document.body.classList.contains("reading");
    for (const part of [find("#masthead"), find("#left"), find("#sources")]) {
      if (part) part.inert = covered;
    }
  }
  phone.addEventListener("change", keepOut);

  function leave() {
    if (phone.matches && history.state && history.state.reading) history.back();
    else close(true);
  }

  function close(giveBackFocus) {
    const section = find("#reader");
    if (!section || section.hidden) return;
    latest++;
    section.hidden = true;
    document.body.classList.remove("reading");
    keepOut();
    const href = current;
    current = "";
    refresh();
    if (!giveBackFocus) return;
    const same = [...document.querySelectorAll(LINKS)].filter((link) => link.getAttribute("href") === href);
    const target = opener && opener.isConnected ? opener : same[0];
    if (target) target.focus();
  }
  window.addEventListener("popstate", () => close(true));

  document.addEventListener(
    "click",
    (event) => {
      const link = event.target.closest?.(LINKS);
      if (link && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
        event.preventDefault();
        event.stopPropagation();
        open(link.getAttribute("href"), link);
      } else if (answering && event.target.closest?.("#send, .example")) {
        event.stopPropagation();
      } else if (event.target.closest?.("#theme")) {
        switchTheme();
      } else if (event.target.closest?.("#clear, #stop, .example")) {
        close(false);
        toBox(); // these buttons vanish when they have been pressed, and the focus with them
      }
    },
    true,
  );
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Escape" && current) leave();
      if (answering && event.key === "Enter" && !event.shiftKey && event.target.closest?.("#q")) {
        event.preventDefault(); // one question at a time; the words stay in the box
        event.stopPropagation();
      }
    },
    true,
  );

  // -- what must follow each redrawing ----------------------------------------------------------------------------
  function toBox() {
    if (!phone.matches) find("#q textarea")?.focus(); // on a phone it would bring up the keyboard
  }

  let answering = false;
  let settled = false;

  // The newest question at the top where its answer is long, else as far up as it goes.
  function showLatest() {
    const asked = [...document.querySelectorAll("#chat .user-row")].pop();
    const pane = phone.matches ? document.scrollingElement : find('#chat [role="log"]');
    if (!asked || !pane) return;
    const top = phone.matches ? 0 : pane.getBoundingClientRect().top;
    pane.scrollTop += asked.getBoundingClientRect().top - top;
  }

  function refresh() {
    for (const link of document.querySelectorAll(LINKS)) {
      const place = PLACE.exec(link.getAttribute("href"));
      if (place && link.classList.contains("cite") && !link.hasAttribute("aria-label")) {
        link.setAttribute("aria-label", `Citation ${place[1]}: ${link.title}`);
      }
      const isCurrent = link.getAttribute("href") === current;
      if (isCurrent !== link.hasAttribute("aria-current")) {
        if (isCurrent) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    }
    for (const message of document.querySelectorAll("#chat [data-testid][aria-label]")) {
      message.removeAttribute("aria-label"); // Gradio puts the message's mark-up there
    }
    const line = find("#status");
    if (line && !line.hasAttribute("role")) line.setAttribute("role", "status");
    const busy = Boolean(find("#status .busy"));
    if (busy || answering) showLatest();
    if (!settled && find("#q textarea")) {
      settled = true;
      if (source(location.hash)) open(location.hash, null); // a citation that was opened in a tab of its own
      else toBox();
    }
    if (busy === answering) return;
    answering = busy;
    document.body.classList.toggle("answering", busy);
    find("#chat")?.setAttribute("aria-busy", String(busy));
    if (busy) close(false); // a new answer has new sources
  }

  let waiting = false;
  function later() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      refresh();
    });
  }
  document.addEventListener("DOMContentLoaded", () => {
    paint();
    new MutationObserver(paint).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    new MutationObserver(later).observe(document.body, { childList: true, characterData: true, subtree: true });
  });
})();
