// Conversations, kept in this browser and nowhere else: several, named, deletable. Each is a list of exchanges, an
// exchange the receipt that the server gave with an answer; the server is sent the newest with each question, and
// draws what it has checked. Also what is done with them: copy, ask again, edit, share, export, say if it helped.
"use strict";
(() => {
  const page = window.backchannel;
  const { find, root, button, box, fill, settle } = page;
  const LIST = "backchannel:talks"; // [{id, name, at, count}], newest first
  const TALK = "backchannel:talk:"; // + id: [{id, receipt}]
  const VISITOR = "backchannel:visitor";
  const OPEN = "backchannel:open"; // of this tab: the id of its conversation
  const SENT = 20; // exchanges that go with a question
  const FACETS = { regions: "region", topics: "topic", track: "track" };

  // -- storage ----------------------------------------------------------------------------------------------------
  const memory = new Map(); // what the storage would not take: kept until the tab is closed
  function stored(key, area = localStorage) {
    if (memory.has(key)) return memory.get(key);
    try {
      return JSON.parse(area.getItem(key));
    } catch {
      return null; // switched off, or not ours
    }
  }
  function store(key, value, area = localStorage) {
    try {
      area.setItem(key, JSON.stringify(value));
      memory.delete(key);
      return true;
    } catch {
      memory.set(key, value);
      return false; // full, or switched off
    }
  }
  function remove(key, area = localStorage) {
    memory.delete(key);
    try {
      area.removeItem(key);
    } catch {
      // switched off
    }
  }
  const list = () => {
    const found = stored(LIST);
    return Array.isArray(found) ? found : [];
  };
  const exchanges = (id) => {
    const found = id ? stored(TALK + id) : null;
    return Array.isArray(found) ? found : [];
  };

  let current = ""; // the conversation shown; "" = one that has not begun
  let pending = null; // {id, before} of the question under way
  let recorded = ""; // the record that was taken last

  function keep(id, all, name) {
    const entry = list().find((each) => each.id === id) || { id, name };
    const others = list().filter((each) => each.id !== id);
    const whole = store(TALK + id, all);
    store(LIST, [{ ...entry, at: new Date().toISOString(), count: all.length }, ...others]);
    if (!whole) page.announce("This browser has no room left to keep conversations: delete one, or export this one.");
  }

  function named(id) {
    return list().find((each) => each.id === id)?.name || "Conversation";
  }

  // -- asking -----------------------------------------------------------------------------------------------------
  let agreeing = 0; // the timer that has storage and `pending` agree again after an answer that was not recorded
  function carry(before) {
    clearTimeout(agreeing);
    pending = { id: current, before };
    fill("#kept", before.length ? JSON.stringify(before.slice(-SENT).map((each) => each.receipt)) : "");
  }

  // An answer under way is stopped first, and kept as far as it came.
  async function stopped() {
    if (!page.answering()) return;
    find("#stop").click();
    for (let turns = 0; page.answering() && turns < 100; turns++) await settle();
  }

  async function ask(question, before) {
    await stopped();
    before ??= exchanges(current);
    page.goto("ask");
    carry(before);
    fill("#q", question);
    await settle();
    find("#send").click();
    page.toBox();
  }

  async function show(id) {
    await stopped();
    page.goto("ask");
    page.close(false);
    current = id;
    store(OPEN, id, sessionStorage);
    carry(exchanges(id));
    fill("#q", "");
    await settle();
    find("#restore").click();
    page.toBox();
  }

  // The record of an exchange comes with the end of its answer, or with Stop.
  function take() {
    const value = box("#record")?.value || "";
    if (!value || value === recorded) return;
    recorded = value;
    const { id, receipt } = JSON.parse(value);
    const target = pending || { id: current, before: exchanges(current) };
    if (!target.id) {
      target.id = crypto.randomUUID?.() || id;
      current = target.id;
      store(OPEN, current, sessionStorage);
    }
    keep(target.id, [...target.before, { id, receipt }], page.shortened(receipt.question, 120));
    carry(exchanges(current));
    voted = "";
    tools();
  }

  // -- below an answer ---------------------------------------------------------------------------------------------
  let voted = ""; // "yes", "no", or ""

  function last() {
    return exchanges(current).at(-1);
  }

  function tools() {
    const place = find("#tools");
    if (!place) return;
    let bar = find("#toolbar");
    const shown = Boolean(current) && Boolean(find("#chat .answer")); // one that has begun has an exchange
    if (!bar && shown) {
      bar = document.createElement("div");
      bar.id = "toolbar";
      bar.setAttribute("role", "group");
      bar.setAttribute("aria-label", "This answer");
      bar.append(
        button("Copy", copy),
        button("Copy link", share),
        button("Ask again", () => ask(last().receipt.question, exchanges(current).slice(0, -1))),
        button("Edit question", edit),
        exportMenu(),
        vote("Helpful", "yes"),
        vote("Not helpful", "no"),
      );
      place.append(bar);
    }
    if (!bar) return;
    bar.hidden = !shown || page.answering();
    for (const each of bar.querySelectorAll("[data-vote]")) {
      each.setAttribute("aria-pressed", String(each.dataset.vote === voted));
    }
    if (!voted) find("#note")?.remove();
  }

  function edit() {
    if (page.answering()) return;
    carry(exchanges(current).slice(0, -1));
    fill("#q", last().receipt.question);
    const element = box("#q");
    element.focus();
    element.setSelectionRange(element.value.length, element.value.length);
    page.announce("Edit the question and ask it: its answer replaces the last one. Escape leaves it as it is.");
    document.body.classList.add("editing");
  }
  function unedit() {
    if (!document.body.classList.contains("editing")) return;
    document.body.classList.remove("editing");
    carry(exchanges(current));
    fill("#q", "");
  }

  function post(path, body) {
    return fetch(root + path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  async function exported(format, receipts, name) {
    const response = await post(`/export/${format}`, { name, receipts });
    if (!response.ok) throw new Error(await reason(response));
    return response;
  }
  async function reason(response) {
    const text = await response.text();
    try {
      const { error, detail } = JSON.parse(text);
      return String(error || detail || text);
    } catch {
      return text.length < 300 ? text : "The server did not do it.";
    }
  }

  // The words as the page shows them, with the numbers of the citations and what they stand for.
  async function copy() {
    try {
      const response = await exported("markdown", [last().receipt], named(current));
      await navigator.clipboard.writeText(await response.text());
      page.announce("The answer is copied, with its citations.");
    } catch (error) {
      page.announce(`It could not be copied: ${error.message}`);
    }
  }

  async function share() {
    const { question, filters } = last().receipt;
    const query = new URLSearchParams({ q: question });
    if (filters.since || filters.until) query.set("period", period(filters));
    for (const [facet, name] of Object.entries(FACETS)) {
      for (const value of filters[facet]) query.append(name, value);
    }
    const address = `${location.origin}${root}/?${query}`;
    try {
      await navigator.clipboard.writeText(address);
      page.announce("The address is copied: whoever opens it asks this question.");
    } catch {
      page.announce(address);
    }
  }
  function period({ since, until }) {
    return since === until ? String(since) : `${since ?? ""}-${until ?? ""}`;
  }

  const FORMATS = { markdown: "Markdown", docx: "Word", json: "JSON with receipts", csl: "Citations (CSL-JSON)" };
  function exportMenu() {
    const menu = document.createElement("details");
    menu.id = "export";
    const label = document.createElement("summary");
    label.className = "own";
    label.textContent = "Export";
    const choices = document.createElement("div");
    for (const [format, name] of Object.entries(FORMATS)) {
      choices.append(
        button(name, () => {
          menu.open = false;
          label.focus();
          download(format);
        }),
      );
    }
    menu.append(label, choices);
    return menu;
  }

  async function download(format) {
    try {
      const name = named(current);
      const response = await exported(format, exchanges(current).map((each) => each.receipt), name);
      const given = /filename\*=UTF-8''([^;]+)/.exec(response.headers.get("Content-Disposition") || "");
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await response.blob());
      link.download = given ? decodeURIComponent(given[1]) : `conversation.${format}`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      page.announce(`Exported as ${FORMATS[format]}.`);
    } catch (error) {
      page.announce(`It could not be exported: ${error.message}`);
    }
  }

  function vote(label, value) {
    const made = button(label, async () => {
      voted = value;
      tools();
      if (await sent("")) noting();
    });
    made.dataset.vote = value;
    return made;
  }
  async function sent(note) {
    const visitor = stored(VISITOR) || crypto.randomUUID?.() || String(Math.random()).slice(2);
    store(VISITOR, visitor);
    try {
      const response = await post("/feedback", { helpful: voted === "yes", note, receipt: last().receipt, visitor });
      if (!response.ok) throw new Error(await reason(response));
      page.announce("Thank you: it is kept on this server, with the answer.");
      return true;
    } catch (error) {
      voted = "";
      tools();
      page.announce(`It could not be kept: ${error.message}`);
      return false;
    }
  }
  function noting() {
    find("#note")?.remove();
    const form = document.createElement("form");
    form.id = "note";
    const label = document.createElement("label");
    label.textContent = voted === "yes" ? "What was good about it? (optional)" : "What is wrong with it? (optional)";
    const field = document.createElement("input");
    field.type = "text";
    field.maxLength = 2000;
    label.append(field);
    const send = document.createElement("button");
    send.textContent = "Send";
    send.className = "own";
    form.append(label, send);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (field.value.trim() && (await sent(field.value.trim()))) form.remove();
    });
    find("#tools").append(form);
    field.focus({ preventScroll: true });
    form.scrollIntoView({ block: "nearest" });
  }

  page.filters({
    row: "chips",
    before: "#composer",
    within: "#narrow",
    period: "#narrow-period",
    opener: "#filters",
    open: "narrowing",
    home: () => find("#filters"),
    named: (label) => label,
    counts: () => true,
    unperiod: () => fill("#narrow-period", ""),
    drawn: () => {},
  });

  // -- the list of conversations -----------------------------------------------------------------------------------
  function talks(opener) {
    page.lay("talks", opener, (place) => {
      const title = document.createElement("h2");
      title.textContent = "Conversations";
      const said = document.createElement("p");
      said.className = "quiet";
      said.textContent = "They are kept in this browser only. Nobody else sees them, and no other browser has them.";
      const entries = list();
      const all = document.createElement("ul");
      all.className = "talks";
      all.append(...entries.map(entry));
      place.append(title, said, entries.length ? all : none());
      if (entries.length > 1) place.append(button("Delete all", sure("Really delete all?", deleteAll)));
    });
  }
  function none() {
    const said = document.createElement("p");
    said.textContent = "There is none yet: ask a question, and it begins.";
    return said;
  }

  // The newest ones, where no question has been asked yet.
  function recent() {
    const examples = find("#examples");
    if (!examples || find("#chat .answer")) return; // it is not seen then, and would read the storage at each redrawing
    let place = find("#recent");
    if (!place) {
      place = document.createElement("div");
      place.id = "recent";
      examples.after(place);
    }
    const newest = list().slice(0, 3);
    const state = JSON.stringify(newest);
    if (place.dataset.state === state) return;
    place.dataset.state = state;
    const title = document.createElement("p");
    title.textContent = "Asked before, in this browser";
    const all = document.createElement("ul");
    all.append(
      ...newest.map(({ id, name }) => {
        const item = document.createElement("li");
        const made = button(name, () => show(id));
        made.className = "";
        item.append(made);
        return item;
      }),
    );
    place.hidden = !newest.length;
    place.replaceChildren(title, all);
  }

  function entry({ id, name, at, count }) {
    const item = document.createElement("li");
    const open = button(name, () => show(id));
    open.className = "open";
    if (id === current) open.setAttribute("aria-current", "true");
    const said = document.createElement("span");
    const day = new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    said.textContent = `${count} question${count === 1 ? "" : "s"}, ${day}`;
    const rename = button("Rename", () => renaming(item, { id, name }));
    rename.setAttribute("aria-label", `Rename ${name}`);
    const gone = button("Delete", sure("Really delete?", () => deleted(id, item)));
    gone.setAttribute("aria-label", `Delete ${name}`);
    item.append(open, said, rename, gone);
    return item;
  }

  function sure(question, act) {
    return (made) => {
      if (made.dataset.sure) return act();
      const [label, name] = [made.textContent, made.getAttribute("aria-label")];
      made.dataset.sure = "asked";
      made.textContent = question;
      made.removeAttribute("aria-label");
      setTimeout(() => {
        delete made.dataset.sure;
        made.textContent = label;
        if (name) made.setAttribute("aria-label", name);
      }, 5000);
    };
  }

  function renaming(item, { id, name }) {
    const form = document.createElement("form");
    const field = document.createElement("input");
    field.type = "text";
    field.value = name;
    field.maxLength = 120;
    field.setAttribute("aria-label", "New name");
    const save = document.createElement("button");
    save.textContent = "Save";
    save.className = "own";
    form.append(field, save);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const wanted = field.value.trim() || name;
      store(LIST, list().map((each) => (each.id === id ? { ...each, name: wanted } : each)));
      talks(find("#talks"));
      page.announce(`Renamed to ${wanted}.`);
    });
    item.replaceChildren(form);
    field.select();
  }

  function deleted(id, item) {
    remove(TALK + id);
    store(LIST, list().filter((each) => each.id !== id));
    const next = item.nextElementSibling || item.previousElementSibling;
    item.remove();
    page.announce("Deleted.");
    if (id === current) show("");
    else if (next) next.querySelector("button").focus();
    else talks(find("#talks"));
  }
  function deleteAll() {
    for (const { id } of list()) remove(TALK + id);
    store(LIST, []);
    page.announce("All conversations are deleted.");
    show("");
  }

  // -- an address that asks ------------------------------------------------------------------------------------------
  // The query goes from the address at once: Gradio would send it along with each question.
  async function fromAddress() {
    const query = new URLSearchParams(location.search);
    const question = query.get("q");
    if (question === null) return false;
    current = ""; // it begins a conversation of its own, whichever this tab had open
    for (const name of ["q", "period", ...Object.values(FACETS)]) query.delete(name);
    const asked = new URLSearchParams(location.search);
    history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}${location.hash}`);
    const narrowed = Object.values(FACETS).some((name) => asked.has(name)) ? '#narrow input[type="checkbox"]' : "#narrow input";
    for (let turns = 0; !find(narrowed) && turns < 100; turns++) await settle(); // Gradio draws them when it has their code
    fill("#narrow-period", asked.get("period") || "");
    const missing = [];
    for (const [facet, name] of Object.entries(FACETS)) {
      for (const value of asked.getAll(name)) {
        const input = [...document.querySelectorAll(`#narrow-${facet} input`)].find((each) => each.name === value);
        if (!input) missing.push(value);
        else if (!input.checked) input.click();
      }
    }
    if (missing.length) page.announce(`No article has ${missing.join(", ")}: that filter is left out.`);
    await settle();
    if (question.trim()) ask(question, []);
    return true;
  }

  document.addEventListener(
    "click",
    (event) => {
      const at = (selector) => event.target.closest?.(selector);
      const asking = at('a[href^="#q/"], a[href^="#ask/"]');
      if (asking && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
        event.preventDefault();
        event.stopPropagation();
        const href = asking.getAttribute("href");
        if (href.startsWith("#q/")) ask(decodeURIComponent(href.slice(3)));
        else about(asking);
      } else if (at("#clear")) show("");
      else if (at("#talks")) talks(at("#talks"));
      else if (!at("#export")) {
        const menu = find("#export");
        if (menu) menu.open = false;
      }
    },
    true,
  );
  // The article's name begins the question, so that it is found whatever is asked of it.
  function about(link) {
    const title = link.closest("#reader")?.querySelector("h2")?.textContent.trim() || "";
    page.goto("ask");
    page.close(false);
    if (title) fill("#q", `${title}: `);
    const element = box("#q");
    element.focus();
    element.setSelectionRange(element.value.length, element.value.length);
    page.announce("Write what you want to know about it.");
  }
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape") return;
      unedit();
      if (find("#export[open]")) {
        find("#export").open = false;
        find("#export summary").focus();
      }
    },
    true,
  );
  let busy = false;
  page.listeners.push((what) => {
    if (what === "settled") {
      current = stored(OPEN, sessionStorage) || "";
      fromAddress().then((asked) => {
        if (asked) return;
        if (exchanges(current).length) show(current);
        else current = "";
      });
    }
    if (busy && !page.answering()) {
      document.body.classList.remove("editing");
      agreeing = setTimeout(() => !page.answering() && carry(exchanges(current)), 300);
    }
    busy = page.answering();
    take();
    tools();
    recent();
  });
})();
