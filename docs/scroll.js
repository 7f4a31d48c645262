// Tables that are wider than the page take the focus of the keyboard, so that arrows move them.
"use strict";
document$.subscribe(() => {
  const mark = () => {
    for (const wrap of document.querySelectorAll(".md-typeset__scrollwrap")) {
      if (wrap.scrollWidth <= wrap.clientWidth) {
        wrap.removeAttribute("tabindex");
        continue;
      }
      wrap.tabIndex = 0;
      wrap.setAttribute("role", "region");
      wrap.setAttribute("aria-label", "Table that goes on to the right");
    }
  };
  setTimeout(mark); // after the theme has wrapped the tables
  addEventListener("resize", mark);
});
