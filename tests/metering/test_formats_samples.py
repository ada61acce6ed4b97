"""Every sample is read right, and every spoiled variant names line, column and reason; the other lines are read."""

import re
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metering.formats.base import Context
from metering.formats.registry import FORMATS, UnknownFormat, detect
from tests.metering.meter_files import POINT, QUARTER, SAMPLES, WARSAW, batches, day, hours, read_file, sample

CANONICAL = "canonical_15min_2026-10-25.csv"
ENEA = "enea_ebok_hourly.csv"
ENERGA = "energa_mchart_day.json"
DSO = "osd_cooperative_daily.csv"
TAURON = "tauron_elicznik_hourly.csv"
ZONES = "tauron_elicznik_hourly_zones.csv"
FORMAT_OF = {
    CANONICAL: "canonical",
    ENEA: "enea",
    ENERGA: "energa",
    DSO: "dso_daily",
    TAURON: "tauron",
    ZONES: "tauron",
    "own_readings.csv": "own",
    "columns.xlsx": "xlsx",
}
NOON = datetime(2026, 6, 15, 10, tzinfo=UTC)


def test_every_sample_has_its_format() -> None:
    assert {path.name: detect(path.read_bytes()[:4096]).name for path in SAMPLES.iterdir()} == FORMAT_OF
    assert set(FORMAT_OF.values()) == set(FORMATS)


@pytest.mark.parametrize("head", [b"", b"hello;world\n1;2\n", b"%PDF-1.4\n\xff\xfe\x00", b"\x00" * 4096])
def test_an_unknown_file_is_told_what_is_known(head: bytes) -> None:
    with pytest.raises(UnknownFormat, match="Tauron eLicznik, Enea eBOK") as error:
        detect(head)
    if head.startswith(b"hello"):
        assert "begins with 'hello;world'" in str(error.value)


def test_canonical_has_the_hundred_quarter_hours_of_the_day() -> None:
    readings, faults = read_file(sample(CANONICAL))
    start, length = day("2026-10-25")
    assert faults == [] and length == 100
    assert list(readings) == [(POINT, start + QUARTER * number) for number in range(100)]
    values = list(readings.values())
    assert values[:4] == [(190, 0, "measured"), (286, 0, "measured"), (260, 0, "measured"), (84, 0, "measured")]
    kwh = [line.split(",")[5] for line in sample(CANONICAL).decode().splitlines()[1:]]
    assert [imported for imported, _, _ in values] == [round(float(value) * 1000) for value in kwh]


def test_tauron_counts_what_the_meter_measured() -> None:
    readings, faults = read_file(sample(TAURON))
    start, _ = day("2026-06-15")
    assert faults == [] and len(readings) == 96
    # 8:00 is the hour from 07:00 (05:00 UTC): 0,550 and 0,500 kWh; 13:00 the hour of the highest export.
    hour = [readings[POINT, start + timedelta(hours=7) + QUARTER * number] for number in range(4)]
    assert hour == [(138, 125, "split"), (138, 125, "split"), (137, 125, "split"), (137, 125, "split")]
    assert readings[POINT, NOON][1] == 750
    assert sum(imported for imported, _, _ in readings.values()) == 7_800
    assert sum(exported for _, exported, _ in readings.values()) == 18_000
    assert max(readings)[1] == start + timedelta(hours=23, minutes=45)


def test_tauron_after_balancing_is_passed_over() -> None:
    text = sample(TAURON).decode()
    netted = text.replace("0,550;pobrana", "0,050;pobrana").replace("0,500;oddana", "0,000;oddana")
    assert netted != text
    assert read_file(netted.encode()) == read_file(sample(TAURON))
    only = [line for line in text.splitlines(keepends=True) if "pobór" not in line and "oddanie" not in line]
    readings, faults = read_file("".join(only).encode())
    assert readings == {}
    assert [(fault.line, fault.column) for fault in faults] == [(2, "Rodzaj")]
    assert "export the file again with 'pobór' and 'oddanie'" in faults[0].text


def test_tauron_with_zones() -> None:
    readings, faults = read_file(sample(ZONES))
    start, _ = day("2026-06-15")
    assert faults == [] and len(readings) == 96
    assert hours(readings) == {start + timedelta(hours=number): 210 + 10 * number for number in range(24)}


