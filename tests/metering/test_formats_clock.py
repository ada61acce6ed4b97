"""Labels of local time on days of 92, 96 and 100 quarter-hours: by the order of lines, and never guessed."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.formats.base import Energy, Fault
from metering.formats.clock import Labelled, in_time, local_label
from tests.metering.meter_files import CONTEXT, POINT, QUARTER, WARSAW, day, hours, read_file, tauron

SPRING, AUTUMN = "2026-03-29", "2026-10-25"
DAYS = st.dates(date(2025, 1, 1), date(2028, 12, 31)) | st.sampled_from(
    [date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 24), date(2026, 10, 25), date(2027, 10, 31)]
)


def clock(start: datetime, count: int, step: timedelta, ends: bool, read_off: bool) -> list[datetime]:
    """What the labels of `count` intervals from `start` (UTC) say."""
    if ends and read_off:
        return [(start + step * (n + 1)).astimezone(WARSAW).replace(tzinfo=None) for n in range(count)]
    later = step if ends else timedelta(0)
    return [(start + step * n).astimezone(WARSAW).replace(tzinfo=None) + later for n in range(count)]


def placed(labels: list[datetime], minutes: int, ends: bool) -> list[Energy | Fault]:
    rows = [
        Labelled(n, "time", POINT, f"{label:%H:%M}", label, ends, (("import", n),), "measured")
        for n, label in enumerate(labels)
    ]
    return list(in_time(rows, WARSAW, minutes))


@given(DAYS, st.integers(1, 4), st.sampled_from([15, 60]), st.booleans(), st.booleans())
def test_days_in_order_of_time(first: date, days: int, minutes: int, ends: bool, read_off: bool) -> None:
    """Both ways to label the end of an interval, and the way to label its start, give each interval its time."""
    start, step = day(first.isoformat())[0], timedelta(minutes=minutes)
    count = (day((first + timedelta(days=days)).isoformat())[0] - start) // step
    found = placed(clock(start, count, step, ends, read_off), minutes, ends)
    assert sorted((row.line, row.start) for row in found if isinstance(row, Energy)) == [
        (n, start + step * n) for n in range(count)
    ]


@given(st.integers(0, 99), st.booleans(), st.sampled_from([15, 60]))
def test_of_the_repeated_hour_one_alone_is_reported(left_out: int, ends: bool, minutes: int) -> None:
    start, step = day(AUTUMN)[0], timedelta(minutes=minutes)
    count = timedelta(hours=25) // step
    left_out %= count
    labels = clock(start, count, step, ends, read_off=False)
    kept = [n for n in range(count) if n != left_out]
    found = placed([labels[n] for n in kept], minutes, ends)
    faults = [row for row in found if isinstance(row, Fault)]
    twin = [n for n in kept if labels[n] == labels[left_out]]
    assert [kept[fault.line] for fault in faults] == twin
    assert all("clock shows it twice" in fault.text for fault in faults)
    assert sorted((kept[row.line], row.start) for row in found if isinstance(row, Energy)) == [
        (n, start + step * n) for n in kept if n not in twin
    ]


def label_of(hour: int, day_: str = AUTUMN) -> str:
    return f"{day_} {hour}:00"


def test_autumn_day_of_tauron() -> None:
    start, _ = day(AUTUMN)
    expected = {start + timedelta(hours=n): n + 1 for n in range(25)}
    counted_on = [1, 2, 3, 3, *range(4, 25)]
    read_off = [1, 2, 2, 3, *range(4, 25)]
    for labels in (counted_on, read_off):
        readings, faults = read_file(tauron([label_of(hour) for hour in labels]))
        assert faults == [] and len(readings) == 100
        assert hours(readings) == expected


def test_autumn_day_of_tauron_with_one_of_the_two() -> None:
    readings, faults = read_file(tauron([label_of(hour) for hour in range(1, 25)]))
    start, _ = day(AUTUMN)
    assert [(fault.line, fault.column) for fault in faults] == [(4, "Data")]
    assert "'2026-10-25 3:00' stands once" in faults[0].text and "deliver both lines" in faults[0].text
    assert len(readings) == 23 * 4
    assert not {start + timedelta(hours=2), start + timedelta(hours=3)} & set(hours(readings))


def test_autumn_day_three_times() -> None:
    readings, faults = read_file(tauron([label_of(hour) for hour in (1, 2, 3, 3, 3, 4)]))
    assert [fault.line for fault in faults] == [4, 5, 6]
    assert "stands 3 times; deliver 2" in faults[0].text
    assert len(readings) == 3 * 4


def test_newest_first_is_not_read_backwards() -> None:
    labels = [label_of(hour) for hour in (*range(24, 3, -1), 3, 3, 2, 1)]
    readings, faults = read_file(tauron(labels))
    assert [fault.line for fault in faults] == [23, 24]
    assert all("put the lines in the order of time" in fault.text for fault in faults)
    assert len(readings) == 23 * 4
    # Without the earlier hours it is the line before that tells, without the later ones the line after.
    _, faults = read_file(tauron(labels[:-2]))
    assert [fault.line for fault in faults] == [23, 24]
    _, faults = read_file(tauron([label_of(hour) for hour in (3, 3, 2, 1)]))
    assert [fault.line for fault in faults] == [2, 3]


def test_each_direction_counts_for_itself() -> None:
    labels = [label_of(hour) for hour in (1, 2, 3, 3, *range(4, 25))]
    both = tauron(labels) + tauron(labels, kind="oddanie").split(b"\r\n", 1)[1]
    head, *lines = both.splitlines(keepends=True)
    by_time = [line for pair in zip(lines[:25], lines[25:], strict=True) for line in pair]
    for data in (both, head + b"".join(by_time)):
        readings, faults = read_file(data)
        assert faults == [] and len(readings) == 100
        assert all(imported == exported for imported, exported, _ in readings.values())


def test_spring_day_of_tauron() -> None:
    start, length = day(SPRING)
    assert length == 92
    expected = {start + timedelta(hours=n): n + 1 for n in range(23)}
    for labels in ([1, 2, *range(4, 25)], [1, *range(3, 25)]):
        readings, faults = read_file(tauron([label_of(hour, SPRING) for hour in labels]))
        assert faults == [] and hours(readings) == expected and len(readings) == 92


def test_spring_day_with_the_hour_that_does_not_exist() -> None:
    readings, faults = read_file(tauron([label_of(hour, SPRING) for hour in range(1, 25)], ["0,100"] * 24))
    assert [(fault.line, fault.column) for fault in faults] == [(4, "Data")]
    assert "the clock skips it" in faults[0].text
    assert len(readings) == 92


def enea(labels: list[str]) -> bytes:
    names = [
        f"Wolumen energii elektrycznej {way} {when} bilansowaniem godzinowym"
        for when in ("przed", "po")
        for way in ("pobranej z sieci", "oddanej do sieci")
    ]
    rows = [
        f'"=""{label}""";"0,{n:03d}";"0,{2 * n:03d}";"0,000";"0,{n:03d}"' for n, label in enumerate(labels, start=1)
    ]
    return "\r\n".join([";".join(["Data", *names]), *rows]).encode("utf-8-sig")


