// Runs before the page is drawn, so that a chosen theme never flashes.
(() => {
  const key = "theme";
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    const kept = localStorage.getItem(key);
    return kept === "light" || kept === "dark" ? kept : dark.matches ? "dark" : "light";
  };
  const show = () => {
    root.dataset.theme = chosen();
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.hidden = false;
      button.setAttribute("aria-pressed", String(chosen() === "dark"));
    }
  };
  show();
  dark.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    localStorage.setItem(key, chosen() === "dark" ? "light" : "dark");
    show();
  });
})();