def test_enea_counts_before_balancing() -> None:
    readings, faults = read_file(sample(ENEA))
    assert faults == [] and len(readings) == 96
    assert hours(readings)[NOON] == 400
    assert [readings[POINT, NOON + QUARTER * number] for number in range(4)] == [
        (100, 688, "split"), (100, 688, "split"), (100, 687, "split"), (100, 687, "split")
    ]  # fmt: skip
    assert min(readings)[1] == day("2026-06-15")[0]


def test_energa_adds_up_zones_and_tells_estimates() -> None:
    readings, faults = read_file(sample(ENERGA))
    start, _ = day("2026-06-15")
    assert faults == []
    assert hours(readings) == {start + timedelta(hours=number): 200 + 20 * number for number in range(24)}
    text = sample(ENERGA).decode().replace("0.66,\n     null", "0.6,\n     0.061").replace("false", "true")
    readings, faults = read_file(text.encode())
    assert faults == [] and hours(readings)[start + timedelta(hours=23)] == 661
    assert {quality for _, _, quality in readings.values()} == {"estimated"}


def test_dso_file() -> None:
    readings, faults = read_file(sample(DSO))
    points = [POINT, "590322400000000027", "590322400000000034"]
    start, _ = day("2026-06-15")
    assert faults == []
    assert set(readings) == {(point, start + QUARTER * number) for point in points for number in range(96)}
    assert [sum(hours({k: v for k, v in readings.items() if k[0] == point}).values()) for point in points] == [
        7_200, 9_600, 12_000,
    ]  # fmt: skip
    assert sum(exported for _, exported, _ in readings.values()) == 12_000
    # 1.833 kWh of the hour from 12:00.
    assert [readings[POINT, NOON + QUARTER * number][1] for number in range(4)] == [459, 458, 458, 458]


def test_dso_flags() -> None:
    data = sample(DSO).replace(b"CP;kWh;.300,+", b"CP;kWh;.300,-", 1)
    readings, faults = read_file(data)
    start, _ = day("2026-06-15")
    assert faults == []
    assert readings[POINT, start] == (75, 0, "estimated")
    assert readings[POINT, start + timedelta(hours=1)] == (75, 0, "split")


def test_a_higher_version_is_always_the_later_one() -> None:
    issued = FORMATS["dso_daily"].issued_at
    assert issued is not None
    text = sample(DSO).decode()

    def stamp(version: int, created: str = "16-06-2026") -> datetime:
        head = text.replace("VV;1", f"VV;{version}").replace("16-06-2026", created)
        found = issued(head.encode(), WARSAW)  # type: ignore[misc]
        assert found is not None
        return found

    versions = [stamp(1), stamp(2), stamp(9), stamp(10), stamp(2, "17-06-2026"), stamp(3, "01-07-2026")]
    assert versions == sorted(set(versions))
    assert stamp(1) == datetime(2026, 6, 15, 22, 0, 1, tzinfo=UTC)
    assert issued(b"kOSD;X\nVV;1\n", WARSAW) is None


