"use strict";
// What is folded away on the screen is printed all the same.
addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details:not([open])")) {
    each.dataset.folded = "";
    each.open = true;
  }
});
addEventListener("afterprint", () => {
  for (const each of document.querySelectorAll("details[data-folded]")) {
    delete each.dataset.folded;
    each.open = false;
  }
});
// What scrolls sideways can be reached with the keyboard.
const reach = () => {
  for (const each of document.querySelectorAll(".scroll")) {
    const scrolls = each.scrollWidth > each.clientWidth;
    each.toggleAttribute("tabindex", scrolls);
    if (scrolls) {
      each.tabIndex = 0;
      each.setAttribute("role", "region");
    } else each.removeAttribute("role");
  }
};
addEventListener("load", reach);
addEventListener("resize", reach);
