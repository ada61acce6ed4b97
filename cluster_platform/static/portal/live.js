// Fetches the live parts of the page every half minute and replaces those that changed.
const source = document.querySelector("[data-live-from]").dataset.liveFrom;
const known = new Map([...document.querySelectorAll("[data-live]")].map((part) => [part.id, part.innerHTML]));

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(source, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of fresh.querySelectorAll("[data-live]")) {
    const shown = document.getElementById(part.id);
    if (!shown || known.get(part.id) === part.innerHTML) continue;
    known.set(part.id, part.innerHTML);
    const open = [...shown.querySelectorAll("details")].map((details) => details.open);
    shown.replaceChildren(...part.childNodes);
    shown.querySelectorAll("details").forEach((details, index) => (details.open = Boolean(open[index])));
  }
}

setInterval(() => refresh().catch(() => {}), 30_000);
document.addEventListener("visibilitychange", () => refresh().catch(() => {}));