#: Sample, what is replaced by what, then line, column and reason of the first fault, and how many readings are left.
SPOILED = [
    (CANONICAL, "590322400000000010,2026-10-24T22:00", "59032240000000001,2026-10-24T22:00", 2, "ppe", "18 digits", 99),
    (CANONICAL, "2026-10-24T22:15:00+00:00,2026-10-24T22:30", "2026-10-24T22:15:00,2026-10-24T22:30", 3, "start_utc",
     "offset", 99),
    (CANONICAL, "2026-10-24T22:15:00+00:00,2026-10-24T22:30", "2026-10-24T22:15:00+00:00,2026-10-24T22:20", 3,
     "end_utc", "neither 15 nor 60", 99),
    (CANONICAL, "2026-10-24T22:15:00+00:00,2026-10-24T22:30", "2026-10-24T22:20:00+00:00,2026-10-24T22:35", 3,
     "start_utc", "boundary of 15", 99),
    (CANONICAL, "1-0:1.8.0,0.260", "1-0:3.8.0,0.260", 4, "obis", "1.8.0 is import", 99),
    (CANONICAL, "0.260,CK0031", "abc,CK0031", 4, "kwh", "'abc' is not a number", 99),
    (CANONICAL, "0.260,CK0031", "-0.260,CK0031", 4, "kwh", "negative", 99),
    (CANONICAL, "0.260,CK0031", ",CK0031", 4, "kwh", "missing", 99),
    (CANONICAL, "0.260,CK0031", "9999999999,CK0031", 4, "kwh", "too large", 99),
    (CANONICAL, "0.260,CK0031", "0.260,CK0035", 4, "quality", "marks this value as missing", 99),
    (CANONICAL, "0.260,CK0031", "0.260,CK0099", 4, "quality", "CK0031", 99),
    (CANONICAL, ",0.260,CK0031", ",0.260", 4, "", "6 values for 7 columns", 99),
    (CANONICAL, "kwh,quality", "mwh,quality", 1, "", "must name ppe", 0),
    (TAURON, "2026-06-15 1:00;0,250;pobór", "2026-06-15 1:30;0,250;pobór", 2, "Data", "boundary of 60", 92),
    (TAURON, "2026-06-15 1:00;0,250;pobór", "15/06/26 1:00;0,250;pobór", 2, "Data", "is not a time", 92),
    (TAURON, "2026-06-15 1:00;0,250;pobór", "2026-06-15 25:00;0,250;pobór", 2, "Data", "is not a time", 92),
    (TAURON, "2026-06-15 1:00;0,250;pobór", "2026-02-30 1:00;0,250;pobór", 2, "Data", "is not a time", 92),
    (TAURON, "2026-06-15 1:00;0,250;pobór", "2026-06-15 1:00;1.250,0;pobór", 2, "Wartość kWh", "is not a number", 92),
    (TAURON, "2026-06-15 1:00;0,250;pobór", "2026-06-15 1:00;0,250;bierna", 2, "Rodzaj", "pobór, oddanie", 92),
    (TAURON, "2026-06-15 1:00;0,250;pobór", "2026-06-15 1:00;0,250", 2, "Rodzaj", "'' is not one of", 92),
    (TAURON, "2026-06-15 1:00;0,250;pobór", "2026-06-15 2:00;0,251;pobór", 3, "", "line 2 has another value", 88),
    (TAURON, "Rodzaj", "Kierunek", 1, "", "must name Data", 0),
    (ZONES, "2026-06-15 4:00;T2;0,240", "2026-06-15 4:00;T2;0;240", 5, "", "5 values for 4 columns", 92),
    (ENEA, "2026-06-15 00:59", "2026-06-15 00:30", 2, "Data", "boundary of 60", 92),
    (ENEA, "2026-06-15 00:59", "15 czerwca", 2, "Data", "is not a time", 92),
    (ENEA, '07:59""";"0,400";"0,250"', '07:59""";"0,400";"x"', 9,
     "Wolumen energii elektrycznej oddanej do sieci przed bilansowaniem godzinowym", "'x' is not a number", 92),
    (ENEA, '07:59""";"0,400";"0,250"', '07:59""";"";"0,250"', 9,
     "Wolumen energii elektrycznej pobranej z sieci przed bilansowaniem godzinowym", "missing", 92),
    (ENEA, "przed bilansowaniem godzinowym", "razem", 1, "", "must name Data", 0),
    (ENERGA, '"1781474400000"', '"1781474460000"', 5, "tm", "begins an hour", 92),
    (ENERGA, '"1781474400000"', '"yesterday"', 5, "tm", "begins an hour", 92),
    (ENERGA, "0.22,", "null,", 14, "zones", "missing", 92),
    (ENERGA, "0.22,", "-0.22,", 14, "zones", "negative", 92),
    (ENERGA, "0.22,", '"much",', 14, "zones", "is not a number", 92),
    (ENERGA, "0.22,", "0.22", 14, "mainChart", "no complete JSON", 4),
    (ENERGA, '"success": true', '"success": false', 1, "mainChart", "no complete JSON", 0),
    (DSO, "DD;15-06-2026", "DD;15-16-2026", 4, "DD", "is not a day", 0),
    (DSO, "DD;15-06-2026;;\r\n", "", 5, "", "header row DD is missing", 0),
    (DSO, "VV;1", "VV;one", 5, "VV", "version number", 0),
    (DSO, "DCW;16-06-2026", "DCW;", 3, "DCW", "is not a day", 0),
    (DSO, "590322400000000027;CP", "5903224000000000;CP", 9, "PPE", "18 digits", 192),
    (DSO, "590322400000000027;CP", "590322400000000027;CX", 9, "CP/CO/CB", "CP, CO, CB", 192),
    (DSO, "590322400000000027;CP;kWh", "590322400000000027;CP;MWh", 9, "kWh", "deliver kWh", 192),
    (DSO, "590322400000000027;CP;kWh;.400,+;.400,+", "590322400000000027;CP;kWh;.400,+;x,+", 9, "CP 2", "'x'", 284),
    (DSO, "590322400000000027;CP;kWh;.400,+;.400,+", "590322400000000027;CP;kWh;.400,+;.400,?", 9, "CP 2", "+, -", 284),
    (DSO, "590322400000000027;CP;kWh;.400,+;.400,+", "590322400000000027;CP;kWh;.400,+;,+", 9, "CP 2", "missing", 284),
    (DSO, "590322400000000027;CP;kWh;.400,+;.400,+", "590322400000000027;CP;kWh;.400,+;400", 9, "CP 2", "flag", 284),
    (DSO, "590322400000000027;CP;kWh;.400,+;", "590322400000000027;CP;kWh;", 9, "", "hours, but the line has 23", 192),
]  # fmt: skip


