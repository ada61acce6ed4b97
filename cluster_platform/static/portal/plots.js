// Shows the exact numbers of the bar under the pointer or finger; closes open menus on a click elsewhere.
let marked = null;
let hint = "";

function mark(bar) {
  const readout = (plot) => plot.closest("[data-plot]").querySelector("[data-readout]");
  if (marked) {
    marked.classList.remove("marked");
    readout(marked).textContent = hint;
  }
  marked = bar;
  if (marked) {
    marked.classList.add("marked");
    hint = readout(marked).textContent;
    readout(marked).textContent = marked.dataset.label;
  }
}

document.addEventListener("pointermove", (event) => {
  const bar = event.target.closest?.("[data-plot] [data-label]") ?? null;
  if (bar !== marked && (bar || event.pointerType === "mouse")) mark(bar);
});
document.addEventListener("pointerdown", (event) => {
  const bar = event.target.closest?.("[data-plot] [data-label]");
  if (bar && bar !== marked) mark(bar);
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
