// What the keyboard and screen readers need and Gradio's parts lack: a way past the masthead, landmarks, names of
// groups, the document's title, and a place for the focus when what had it is gone.
"use strict";
(() => {
  const page = window.backchannel;
  const { find } = page;
  const NAME = "Backchannel";
  const VIEWS = {
    ask: ["To the question", "#q textarea"],
    search: ["To the search box", "#s :is(input, textarea)"],
    library: ["To the articles", "#lib-words"],
    maintain: ["To the index", "#maintain-again"],
  };
  const view = () => VIEWS[document.body.dataset.view] || VIEWS.ask;
  const titled = { search: "Search", library: "Library", maintain: "Maintain" };

  // -- past the masthead ------------------------------------------------------------------------------------------
  function skip() {
    let link = find("#skip");
    if (!link) {
      link = document.createElement("a");
      link.id = "skip";
      link.href = "#to";
      link.addEventListener("click", (event) => {
        event.preventDefault(); // the address stays the view's
        (find(view()[1]) || place()).focus();
      });
      document.body.prepend(link);
    }
    if (link.textContent !== view()[0]) link.textContent = view()[0];
    link.inert = page.phone.matches && document.body.classList.contains("reading"); // an article covers the page
  }

  // -- landmarks and names ----------------------------------------------------------------------------------------
  function set(element, name, value) {
    if (element && element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
  function landmarks() {
    set(find("main.contain"), "role", "presentation"); // Gradio's, around all that follows
    set(find("#masthead"), "role", "banner");
    set(find("#views"), "role", "navigation");
    set(find("#views"), "aria-label", "Views");
    set(find("#left"), "role", "main");
    set(find("#panel"), "role", "complementary");
    set(find("#panel"), "aria-label", "Sources");
    set(find('#chat [role="log"]'), "aria-label", "Conversation");
    // Gradio names a group by a plain line of text in it.
    for (const group of document.querySelectorAll("fieldset:not([aria-labelledby])")) {
      const line = group.querySelector('[data-testid="block-info"]');
      if (!line) continue;
      line.id ||= `${group.id}-name`;
      group.setAttribute("aria-labelledby", line.id);
    }
  }

  // Gradio's notices: all of the head is a button in which another stands (6.31); that one, which closes, is enough.
  function notices() {
    for (const head of document.querySelectorAll(".toast-header[role]")) {
      head.removeAttribute("role");
      head.removeAttribute("tabindex");
    }
  }

  function title() {
    const open = document.body.classList.contains("reading") && find("#reader:not([hidden]) h2");
    const asked = [...document.querySelectorAll("#chat .asked h2")].pop();
    const about = open || (document.body.dataset.view === "ask" ? asked : null);
    const said = about ? about.textContent.trim() : titled[document.body.dataset.view] || "";
    const whole = said ? `${said} — ${NAME}` : NAME;
    if (document.title !== whole) document.title = whole;
  }

  // -- the focus --------------------------------------------------------------------------------------------------
  let held = null; // what has the focus, or had it last
  const usable = (element) => element.isConnected && !element.disabled && element.getClientRects().length > 0;

  // The part of the view that is read: it takes the focus where a box would bring up a phone's keyboard.
  function place() {
    const part = find(document.body.dataset.view === "ask" ? "#thread" : `#view-${document.body.dataset.view}`);
    if (!part.hasAttribute("tabindex")) part.tabIndex = -1;
    return part;
  }
  function keep() {
    if (!held || document.activeElement !== document.body || usable(held)) return;
    const beside = held.isConnected && held.parentElement.querySelector("button:not(:disabled)");
    const box = page.phone.matches ? null : find(view()[1]);
    held = null;
    const next = [beside, box, place()].find((each) => each && usable(each));
    next?.focus({ preventScroll: true });
  }
  document.addEventListener("focusin", (event) => {
    held = event.target;
  });
  for (const kind of ["focusout", "click"]) document.addEventListener(kind, () => setTimeout(keep, 150), true);
  document.addEventListener("pointerdown", (event) => {
    if (!event.target.closest?.("a, button, input, textarea, select, summary, label, [tabindex]")) held = null;
  });

  function refresh(what) {
    if (what === "settled") find("#opening")?.remove();
    skip();
    landmarks();
    notices();
    title();
    setTimeout(keep, 150);
  }
  page.listeners.push(refresh);
  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver(refresh).observe(document.body, { attributes: true, attributeFilter: ["data-view", "class"] });
  });
})();