@pytest.mark.parametrize(("name", "was", "becomes", "line", "column", "reason", "left"), SPOILED)
def test_a_spoiled_file_names_the_place(
    name: str, was: str, becomes: str, line: int, column: str, reason: str, left: int
) -> None:
    text = sample(name).decode("utf-8-sig")
    assert was in text
    spoiled = text.replace(was, becomes) if name == ENEA and "razem" in becomes else text.replace(was, becomes, 1)
    readings, faults = read_file(spoiled.encode(), format_=FORMAT_OF[name])
    assert (faults[0].line, faults[0].column) == (line, column)
    assert reason in faults[0].text
    assert len(readings) == left


@pytest.mark.parametrize("name", [TAURON, ZONES, ENEA, ENERGA])
def test_a_file_without_a_metering_point_needs_one(name: str) -> None:
    readings, faults = read_file(sample(name), Context(WARSAW))
    assert readings == {}
    assert [fault.line for fault in faults] == [0] and "choose it" in faults[0].text


@pytest.mark.parametrize(("name", "share"), [(CANONICAL, 0.5), (TAURON, 0.15), (ENEA, 0.7), (ENERGA, 0.5), (DSO, 0.7)])
def test_a_cut_file_gives_what_is_whole(name: str, share: float) -> None:
    data = sample(name)
    readings, faults = read_file(data[: int(len(data) * share)])
    whole, _ = read_file(data)
    assert 0 < len(readings) < len(whole)
    assert all(whole[key][0] == reading[0] for key, reading in readings.items())
    assert len(faults) <= 2


@pytest.mark.parametrize("name", [CANONICAL, TAURON, DSO])
def test_a_header_alone_is_no_delivery(name: str) -> None:
    head = re.match(rb"(?:(?!590322|2026-06).*\n)+", sample(name))
    assert head is not None
    readings, faults = read_file(head[0])
    assert readings == {} and "holds no readings" in faults[0].text


# Shuffling a whole file takes its time on a machine that does something else as well.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([CANONICAL, TAURON, ZONES, ENEA, DSO, "own_readings.csv"]), st.randoms())
def test_lines_may_stand_in_any_order(name: str, random: Random) -> None:
    """But for the repeated hour, of which the canonical file of October knows nothing: its times are in UTC."""
    lines = sample(name).splitlines(keepends=True)
    head = 5 if name == DSO else 1
    shuffled = lines[head:]
    random.shuffle(shuffled)
    readings, faults = read_file(b"".join([*lines[:head], *shuffled]))
    assert (readings, faults) == read_file(sample(name))


def test_rows_know_their_lines() -> None:
    (batch,) = batches(sample(TAURON))
    # The hour ending 8:00 stands in line 9 (import) and line 33 (export) and is row 28 to 31.
    assert [batch.line_of(row) for row in (27, 28, 31, 32)] == [8, 9, 9, 10]
    assert batch.line_of(28, "exported_wh") == 33
