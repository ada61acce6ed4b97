// Fetches the live parts of the page every half minute, or as often as the page says, and replaces those that changed,
// until one of them says that nothing more will come.
const { liveFrom: source, liveSeconds } = document.querySelector("[data-live-from]").dataset;
const known = new Map([...document.querySelectorAll("[data-live]")].map((part) => [part.id, part.innerHTML]));

let ended = false;

async function refresh() {
  if (document.hidden || ended) return;
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
    ended ||= "liveEnd" in part.dataset;
  }
}

setInterval(() => refresh().catch(() => {}), 1000 * (liveSeconds || 30));
document.addEventListener("visibilitychange", () => refresh().catch(() => {}));
