// Fetches the live parts of the page every half minute and replaces those that changed.
const source = document.querySelector("[data-live-from]").dataset.liveFrom;

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(source, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of fresh.querySelectorAll("[data-live]")) {
    const shown = document.getElementById(part.id);
    if (shown && shown.innerHTML !== part.innerHTML) shown.replaceChildren(...part.childNodes);
  }
}

setInterval(() => refresh().catch(() => {}), 30_000);
document.addEventListener("visibilitychange", () => refresh().catch(() => {}));
