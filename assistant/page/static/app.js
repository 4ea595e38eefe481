// The views, the article beside the answer, names for screen readers, and the switch between light and dark.
// Conversations are in talks.js; everything else is Gradio's. One listener on the document, since Gradio draws
// messages anew while they grow.
"use strict";
(() => {
  const PLACE = /^#c\/(\d+)\/(\d+)-(\d+)\/([^/]+)\/(.+)$/; // citation: number, start, end, generation, article
  const WHOLE = /^#a\/([^/]+)\/(.+)$/; // article: generation, article
  const LINKS = 'a[href^="#c/"], a[href^="#a/"]';
  const phone = window.matchMedia("(max-width: 760px)");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const find = (selector) => document.querySelector(selector);
  const page = (window.backchannel = { find, phone, listeners: [] }); // what all scripts of the page share
  page.root = document.querySelector('meta[name="root"]')?.content || ""; // where a proxy has put the page
  // The beginning of a text, cut between two characters as people see them.
  page.shortened = (text, most) => {
    if (text.length <= most) return text;
    const clusters = window.Intl?.Segmenter ? new Intl.Segmenter("en").segment(text) : [...text].map((segment) => ({ segment }));
    let kept = "";
    for (const { segment } of clusters) {
      if (kept.length + segment.length >= most) break;
      kept += segment;
    }
    return `${kept}…`;
  };
  page.button = (label, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "own";
    made.textContent = label;
    made.addEventListener("click", () => act(made));
    return made;
  };

  // -- refusals ---------------------------------------------------------------------------------------------------
  // To a 503 Gradio's script has words of its own; of any other status it shows those of the server (6.31).
  const plain = window.fetch;
  window.fetch = async (...given) => {
    const answer = await plain(...given);
    const joining = String(given[0]?.url || given[0]).includes("/gradio_api/queue/join");
    return joining && answer.status === 503 ? new Response(answer.body, { status: 429, headers: answer.headers }) : answer;
  };

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

  function button(id, label, act) {
    return Object.assign(page.button(label, act), { id });
  }

  function reader() {
    let section = find("#reader");
    if (section) return section;
    section = document.createElement("section");
    section.id = "reader";
    section.hidden = true;
    section.setAttribute("aria-label", "Article");
    const bar = document.createElement("div");
    bar.className = "bar";
    const back = button("back", "Back", leave);
    const title = document.createElement("p");
    title.setAttribute("aria-hidden", "true"); // the heading below says it
    const among = document.createElement("div");
    among.id = "among";
    const before = button("previous", "Previous citation", () => step(-1));
    const after = button("following", "Next citation", () => step(1));
    const count = document.createElement("span");
    among.append(before, count, after);
    bar.append(back, title, among);
    const text = document.createElement("div");
    text.className = "article";
    text.tabIndex = -1;
    section.append(bar, text);
    find("#panel").append(section);
    return section;
  }

  // The citations among which one goes back and forth: those of the opener's answer, else of the newest.
  function citations() {
    const answer = opener?.closest?.(".answer") || [...document.querySelectorAll("#chat .answer")].pop();
    const links = answer ? [...answer.querySelectorAll("a.cite")] : [];
    return [...new Map(links.map((link) => [link.getAttribute("href"), link])).values()];
  }

  function step(by) {
    const all = citations();
    const at = all.findIndex((link) => link.getAttribute("href") === current);
    const next = all[at + by];
    if (at >= 0 && next) open(next.getAttribute("href"), next, by > 0 ? "#following" : "#previous");
  }

  function count(section) {
    const all = citations();
    const at = all.findIndex((link) => link.getAttribute("href") === current);
    const among = section.querySelector("#among");
    among.hidden = at < 0 || all.length < 2;
    among.querySelector("span").textContent = `${at + 1} of ${all.length}`;
    among.querySelector("#previous").disabled = at <= 0;
    among.querySelector("#following").disabled = at === all.length - 1;
  }

  function source(href) {
    const place = PLACE.exec(href);
    if (place) return `${page.root}/article/${place[5]}?start=${place[2]}&end=${place[3]}&generation=${place[4]}`;
    const whole = WHOLE.exec(href);
    return whole ? `${page.root}/article/${whole[2]}?generation=${whole[1]}` : "";
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

  async function open(href, link, pressed = "") {
    const address = source(href);
    if (!address) return;
    const mine = ++latest;
    const html = await fetched(address);
    if (mine !== latest) return;
    opener = link;
    current = href;
    const section = reader();
    section.setAttribute("aria-label", "Article");
    section.querySelector(".article").innerHTML = html; // escaped by the server, see fragment.py
    present(section);
    count(section);
    const button = pressed && section.querySelector(pressed);
    show(section, button && !button.disabled ? button : null);
  }

  // Something of the page's own in the same place: `fill` puts it into the element that it is given.
  function lay(name, link, fill) {
    latest++;
    opener = link;
    current = `#${name}`;
    const section = reader();
    section.setAttribute("aria-label", name);
    section.querySelector("#among").hidden = true;
    const place = section.querySelector(".article");
    place.replaceChildren();
    fill(place);
    present(section);
    show(section, null);
  }
  page.lay = lay;

  function present(section) {
    const answered = find("#chat .answer") && document.body.dataset.view === "ask";
    section.querySelector("#back").textContent = answered ? "Back to the answer" : "Back";
    section.querySelector(".bar p").textContent = section.querySelector("h2")?.textContent || "";
    const wasOpen = !section.hidden;
    section.hidden = false;
    document.body.classList.add("reading");
    if (phone.matches && !wasOpen) history.pushState({ reading: true }, ""); // the phone's own "back" closes it
    keepOut();
    refresh();
  }

  function show(section, focused) {
    const text = section.querySelector(".article");
    const mark = text.querySelector("#quote");
    const pane = scroller(section);
    pane.scrollTop = 0;
    if (mark) {
      const above = mark.getBoundingClientRect().top - pane.getBoundingClientRect().top;
      pane.scrollTop = Math.max(0, above - pane.clientHeight / 4);
    }
    (focused || mark || text).focus({ preventScroll: true });
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
  page.close = close;
  window.addEventListener("popstate", () => close(true));

  // -- views ------------------------------------------------------------------------------------------------------
  const VIEW = /^#\/([a-z]+)$/;

  function setView(name) {
    if (!find(`#view-${name}`)) return;
    if (document.body.dataset.view !== name) close(false);
    document.body.dataset.view = name;
    for (const link of document.querySelectorAll('#views a[href^="#/"]')) {
      if (link.getAttribute("href") === `#/${name}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }
  function viewFromAddress() {
    const named = VIEW.exec(location.hash);
    if (named) setView(named[1]);
    else if (!location.hash) setView("ask");
  }
  window.addEventListener("hashchange", viewFromAddress);
  page.goto = (name) => {
    if (document.body.dataset.view !== name) location.hash = `#/${name}`;
    setView(name);
  };

  // -- what is said to those who do not see it --------------------------------------------------------------------
  function announce(words) {
    let line = find("#announced");
    if (!line) {
      line = document.createElement("p");
      line.id = "announced";
      line.setAttribute("role", "status");
      document.body.append(line);
    }
    line.textContent = words;
    clearTimeout(announce.timer);
    announce.timer = setTimeout(() => (line.textContent = ""), 5000);
  }
  page.announce = announce;

  function offline() {
    document.body.classList.toggle("offline", !navigator.onLine);
  }
  window.addEventListener("online", offline);
  window.addEventListener("offline", offline);

  document.addEventListener(
    "click",
    (event) => {
      const link = event.target.closest?.(LINKS);
      if (link && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
        event.preventDefault();
        event.stopPropagation();
        open(link.getAttribute("href"), link);
      } else if (event.target.closest?.("#send") && (answering || tooLong())) {
        event.stopPropagation();
      } else if (event.target.closest?.("#theme")) {
        switchTheme();
      } else if (event.target.closest?.("#stop")) {
        toBox(); // the button vanishes when it has been pressed, and the focus with it
      }
    },
    true,
  );
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Escape" && current) leave();
      const asks = event.key === "Enter" && !event.shiftKey && event.target.closest?.("#q");
      if (asks && (answering || tooLong())) {
        event.preventDefault(); // one question at a time; the words stay in the box
        event.stopPropagation();
      }
    },
    true,
  );

  // The server would refuse it as well, past the page.
  const MOST = 2000;
  function tooLong() {
    const length = [...(find("#q textarea")?.value || "").trim()].length;
    if (length <= MOST) return false;
    const [has, most] = [length, MOST].map((each) => each.toLocaleString("en"));
    page.announce(`The question has ${has} characters; at most ${most} can be asked. Shorten it.`);
    return true;
  }

  // -- what must follow each redrawing ----------------------------------------------------------------------------
  function toBox() {
    if (!phone.matches && document.body.dataset.view === "ask") find("#q textarea")?.focus(); // on a phone it would bring up the keyboard
  }
  page.toBox = toBox;

  let answering = false;
  page.answering = () => answering;
  let settled = false;
  let follow = 0; // until when the newest question is kept in view; a reader who scrolls ends it
  for (const moved of ["wheel", "touchmove", "keydown", "pointerdown"]) {
    document.addEventListener(moved, () => !answering && (follow = 0), { capture: true, passive: true });
  }

  // The newest question at the top where its answer is long, else as far up as it goes.
  function showLatest() {
    const asked = [...document.querySelectorAll("#chat .user-row")].pop();
    const pane = phone.matches ? document.scrollingElement : find("#thread");
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
    if (busy) follow = Date.now() + 2000; // what stands below an answer comes after its end
    if (busy || answering || Date.now() < follow) showLatest();
    if (!settled && find("#q textarea") && find("#views a")) {
      settled = true;
      viewFromAddress();
      if (!document.body.dataset.view) setView("ask");
      offline();
      for (const listener of page.listeners) listener("settled");
      if (source(location.hash)) open(location.hash, null); // a citation that was opened in a tab of its own
      else toBox();
    }
    if (busy !== answering) {
      answering = busy;
      document.body.classList.toggle("answering", busy);
      find("#chat")?.setAttribute("aria-busy", String(busy));
      if (busy) close(false); // a new answer has new sources
    }
    for (const listener of page.listeners) listener("drawn");
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
