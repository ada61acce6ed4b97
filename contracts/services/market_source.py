"""Fetches the market's prices from where they are published (PSE, report `rce-pln`), a local day at a time."""

from datetime import date
from urllib.parse import parse_qsl, urlsplit

import httpx

from contracts.domain.market_prices import MarketPricesRefused, Price, check_days, page_of

REPORT = "rce-pln"
TIMEOUT_SECONDS = 20.0
MOST_PAGES = 20
LARGEST_ANSWER_BYTES = 4 * 2**20


class SourceFailed(RuntimeError):
    """The live source can't be reached, answers with an error, or with what can't be read; the text says which."""


def fetch_day(base_url: str, day: date) -> tuple[Price, ...]:
    """The prices of a local day; empty where none are published yet. Raises SourceFailed.

    `base_url`: such as https://api.raporty.pse.pl/api. An answer comes in pages; each names the query of the next.
    """
    url = f"{base_url.rstrip('/')}/{REPORT}"
    query = {"$filter": f"business_date eq '{day.isoformat()}'"}
    rows: list[object] = []
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client:
            for _page in range(MOST_PAGES):
                page, link = page_of(_get(client, url, query))
                rows += page
                if not link:
                    return check_days(rows, day) if rows else ()
                # Only its query: the address in it may be one that is known inside the publisher's house only.
                query = dict(parse_qsl(urlsplit(link).query))
    except httpx.HTTPError as error:
        raise SourceFailed(f"{url} can't be read for {day}: {error or type(error).__name__}") from error
    except MarketPricesRefused as error:
        raise SourceFailed(f"{url} answered for {day} with what can't be used: {error}") from error
    raise SourceFailed(f"{url} answered for {day} with more than {MOST_PAGES} pages")


def _get(client: httpx.Client, url: str, query: dict[str, str]) -> bytes:
    parts: list[bytes] = []
    size = 0
    with client.stream("GET", url, params=query, headers={"Accept": "application/json"}) as answer:
        answer.raise_for_status()
        for part in answer.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > LARGEST_ANSWER_BYTES:
                raise httpx.DecodingError(f"more than {LARGEST_ANSWER_BYTES} bytes")
    return b"".join(parts)
