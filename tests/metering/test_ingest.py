"""Deliveries of readings: each stored once, whatever the order, beside what is refused."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command

from metering.domain.calendar import day_bounds, format_instant, interval_starts, parse_day
from metering.domain.readings import STAMPED_COLUMNS, ReadingsRefused
from metering.domain.versions import issued_at, version_of
from metering.models import IntervalInput, MeteringPoint, Reading
from metering.services import Outcome, ingest, touch_span
from participants.models import Cluster
from participants.tenancy.scope import scope
from tests.contracts.small_dataset import POINTS, STARTS, WARSAW, small_dataset, write

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 12, 1, tzinfo=UTC)
FIRST = version_of(NOW)


def later(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


def line(
    wh: int | str = 500, code: str = POINTS[0], at: datetime = STARTS[2], quality: str = "measured", stamp: str = ""
) -> str:
    return f"{code},{format_instant(at)},{wh},0,{quality}{stamp and ',' + stamp}\n"


def deliver(cluster: Cluster, *lines: str, issued: datetime = NOW, **options: object) -> Outcome:
    settings = {"whole": False, "now": later(86_400)} | options
    return ingest(cluster, ["".join(lines).encode()], issued_at=issued, **settings)  # type: ignore[arg-type]


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """The small cluster without any readings."""
    files = small_dataset()
    del files["readings-2026-10.csv"]
    call_command("load_cluster", str(write(files, tmp_path)), verbosity=0)
    return Cluster.objects.get(slug="small")


def versions(cluster: Cluster, code: str = POINTS[0], at: datetime = STARTS[2]) -> list[tuple[int, int, int]]:
    """Seconds after the first delivery (an estimate's own number), energy, quality."""
    with scope(cluster.pk):
        found = Reading.objects.filter(metering_point__code=code, interval_start=at).order_by("version")
        return [(r.version - FIRST if issued_at(r.version) else r.version, r.imported_wh, r.quality) for r in found]


def changes(cluster: Cluster) -> dict[object, int]:
    with scope(cluster.pk):
        return {row.interval_start: row.changes for row in IntervalInput.objects.all()}


def test_a_delivery_is_stored_once(cluster: Cluster) -> None:
    before = changes(cluster)
    rows = [line(), line(code=POINTS[1]), line(at=STARTS[3])]
    assert deliver(cluster, *rows, rows_wanted=True) == Outcome(accepted=3, status_of_rows="aaa")
    after = changes(cluster)
    assert {at for at in after if after[at] != before.get(at)} == {STARTS[2], STARTS[3]}
    for issued in (NOW, later(60)):
        assert deliver(cluster, *rows, issued=issued, rows_wanted=True) == Outcome(unchanged=3, status_of_rows="uuu")
    assert changes(cluster) == after
    assert versions(cluster) == [(0, 500, 1)]


def test_a_changed_value_is_a_new_version(cluster: Cluster) -> None:
    deliver(cluster, line())
    assert deliver(cluster, line(501, quality="substituted"), issued=later(5)) == Outcome(replaced=1)
    assert deliver(cluster, line(), issued=later(9)) == Outcome(replaced=1)
    assert versions(cluster) == [(0, 500, 1), (5, 501, 3), (9, 500, 1)]


def test_what_was_issued_before_is_kept_and_touches_nothing(cluster: Cluster) -> None:
    deliver(cluster, line(502), issued=later(9))
    before = changes(cluster)
    assert deliver(cluster, line(501), issued=later(5)) == Outcome(superseded=1)
    assert versions(cluster) == [(5, 501, 1), (9, 502, 1)]
    assert changes(cluster) == before
    assert deliver(cluster, line(501), issued=later(7)) == Outcome(unchanged=1)


def test_values_of_the_same_second_follow_each_other(cluster: Cluster) -> None:
    for wh in (500, 501, 502):
        deliver(cluster, line(wh))
    assert versions(cluster) == [(0, 500, 1), (1, 501, 1), (2, 502, 1)]
    assert deliver(cluster, line(502)) == Outcome(unchanged=1)
    assert deliver(cluster, line(500)) == Outcome(replaced=1), "received last, so it holds"
    assert deliver(cluster, line(501), stamped=True) == Outcome(unchanged=1), "its source had said so then"
    assert versions(cluster) == [(0, 500, 1), (1, 501, 1), (2, 502, 1), (3, 500, 1)]


def test_a_value_that_its_source_confirmed_outlives_a_correction_from_before(cluster: Cluster) -> None:
    for seconds in (0, 20):
        deliver(cluster, line(500), issued=later(seconds), stamped=True)
    before = changes(cluster)
    assert deliver(cluster, line(501), issued=later(10), stamped=True) == Outcome(superseded=1)
    assert versions(cluster) == [(0, 500, 1), (10, 501, 1), (20, 500, 1)]
    assert changes(cluster) == before


def test_whatever_is_delivered_replaces_an_estimate(cluster: Cluster) -> None:
    assert deliver(cluster, line(480, quality="estimated")) == Outcome(accepted=1)
    assert deliver(cluster, line(490, quality="estimated"), issued=later(-9)) == Outcome(replaced=1)
    assert deliver(cluster, line(500), issued=datetime(2026, 10, 24, tzinfo=UTC)) == Outcome(replaced=1)
    assert deliver(cluster, line(495, quality="estimated"), issued=later(9)) == Outcome(superseded=1)
    assert deliver(cluster, line(495, quality="estimated"), issued=later(99)) == Outcome(unchanged=1)
    found = versions(cluster)
    assert found[:3] == [(1, 480, 4), (2, 490, 4), (3, 495, 4)]
    assert found[3][1:] == (500, 1)


def test_readings_with_stamps_of_their_own(cluster: Cluster) -> None:
    stamps = [format_instant(later(seconds)) for seconds in (30, 10)]
    rows = [line(503, stamp=stamps[0]), line(501, stamp=stamps[1]), line(500).replace("\n", ",\n")]
    outcome = deliver(cluster, *rows, columns=STAMPED_COLUMNS, rows_wanted=True)
    assert (outcome.accepted, outcome.replaced, outcome.status_of_rows) == (1, 2, "rra")
    assert versions(cluster) == [(0, 500, 1), (10, 501, 1), (30, 503, 1)]
    again = deliver(cluster, *rows, columns=STAMPED_COLUMNS, rows_wanted=True)
    assert (again.unchanged, again.status_of_rows) == (3, "uuu")
    assert versions(cluster) == [(0, 500, 1), (10, 501, 1), (30, 503, 1)]


SPOILT = {
    "unknown point": (line(code="590000000000000099"), "metering_point", "is unknown"),
    "off the quarter-hour": (line().replace(":30:00Z", ":31:00Z"), "interval_start", "no UTC start"),
    "another offset": (line().replace(":30:00Z", ":30:00+02:00"), "interval_start", "no UTC start"),
    "before the point's time": (line(at=STARTS[2].replace(year=2025)), "interval_start", "is not in the cluster"),
    "not yet finished": (line(at=later(86_400)), "interval_start", "not finished"),
    "negative": (line(-1), "imported_wh", "-1 is negative"),
    "no number": (line("12x"), "imported_wh", "no whole number"),
    "decimals": (line("1.0"), "imported_wh", "no whole number"),
    "too large": (line(2**31), "imported_wh", "no whole number"),
    "unknown quality": (line(quality="guessed"), "quality", "'guessed' is not one of measured"),
    "no value": (line(""), "imported_wh", "the value is missing"),
    "a column too few": (line().replace(",measured", ""), "", "there are 4 values for 5 columns"),
    "empty line": ("\n", "", "the line is empty"),
    "a zero byte": (line().replace("590", "59\0"), "metering_point", "NUL character"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_good_readings_are_stored_beside_a_bad_one_or_nothing_is(cluster: Cluster, case: str) -> None:
    bad, column, text = SPOILT[case]
    before = changes(cluster)
    rows = [line(), bad, line(at=STARTS[4]), line(at=STARTS[5], code=POINTS[1])]
    with pytest.raises(ReadingsRefused) as error:
        deliver(cluster, *rows, whole=True)
    assert [fault.line for fault in error.value.faults] == [2]
    assert changes(cluster) == before
    assert versions(cluster) == []
    outcome = deliver(cluster, *rows, rows_wanted=True)
    [fault] = outcome.refused
    assert (fault.line, fault.column) == (2, column)
    assert text in fault.text
    assert (outcome.accepted, outcome.refused_count, outcome.status_of_rows) == (3, 1, "axaa")
    after = changes(cluster)
    assert {at for at in after if after[at] != before.get(at)} == {STARTS[2], STARTS[4], STARTS[5]}
    again = deliver(cluster, *rows, issued=later(60), rows_wanted=True)
    assert (again.unchanged, again.refused, again.status_of_rows) == (3, outcome.refused, "uxuu")


def test_of_two_readings_that_differ_none_is_stored(cluster: Cluster) -> None:
    rows = [line(500), line(), line(at=STARTS[3]), line(501), line(7, at=STARTS[4]), line(7, at=STARTS[4])]
    outcome = deliver(cluster, *rows, rows_wanted=True)
    assert outcome.status_of_rows == "xxaxau"
    assert [fault.line for fault in outcome.refused] == [1, 2, 4]
    assert all("a second reading" in fault.text for fault in outcome.refused)
    assert versions(cluster) == []
    assert versions(cluster, at=STARTS[4]) == [(0, 7, 1)]
    with pytest.raises(ReadingsRefused, match="a second reading"):
        deliver(cluster, *rows[-2:], whole=True)


def test_faults_are_listed_up_to_a_number_and_all_counted(cluster: Cluster) -> None:
    bad = [line(code=f"{number:018}") for number in range(30)]
    outcome = deliver(cluster, *bad, line(), most_faults=20)
    assert (outcome.accepted, outcome.refused_count, len(outcome.refused)) == (1, 30, 20)
    assert [fault.line for fault in outcome.refused] == list(range(1, 21))


def test_a_sender_writes_its_own_points_only(cluster: Cluster) -> None:
    with scope(cluster.pk):
        own = MeteringPoint.objects.get(code=POINTS[0])
    outcome = deliver(cluster, line(), line(code=POINTS[1]), points=frozenset({own.pk}), rows_wanted=True)
    assert outcome.status_of_rows == "ax"
    assert "is unknown" in outcome.refused[0].text
    assert versions(cluster, POINTS[1]) == []


def test_another_clusters_meter_is_unknown(cluster: Cluster, tmp_path: Path) -> None:
    files = small_dataset("other")
    del files["readings-2026-10.csv"]
    files["metering_points.csv"] = files["metering_points.csv"].replace(POINTS[3], "590000000000000051")
    call_command("load_cluster", str(write(files, tmp_path / "other")), verbosity=0)
    outcome = deliver(Cluster.objects.get(slug="other"), line(code=POINTS[3]))
    assert (outcome.accepted, outcome.refused_count) == (0, 1)


def test_the_long_and_the_short_day(cluster: Cluster) -> None:
    for day, count in (("2026-10-25", 100), ("2026-03-29", 92)):
        starts = interval_starts(*day_bounds(parse_day(day), WARSAW))
        assert len(starts) == count
        assert deliver(cluster, *(line(at=at) for at in starts)) == Outcome(accepted=count)
        assert deliver(cluster, *(line(at=at) for at in starts), issued=later(9)) == Outcome(unchanged=count)


def test_chunks_may_be_cut_anywhere_and_lines_end_either_way(cluster: Cluster) -> None:
    sent = "".join([line(), line(at=STARTS[3]), line(at=STARTS[4])]).replace("\n", "\r\n").encode()
    chunks = [sent[place : place + 7] for place in range(0, len(sent), 7)]
    outcome = ingest(cluster, iter(chunks), issued_at=NOW, whole=False, now=later(1))
    assert outcome == Outcome(accepted=3)
    spoilt = [*chunks[:5], b"\r\nrubbish\r\n", *chunks[5:]]
    assert ingest(cluster, iter(spoilt), issued_at=later(5), whole=False, now=later(9)).unchanged == 2


def test_a_time_of_issue_must_have_been(cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="yet to come"):
        deliver(cluster, line(), issued=later(9), now=NOW - timedelta(hours=1))
    stamp = format_instant(later(90_000))
    outcome = deliver(cluster, line(stamp=stamp), columns=STAMPED_COLUMNS)
    assert "yet to come" in outcome.refused[0].text


def test_nothing_is_nothing(cluster: Cluster) -> None:
    for whole in (False, True):
        assert ingest(cluster, [], issued_at=NOW, whole=whole, now=NOW, rows_wanted=True) == Outcome(status_of_rows="")


def test_a_span_touches_what_was_delivered_in_it(cluster: Cluster) -> None:
    before = changes(cluster)
    with scope(cluster.pk):
        assert touch_span(cluster.pk, STARTS[90], None) == 6
        assert touch_span(cluster.pk, STARTS[0], STARTS[2]) == 2
    after = changes(cluster)
    assert {at for at in after if after[at] != before[at]} == {*STARTS[90:], *STARTS[:2]}
