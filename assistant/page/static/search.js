// The Search view's extras: its filters, and a status line that is read out.
"use strict";
(() => {
  const page = window.backchannel;
  const { find } = page;

  page.filters({
    row: "s-chips",
    before: "#found",
    within: "#s-facets",
    period: "#s-period",
    opener: "#s-filters",
    open: "searching-within",
    home: () => page.box("#s"),
    named: (label) => label.replace(/ \(\d+\)$/, ""),
    counts: () => Boolean(find("#found .searched, #found .said")),
    // The period counts once it has been searched with, which chips cannot see: they show it as it is typed.
    unperiod: () => {
      page.fill("#s-period", "");
      page.settle().then(() => find("#s-go").click());
    },
    drawn: (count) => {
      if (find("#s-clear")) find("#s-clear").disabled = !count;
    },
  });

  document.addEventListener(
    "click",
    (event) => {
      if (!event.target.closest?.("a.unfilter")) return;
      event.preventDefault();
      find("#s-clear").disabled = false;
      find("#s-clear").click();
      page.box("#s").focus(); // the link goes, and the focus with it
    },
    true,
  );
  window.addEventListener("hashchange", () => {
    if (location.hash === "#/search" && !page.phone.matches) page.box("#s")?.focus();
  });
  page.listeners.push(() => {
    const line = find("#s-status");
    if (line && !line.hasAttribute("role")) line.setAttribute("role", "status");
  });
})();
