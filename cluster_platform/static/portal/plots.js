// Shows the exact numbers of the bar under the pointer or finger; closes open menus on a click elsewhere.
for (const plot of document.querySelectorAll("[data-plot]")) {
  const readout = plot.querySelector("[data-readout]");
  const hint = readout.textContent;
  let marked = null;
  const mark = (bar) => {
    marked?.classList.remove("marked");
    marked = bar;
    marked?.classList.add("marked");
    readout.textContent = bar ? bar.dataset.label : hint;
  };
  const svg = plot.querySelector("svg");
  svg.addEventListener("pointermove", (event) => {
    const bar = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-label]");
    if (bar && bar !== marked) mark(bar);
  });
  svg.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && mark(null));
}
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
