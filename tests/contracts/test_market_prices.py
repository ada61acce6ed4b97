"""The market's prices: read as published, stored once, republished days as versions, fetched from their address."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from django.db.models import Count

from contracts.domain.market_prices import MarketPricesRefused, read_prices
from contracts.models import MarketPrice
from contracts.selectors.market import market_days, market_prices
from contracts.services.market import Stored, store_market_prices
from contracts.services.market_source import SourceFailed, fetch_day
from contracts.tasks import fetch_market_prices
from tests.contracts.market import SAMPLE, as_file, rows_of

SPRING, SUMMER, AUTUMN = date(2026, 3, 29), date(2026, 6, 15), date(2026, 10, 25)
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LIVE, OPERATOR, COORDINATOR = MarketPrice.Via


def store(rows: list[dict[str, Any]], via: MarketPrice.Via = OPERATOR, now: datetime = NOW) -> Stored:
    return store_market_prices(read_prices(as_file(rows)), via, "test", now)


def refused(data: bytes) -> str:
    with pytest.raises(MarketPricesRefused) as error:
        read_prices(data)
    return str(error.value)


def test_the_sample_is_read_by_the_start_of_its_quarter_hours() -> None:
    prices = read_prices(SAMPLE.read_bytes())
    assert len(prices) == 96
    assert prices[0].start == datetime(2026, 6, 14, 22, 0, tzinfo=UTC)
    assert prices[0].pln_mwh == Decimal("427.18")
    assert prices[-1].start == datetime(2026, 6, 15, 21, 45, tzinfo=UTC)
    assert prices[-1].pln_mwh == Decimal("428.64")
    assert prices[0].published_at == datetime(2026, 6, 14, 12, 24, 5, 631000, tzinfo=UTC)


@pytest.mark.parametrize(("day", "count"), [(SPRING, 92), (SUMMER, 96), (AUTUMN, 100)])
def test_a_day_has_as_many_rows_as_its_local_day(day: date, count: int) -> None:
    rows = rows_of(day)
    assert len(rows) == count
    prices = read_prices(as_file(rows))
    assert [price.start for price in prices] == [prices[0].start + n * timedelta(minutes=15) for n in range(count)]
    assert f"{day} has {count - 1} of {count} quarter-hours" in refused(as_file(rows[:-1]))
    assert refused(as_file([*rows, rows[7]])) == (
        f"row {count + 1}, dtime_utc: {prices[8].start:%Y-%m-%dT%H:%M:%SZ} is in row 8 already; keep one"
    )


def test_rows_may_come_in_any_order_and_of_several_days() -> None:
    rows = rows_of(SUMMER) + rows_of(SUMMER + timedelta(days=1))
    assert read_prices(as_file(rows[::-1])) == read_prices(as_file(rows))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dtime_utc": "2026-06-14 22:20:00"}, "row 3, dtime_utc: '2026-06-14 22:20:00' does not end a quarter-hour"),
        ({"dtime_utc": "14.06.2026 22:15"}, "row 3, dtime_utc: '14.06.2026 22:15' is no UTC time"),
        ({"dtime_utc": "2026-06-14 22:45:00+02:00"}, "row 3, dtime_utc: '2026-06-14 22:45:00+02:00' is no UTC time"),
        ({"dtime_utc": None}, "row 3, dtime_utc: 'None' is no UTC time"),
        ({"rce_pln": None}, "row 3, rce_pln: the price is missing"),
        ({"rce_pln": "12,5"}, "row 3, rce_pln: '12,5' is no number"),
        ({"rce_pln": True}, "row 3, rce_pln: 'True' is no number"),
        ({"rce_pln": 1e9}, "row 3, rce_pln: 1000000000.0 PLN/MWh is too large"),
        ({"rce_pln": 0.1234567}, "row 3, rce_pln: 0.1234567 has more than 6 decimals"),
        ({"business_date": "2026-06-14"}, "row 3, business_date: the quarter-hour that ends at 2026-06-14T22:45:00Z"),
        ({"business_date": "15.6.2026"}, "row 3, business_date: '15.6.2026' is not a day such as 2026-06-16"),
    ],
)
def test_mistakes_are_told_with_their_row(changes: dict[str, Any], said: str) -> None:
    rows = rows_of(SUMMER)
    rows[2] |= changes
    assert said in refused(as_file(rows))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "this is no JSON in UTF-8"),
        (b"\xff\xfe", "this is no JSON in UTF-8"),
        (b'{"value": [NaN]}', "this is no JSON in UTF-8: NaN is no number"),
        (b"{}", "there is no list of rows"),
        (b"[]", "there are no rows"),
        (b"[1]", "row 1: the row is no object with fields"),
        (b"[" * 100_000, "this is no JSON in UTF-8"),
    ],
)
def test_what_is_no_price_file_is_refused(data: bytes, said: str) -> None:
    assert said in refused(data)


@pytest.mark.django_db
def test_a_day_published_twice_becomes_versions_only_where_it_differs() -> None:
    assert store(rows_of(SUMMER)) == Stored(new=96)
    assert store(rows_of(SUMMER)) == Stored(unchanged=96)
    again = rows_of(SUMMER, at_2230="-12.5", at_0000="0")
    assert store(again) == Stored(replaced=2, unchanged=94)
    assert store(again) == Stored(unchanged=96)
    assert MarketPrice.objects.count() == 98
    start = datetime(2026, 6, 14, 22, 15, tzinfo=UTC)
    assert market_prices(start, start + timedelta(minutes=15)) == {start: Decimal("-12.5")}
    versions = MarketPrice.objects.filter(interval_start=start).order_by("version")
    assert list(versions.values_list("version", "pln_mwh")) == [(1, Decimal(401)), (2, Decimal("-12.5"))]
    [(day, count, lowest, highest, _mean, version, *_times)] = market_days(
        datetime(2026, 6, 14, 22, tzinfo=UTC), datetime(2026, 6, 15, 22, tzinfo=UTC), "Europe/Warsaw"
    )
    assert (day, count, lowest, highest, version) == (SUMMER, 96, Decimal("-12.5"), Decimal(495), 2)


@pytest.mark.django_db
def test_an_older_publication_does_not_come_back() -> None:
    newer = [row | {"publication_ts_utc": "2026-06-15 09:00:00"} for row in rows_of(SUMMER, first="500")]
    assert store(newer).new == 96
    assert store(rows_of(SUMMER)) == Stored(older=96)


@pytest.mark.django_db
def test_a_coordinator_s_file_fills_gaps_and_replaces_nothing_of_the_market_s() -> None:
    assert store(rows_of(SUMMER), LIVE).new == 96
    both = rows_of(SUMMER, at_2230="1") + rows_of(SUMMER + timedelta(days=1))
    assert store(both, COORDINATOR) == Stored(new=96, kept=1, unchanged=95)
    assert store(rows_of(SUMMER + timedelta(days=1), first="10"), COORDINATOR).replaced == 96
    assert store(both, LIVE) == Stored(replaced=97, unchanged=95)


@pytest.mark.django_db
def test_a_publication_in_the_future_is_refused() -> None:
    with pytest.raises(MarketPricesRefused, match="yet to come"):
        store(rows_of(SUMMER), now=datetime(2026, 6, 14, 12, tzinfo=UTC))
    assert not MarketPrice.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement", ["UPDATE contracts_marketprice SET pln_mwh = 0", "DELETE FROM contracts_marketprice"]
)
def test_prices_are_never_changed(statement: str) -> None:
    store(rows_of(SUMMER))
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(MarketPrice._meta.db_table))


@pytest.mark.django_db
def test_the_command_takes_files(tmp_path: Path) -> None:
    out = StringIO()
    call_command("import_market_prices", str(SAMPLE), stdout=out)
    call_command("import_market_prices", str(SAMPLE), stdout=out)
    assert out.getvalue() == (
        "rce-pln_2026-06-15.json: 2026-06-15: new 96 quarter-hours\n"
        "rce-pln_2026-06-15.json: 2026-06-15: unchanged 96 quarter-hours\n"
    )
    bad = tmp_path / "bad.json"
    bad.write_bytes(as_file(rows_of(AUTUMN)[:-1]))
    error = StringIO()
    with pytest.raises(CommandError, match="1 of 2 could not be stored"):
        call_command("import_market_prices", str(bad), str(SAMPLE), stdout=out, stderr=error)
    assert (
        "2026-10-25 has 99 of 100 quarter-hours; the first that lacks ends at 2026-10-25T23:00:00Z" in error.getvalue()
    )
    assert MarketPrice.objects.count() == 96


class Publisher(BaseHTTPRequestHandler):
    """Answers as the publisher does: pages of 40 rows, the next one named by an address that only it knows."""

    days: dict[str, list[dict[str, Any]]] = {}
    status = 200
    asked: list[str] = []

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        day = query["$filter"][0].removeprefix("business_date eq '").removesuffix("'")
        after = int(query.get("$after", ["0"])[0])
        self.asked.append(f"{urlsplit(self.path).path} {day} {after}")
        rows = self.days.get(day, [])
        page: dict[str, Any] = {"value": rows[after : after + 40]}
        if after + 40 < len(rows):
            page["nextLink"] = f"http://inside:5000/api/rce-pln?$filter=business_date eq '{day}'&$after={after + 40}"
        body = json.dumps(page).encode() if self.status == 200 else b"broken"
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None: ...


@pytest.fixture
def publisher() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Publisher)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    Publisher.days, Publisher.status, Publisher.asked = {}, 200, []
    yield f"http://127.0.0.1:{server.server_port}/api"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_day_is_fetched_page_by_page(publisher: str) -> None:
    Publisher.days = {f"{AUTUMN}": rows_of(AUTUMN)}
    assert fetch_day(publisher, AUTUMN) == read_prices(as_file(rows_of(AUTUMN)))
    assert Publisher.asked == [f"/api/rce-pln {AUTUMN} {after}" for after in (0, 40, 80)]
    assert fetch_day(f"{publisher}/", SUMMER) == ()


def test_a_source_that_fails_says_how(publisher: str) -> None:
    Publisher.days = {f"{AUTUMN}": rows_of(AUTUMN)[:-1], f"{SUMMER}": rows_of(SPRING)}
    for day, said in ((AUTUMN, "99 of 100 quarter-hours"), (SUMMER, f"{SUMMER} was asked for")):
        with pytest.raises(SourceFailed, match=said):
            fetch_day(publisher, day)
    Publisher.status = 503
    with pytest.raises(SourceFailed, match="503"):
        fetch_day(publisher, AUTUMN)
    with pytest.raises(SourceFailed, match="can't be read"):
        fetch_day("http://127.0.0.1:9", AUTUMN)


@pytest.mark.django_db
def test_the_beat_fetches_recent_days_and_finds_republished_ones(publisher: str, settings: Any) -> None:
    settings.MARKET_PRICES_URL = publisher
    today = datetime.now(UTC).astimezone().date()
    days = [today - timedelta(days=n) for n in range(3, 0, -1)]
    Publisher.days = {f"{day}": rows_of(day) for day in days}
    fetch_market_prices()
    counts = MarketPrice.objects.aggregate(n=Count("pk"))["n"]
    assert counts == sum(len(rows) for rows in Publisher.days.values())
    assert any(f"{today + timedelta(days=1)}" in asked for asked in Publisher.asked)
    Publisher.days[f"{days[0]}"][5]["rce_pln"] = 7
    fetch_market_prices()
    assert MarketPrice.objects.count() == counts + 1
    assert MarketPrice.objects.get(version=2).pln_mwh == 7
    settings.MARKET_PRICES_URL = ""
    Publisher.asked.clear()
    fetch_market_prices()
    assert not Publisher.asked


@pytest.mark.django_db
def test_the_command_fetches_days(publisher: str, settings: Any) -> None:
    settings.MARKET_PRICES_URL = publisher
    Publisher.days = {f"{SUMMER}": rows_of(SUMMER)}
    out = StringIO()
    call_command("import_market_prices", "--from", "2026-06-15", "--to", "2026-06-16", stdout=out)
    assert out.getvalue() == "2026-06-15: 2026-06-15: new 96 quarter-hours\n2026-06-16: no prices are published yet\n"
    for wrong in (["--from", "2026-06-15"], ["--day", "15.6"], [], [str(SAMPLE), "--day", "2026-06-15"]):
        with pytest.raises(CommandError):
            call_command("import_market_prices", *wrong)
