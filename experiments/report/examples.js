"use strict";
// Shows the examples that all filters let through. Without it all are shown, and no filters.
{
  const root = document.currentScript.previousElementSibling;
  const form = root.querySelector(".ex-filters");
  const cards = [...root.querySelectorAll(".ex-card")];
  const show = () => {
    const wanted = [...new FormData(form)].filter(([, value]) => value !== "");
    let shown = 0;
    for (const card of cards) {
      card.hidden = !wanted.every(([name, value]) => card.dataset[name] === value);
      shown += card.hidden ? 0 : 1;
    }
    for (const part of root.querySelectorAll(".ex-part"))
      part.hidden = !part.querySelector(".ex-card:not([hidden])");
    form.querySelector("output").value = `${shown} of ${cards.length} examples shown`;
  };
  if (form) {
    form.hidden = false;
    form.addEventListener("change", show);
    form.addEventListener("submit", (event) => event.preventDefault());
    // The fields have their first values back only once the event is over.
    form.addEventListener("reset", () => setTimeout(show));
    addEventListener("pageshow", show);
    show();
  }
}