def test_changing_days_of_enea() -> None:
    start, _ = day(AUTUMN)
    labels = [f"{AUTUMN} {hour:02d}:59" for hour in (0, 1, 2, 2, *range(3, 24))]
    readings, faults = read_file(enea(labels))
    assert faults == [] and hours(readings) == {start + timedelta(hours=n): n + 1 for n in range(25)}
    readings, faults = read_file(enea(labels[:3] + labels[4:]))
    assert [(fault.line, fault.column) for fault in faults] == [(4, "Data")] and len(readings) == 23 * 4
    start, _ = day(SPRING)
    labels = [f"{SPRING} {hour:02d}:59" for hour in (0, 1, *range(3, 24))]
    readings, faults = read_file(enea(labels))
    assert faults == [] and hours(readings) == {start + timedelta(hours=n): n + 1 for n in range(23)}
    readings, faults = read_file(enea([*labels[:2], f"{SPRING} 02:59", *labels[2:]]))
    assert [fault.line for fault in faults] == [4] and len(readings) == 92


def dso(day_: str, cells: list[str]) -> bytes:
    local = f"{day_[8:]}-{day_[5:7]}-{day_[:4]}"
    line = f"{POINT};{{}};kWh;{';'.join(cells)}"
    head = ["kOSD;OSDX;;", "kSE;SEPN;;", "DCW;01-12-2026;;", f"DD;{local};;", "VV;2;;"]
    return "\r\n".join([*head, line.format("CP"), line.format("CO"), line.format("CB"), ""]).encode("cp1250")


@given(st.sampled_from([SPRING, AUTUMN, "2026-06-15", "2027-10-31"]), st.data())
def test_dso_days_of_23_24_and_25_hours(day_: str, data: st.DataObject) -> None:
    start, length = day(day_)
    values = data.draw(st.lists(st.integers(0, 99_999), min_size=length // 4, max_size=length // 4))
    cells = [f"{value // 1000 or ''}.{value % 1000:03d},+" for value in values]
    readings, faults = read_file(dso(day_, cells), CONTEXT)
    assert faults == [] and len(readings) == length
    assert min(readings)[1] == start and max(readings)[1] == start + QUARTER * (length - 1)
    assert hours(readings) == {start + timedelta(hours=n): value for n, value in enumerate(values)}
    for count in {23, 24, 25} - {length // 4}:
        readings, faults = read_file(dso(day_, (cells * 2)[:count]), CONTEXT)
        assert readings == {} and [fault.line for fault in faults] == [6, 7]
        assert f"has {length // 4} hours, but the line has {count}" in faults[0].text


def test_empty_cells_behind_the_last_hour_do_not_count() -> None:
    readings, faults = read_file(dso(SPRING, [".100,+"] * 23 + ["", ""]), CONTEXT)
    assert faults == [] and len(readings) == 92


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("2026-06-15 1:00", "2026-06-15 01:00"),
        ("2026-06-15 24:00", "2026-06-16 00:00"),
        ("2026-12-31 24:00:00", "2027-01-01 00:00"),
        ("2026-06-15T00:59", "2026-06-15 00:59"),
        ("15.06.2026 13:45", "2026-06-15 13:45"),
        ("15-06-2026 13:45:00", "2026-06-15 13:45"),
        ("2026-06-15 24:15", None),
        ("2026-06-15 25:00", None),
        ("2026-06-31 1:00", None),
        ("9999-12-31 24:00", None),
        ("2026-06-15", None),
        ("06/15/2026 1:00", None),
    ],
)
def test_labels(text: str, label: str | None) -> None:
    assert local_label(text) == (datetime.fromisoformat(label) if label else None)


def test_utc_needs_no_order() -> None:
    start = day(AUTUMN)[0].astimezone(UTC)
    rows = [
        Labelled(n, "time", POINT, "", start + QUARTER * n, False, (("import", n),), "measured")
        for n in reversed(range(100))
    ]
    found = [row for row in in_time(rows, WARSAW, 15) if isinstance(row, Energy)]
    assert [(row.line, row.start) for row in found] == [(n, start + QUARTER * n) for n in reversed(range(100))]
