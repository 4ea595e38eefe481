// What Ask and Search share: Gradio's boxes filled from outside, and the filters of a view, behind a button and as chips
// that take them off.
"use strict";
(() => {
  const page = window.backchannel;
  const { find } = page;
  const NAMES = "Filters that are on";

  page.box = (selector) => find(`${selector} :is(textarea, input)`);
  page.fill = (selector, value) => {
    const element = page.box(selector);
    if (!element || element.value === value) return;
    const { set } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(element), "value");
    set.call(element, value);
    element.dispatchEvent(new Event("input", { bubbles: true }));
  };
  page.settle = () => new Promise((done) => setTimeout(done, 30)); // Gradio takes a value in its next turn

  // `row`: id of the chips, which stand before the element `before`; `within`: where the boxes and, in `period`, the years
  // are; `opener`: the button that shows them by the class `open` of the body; `home`: gives what takes the focus when
  // the last chip is gone; `named`: a box's label as its chip has it; `counts`: whether they are in force; `unperiod`: takes
  // the years off; `drawn`: is told of how many chips there are.
  page.filters = ({ row, before, within, period, opener, open, home, named, counts, unperiod, drawn }) => {
    function filters() {
      const found = [...document.querySelectorAll(`${within} input[type="checkbox"]:checked`)].map((each) => ({
        label: named(each.closest("label")?.textContent.trim() || each.name),
        off: () => each.click(),
      }));
      const years = page.box(period)?.value.trim();
      return years ? [{ label: years, off: unperiod }, ...found] : found;
    }
    function place() {
      const found = find(`#${row}`);
      if (found || !find(before)) return found;
      const made = document.createElement("div");
      made.id = row;
      made.className = "chips";
      made.setAttribute("role", "group");
      made.setAttribute("aria-label", NAMES);
      find(before).before(made);
      return made;
    }
    function chips() {
      const bar = place();
      if (!bar) return;
      const on = counts() ? filters() : [];
      const state = JSON.stringify(on.map((each) => each.label));
      if (bar.dataset.state === state) return;
      bar.dataset.state = state;
      bar.hidden = !on.length;
      bar.replaceChildren(...on.map(chip));
      if (find(opener)) find(opener).textContent = on.length ? `Filters (${on.length})` : "Filters";
      drawn(on.length);
    }
    function chip({ label, off }) {
      const made = page.button(label, () => {
        off();
        setTimeout(() => {
          chips();
          (find(`#${row} button`) || home()).focus();
        }, 0);
      });
      made.setAttribute("aria-label", `Take off the filter ${label}`);
      return made;
    }
    function narrow(on) {
      document.body.classList.toggle(open, on);
      find(opener).setAttribute("aria-expanded", String(on));
      if (on) page.box(period)?.focus();
    }

    document.addEventListener("click", (event) => event.target.closest?.(opener) && narrow(!document.body.classList.contains(open)), true);
    document.addEventListener(
      "keydown",
      (event) => {
        if (event.key !== "Escape" || !document.body.classList.contains(open) || !event.target.closest?.(within)) return;
        narrow(false);
        find(opener).focus();
      },
      true,
    );
    for (const kind of ["input", "change"]) {
      document.addEventListener(kind, (event) => event.target.closest?.(within) && setTimeout(chips, 0));
    }
    page.listeners.push(() => {
      const button = find(opener);
      if (button && !button.hasAttribute("aria-expanded")) {
        button.setAttribute("aria-expanded", "false");
        button.setAttribute("aria-controls", within.slice(1));
      }
      chips();
    });
  };
})();
