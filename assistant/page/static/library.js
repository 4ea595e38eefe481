// The library: fetched when its view is first shown; sorts and filters its table, and lets keys move on its figures.
"use strict";
(() => {
  const FACETS = ["regions", "topics", "track"];
  const view = () => document.querySelector("#view-library");
  const find = (selector) => document.querySelector(`#library ${selector}`);
  const all = (selector) => [...document.querySelectorAll(`#library ${selector}`)];
  const made = (tag, text, parts = {}) => Object.assign(document.createElement(tag), { textContent: text, ...parts });

  // -- fetching -----------------------------------------------------------------------------------------------------
  let state = ""; // "", "loading", "ready" or "failed"
  let sort = "title";
  let down = false;

  function place() {
    let section = document.querySelector("#library");
    if (!section) {
      section = made("div", "", { id: "library" });
      view().append(section);
    }
    return section;
  }

  async function load() {
    if (!view() || state === "loading" || state === "ready") return;
    state = "loading";
    const section = place();
    section.setAttribute("aria-busy", "true");
    section.replaceChildren(made("p", "Fetching the library…", { className: "lib-loading", role: "status" }));
    try {
      const response = await fetch(`${window.backchannel.root}/library`, { headers: { Accept: "text/html" } });
      if (!response.ok) throw new Error(String(response.status));
      section.innerHTML = await response.text(); // escaped by the server, see library.py
      state = "ready";
      for (const figure of all("svg.roving")) enter(figure);
    } catch {
      state = "failed";
      const again = made("button", "Try again", { type: "button", id: "lib-again" });
      again.addEventListener("click", load);
      const said = made("p", "The library could not be fetched. Is the server still running?", { role: "alert" });
      section.replaceChildren(made("div", "", { className: "lib-failed" }));
      section.firstChild.append(said, again);
    }
    section.removeAttribute("aria-busy");
  }

  // -- filter and sort ----------------------------------------------------------------------------------------------
  // As `folded` in library_entries.py: without case and accents, one space between words.
  function folded(text) {
    return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().split(/\s+/).filter(Boolean).join(" ");
  }
  function wanted() {
    return Object.fromEntries(all("select[data-facet]").map((list) => [list.dataset.facet, list.value]));
  }

  function matching(row, words, facets) {
    if (!words.every((word) => row.dataset.words.includes(word))) return false;
    return FACETS.every((facet) => !facets[facet] || row.dataset[facet].split("|").includes(facets[facet]));
  }

  function filter() {
    const box = find("#lib-words");
    const facets = wanted();
    find("#lib-clear").hidden = !box.value.trim() && !Object.values(facets).some(Boolean);
    if (find("table").dataset.pages) return turn(1);
    const words = folded(box.value).split(" ");
    const out = new Set();
    let count = 0;
    for (const row of all("tbody tr")) {
      const fits = matching(row, words, facets);
      row.hidden = !fits;
      if (fits) count++;
      else out.add(row.dataset.n);
    }
    for (const link of all("svg.roving a[data-n]")) link.classList.toggle("out", out.has(link.dataset.n));
    for (const figure of all("svg.roving")) enter(figure);
    tell(count, Number(find(".lib-count").dataset.of));
  }

  function tell(count, of) {
    const plural = of === 1 ? "article" : "articles";
    const number = (value) => value.toLocaleString("en");
    const said = count === of ? `${number(of)} ${plural}` : `${number(count)} of ${number(of)} ${plural}`;
    if (find(".lib-count").textContent !== said) find(".lib-count").textContent = said;
    find(".lib-none").hidden = count > 0;
    find("table").hidden = count === 0;
  }

  function order(column) {
    down = sort === column ? !down : false;
    sort = column;
    for (const head of all("th")) {
      const own = head.querySelector("button").dataset.sort === sort;
      head.setAttribute("aria-sort", own ? (down ? "descending" : "ascending") : "none");
    }
    if (find("table").dataset.pages) return turn(1);
    const key = (row) => row.querySelector(`td.${sort}`).dataset.key;
    const rows = all("tbody tr").map((row) => [key(row), Number(row.dataset.n), row]);
    // As `ordered` in library_entries.py: what is not known last, equals by title. Here by UTF-16 units, there by code
    // points: in another order only beyond U+FFFF.
    rows.sort(([one, n], [two, m]) => {
      if (!one !== !two) return one ? -1 : 1;
      if (one === two) return n - m;
      return (one < two ? -1 : 1) * (down ? -1 : 1);
    });
    find("tbody").replaceChildren(...rows.map(([, , row]) => row));
  }

  // A library too large for one table: the server sorts, filters and gives a page at a time.
  let latest = 0;
  let page = 1;
  async function turn(number) {
    const mine = ++latest;
    const asked = new URLSearchParams({ words: find("#lib-words").value, ...wanted(), sort, down, page: number });
    try {
      const response = await fetch(`${window.backchannel.root}/library/rows?${asked}`);
      if (!response.ok) throw new Error(String(response.status));
      const found = await response.json();
      if (mine !== latest) return;
      page = found.page;
      find("tbody").innerHTML = found.rows; // escaped by the server, see library_table.py
      const [before, after] = all(".lib-pages button");
      before.disabled = page <= 1;
      after.disabled = page >= found.pages;
      find(".lib-pages span").textContent = `Page ${page} of ${found.pages.toLocaleString("en")}`;
      tell(found.count, found.of);
    } catch {
      if (mine === latest) find(".lib-count").textContent = "The rows could not be fetched. Is the server still running?";
    }
  }

  // -- table, timeline or map ---------------------------------------------------------------------------------------
  function show(tab) {
    for (const each of all('[role="tab"]')) {
      const chosen = each === tab;
      each.setAttribute("aria-selected", String(chosen));
      each.tabIndex = chosen ? 0 : -1;
      find(`#${each.getAttribute("aria-controls")}`).hidden = !chosen;
    }
  }

  // -- the figures: one place for Tab in each, arrow keys within ----------------------------------------------------
  function stops(figure) {
    const links = [...figure.querySelectorAll("a[data-n]:not(.out)")];
    // The map is drawn by groups; its first and last are those by title.
    return figure.dataset.keys === "plane" ? links.sort((a, b) => a.dataset.n - b.dataset.n) : links;
  }

  function enter(figure, link = null) {
    const links = stops(figure);
    const kept = link || links.find((each) => each.getAttribute("tabindex") === "0") || links[0];
    for (const each of figure.querySelectorAll("a[data-n]")) {
      each.setAttribute("tabindex", each === kept ? "0" : "-1");
    }
  }

  const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  // The nearest on that side: of those within 45 degrees of the arrow, else of those within 90.
  function towards(link, links, [right, below]) {
    let best = null;
    let least = Infinity;
    for (const each of links) {
      const x = each.dataset.x - link.dataset.x;
      const y = each.dataset.y - link.dataset.y;
      const along = x * right + y * below;
      const aside = Math.abs(x * below) + Math.abs(y * right);
      if (each === link || along <= 0) continue;
      const far = Math.hypot(along, aside) + (aside > along ? 10_000 : 0);
      if (far < least) [best, least] = [each, far];
    }
    return best;
  }

  function moved(link, key) {
    const figure = link.closest("svg");
    const links = stops(figure);
    if (key === "Home") return links[0];
    if (key === "End") return links[links.length - 1];
    if (!WAYS[key]) return null;
    if (figure.dataset.keys === "plane") return towards(link, links, WAYS[key]);
    const step = key === "ArrowDown" || key === "ArrowRight" ? 1 : -1;
    return links[links.indexOf(link) + step];
  }

  // -- the title beside a point of the map --------------------------------------------------------------------------
  function name(link) {
    const figure = link.closest("svg");
    hush(figure);
    const [width, height] = figure.getAttribute("viewBox").split(" ").slice(2).map(Number);
    const [group, box, text] = ["g", "rect", "text"].map((tag) => document.createElementNS(figure.namespaceURI, tag));
    const full = link.dataset.title;
    text.textContent = window.backchannel.shortened(full, 80);
    group.setAttribute("class", "told");
    group.setAttribute("aria-hidden", "true");
    group.append(box, text);
    figure.append(group);
    const size = text.getBBox();
    const x = Math.min(Math.max(Number(link.dataset.x) - size.width / 2, 10), Math.max(width - size.width - 10, 10));
    const y = Number(link.dataset.y) > 40 ? Number(link.dataset.y) - 18 : Number(link.dataset.y) + 30;
    text.setAttribute("x", x);
    text.setAttribute("y", Math.min(y, height - 10));
    const at = text.getBBox();
    const sides = { x: at.x - 7, y: at.y - 4, width: at.width + 14, height: at.height + 8, rx: 3 };
    for (const [side, value] of Object.entries(sides)) box.setAttribute(side, value);
  }
  function hush(figure) {
    figure.querySelector(".told")?.remove();
  }

  // -- one listener each, on the view -------------------------------------------------------------------------------
  const MAP = "svg.lib-map a[data-n]";
  function listen() {
    const section = view();
    const within = (event, selector) => event.target.closest?.(`#library ${selector}`);
    section.addEventListener("input", (event) => within(event, ".lib-filters") && filter());
    section.addEventListener("click", (event) => {
      const button = within(event, "button");
      if (!button) return;
      if (button.dataset.sort) order(button.dataset.sort);
      else if (button.dataset.step) turn(page + Number(button.dataset.step));
      else if (button.getAttribute("role") === "tab") show(button);
      else if (button.id === "lib-clear") {
        find("#lib-words").value = "";
        for (const list of all("select[data-facet]")) list.value = "";
        filter();
        find("#lib-words").focus();
      }
    });
    section.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const tab = within(event, '[role="tab"]');
      const link = within(event, "svg.roving a[data-n]");
      let next = null;
      if (link) {
        next = moved(link, event.key);
        if (next) enter(link.closest("svg"), next);
      } else if (tab) {
        const tabs = all('[role="tab"]');
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        next = step ? tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length] : null;
        if (next) show(next);
      }
      if (!next) return;
      event.preventDefault();
      next.focus();
    });
    section.addEventListener("focusin", (event) => {
      const link = within(event, "svg.roving a[data-n]");
      if (link) enter(link.closest("svg"), link);
      if (within(event, MAP)) name(within(event, MAP));
    });
    section.addEventListener("focusout", (event) => within(event, MAP) && hush(within(event, "svg")));
    section.addEventListener("pointerover", (event) => {
      const link = within(event, MAP);
      if (link) name(link);
      else if (within(event, "svg.lib-map")) hush(within(event, "svg"));
    });
    section.addEventListener("pointerout", (event) => {
      const figure = within(event, "svg.lib-map");
      if (!figure) return;
      const kept = figure.querySelector("a:focus-visible");
      if (kept) name(kept);
      else hush(figure);
    });
  }

  let listening = false;
  function look() {
    if (document.body.dataset.view !== "library" || !view()) return;
    if (!listening) listen();
    listening = true;
    load();
  }
  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver(look).observe(document.body, { attributes: true, attributeFilter: ["data-view"] });
    look();
  });
})();
