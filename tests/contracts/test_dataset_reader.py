"""Reading a folder: what is right is read, what is wrong is told with file, line and column."""

import gzip
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from contracts.dataset.faults import LIMIT, DatasetError
from contracts.dataset.fields import gsrn_is_valid
from contracts.dataset.folder import read_dataset
from contracts.dataset.readings import read_readings
from contracts.dataset.records import Dataset
from contracts.dataset.survey import survey_readings
from contracts.dataset.write import write_dataset
from metering.domain.calendar import day_bounds, format_instant, parse_instant
from tests.contracts.small_dataset import DAY, POINTS, STARTS, WARSAW, changed, small_dataset, write

EXAMPLE = Path(__file__).parents[2] / "demo" / "three-stations"


def refused(folder: Path) -> str:
    with pytest.raises(DatasetError) as error:
        read_dataset(folder)
    return str(error.value)


def test_the_folder_is_read(tmp_path: Path) -> None:
    dataset = read_dataset(write(small_dataset(), tmp_path))
    assert dataset.cluster.slug == "small"
    assert [row.id for row in dataset.participants] == ["P0001", "P0002", "P0003", "P0004"]
    assert dataset.participants.rows[3].name == 'Household Four, "the mill" and more'
    assert dataset.metering_points.rows[3].valid_to == date(2026, 12, 1)
    assert dataset.external_prices.rows[0].buy_micro == 440_500
    assert dataset.settings[0].sharing_discount == {"station": Decimal("0.25"), "cluster": Decimal("0.05")}
    assert [path.name for path in dataset.reading_files] == ["readings-2026-10.csv"]


def test_the_example_is_right() -> None:
    dataset = read_dataset(EXAMPLE)
    assert len({row.code for row in dataset.metering_points}) == 279
    assert {column for survey in survey_readings(dataset.reading_files) for column in survey.columns} >= {"imported_wh"}


def test_every_file_may_be_gzipped(tmp_path: Path) -> None:
    files = {name + (".gz" if name.endswith(".csv") else ""): text for name, text in small_dataset().items()}
    dataset = read_dataset(write(files, tmp_path))
    assert len(dataset.contracts) == 5
    assert len(read_readings(dataset, *day_bounds(DAY, WARSAW)).codes) == 4


def test_readings_become_arrays(tmp_path: Path) -> None:
    dataset = read_dataset(write(small_dataset(), tmp_path))
    readings = read_readings(dataset, *day_bounds(DAY, WARSAW))
    assert readings.codes == POINTS
    assert readings.start(0) == STARTS[0]
    assert readings.imported_wh[2, 5] == 205
    assert readings.exported_wh[1].sum() == 20 * 900
    assert (readings.quality == 1).all()
    wider = read_readings(dataset, STARTS[0] - timedelta(days=1), STARTS[-1])
    assert (wider.quality[:, :96] == 0).all()


def test_what_is_written_reads_the_same(tmp_path: Path) -> None:
    first = read_dataset(write(small_dataset(), tmp_path / "a"))
    (tmp_path / "b").mkdir()
    write_dataset(first, tmp_path / "b")
    second = read_dataset(tmp_path / "b")
    for name in Dataset.__dataclass_fields__.keys() - {"folder", "reading_files"}:
        assert getattr(first, name) == getattr(second, name), name


def test_what_generation_comes_from_may_be_left_out(tmp_path: Path) -> None:
    without = read_dataset(write(small_dataset(), tmp_path / "without"))
    assert {row.generation_source for row in without.metering_points} == {"photovoltaics"}
    points = small_dataset()["metering_points.csv"].splitlines()
    columns = ["generation_source", "photovoltaics", "biogas", "photovoltaics", "photovoltaics"]
    lines = [f"{line},{column}\n" for line, column in zip(points, columns, strict=True)]
    files = small_dataset() | {"metering_points.csv": "".join(lines)}
    dataset = read_dataset(write(files, tmp_path / "with"))
    assert [row.generation_source for row in dataset.metering_points] == columns[1:]
    (tmp_path / "again").mkdir()
    write_dataset(dataset, tmp_path / "again")
    assert ",11.4,biogas,3,1808," in (tmp_path / "again" / "metering_points.csv").read_text()
    assert read_dataset(tmp_path / "again").metering_points == dataset.metering_points
    lines[2] = lines[2].replace("biogas", "coal")
    wrong = write(files | {"metering_points.csv": "".join(lines)}, tmp_path / "wrong")
    assert "metering_points.csv, line 3, column generation_source: 'coal' is not one of photovoltaics, wind" in refused(
        wrong
    )


G11 = "Example Distribution,G11,,,,network_variable,flat,PLN/kWh,0.2464,discounted,2026-01-01,2027-01-01"
NIGHT = "Example Distribution,G12,,,,network_variable,night,PLN/kWh,0.0558,discounted,2026-01-01,2027-01-01\n"
LOW = "Example Distribution,G11,,0,1200,capacity,,PLN/month,10.31,full,2026-01-01,2027-01-01"
PRICE = f"{format_instant(STARTS[7])},447.50,337.25\n"

MISTAKES = [
    # file, old, new, what the message says
    (
        "grid_nodes.csv",
        "node,parent,level",
        "node,parent,level,colour",
        "grid_nodes.csv, line 1, column colour: unknown",
    ),
    (
        "contracts.csv",
        "participant,scheme,",
        "participant,",
        "contracts.csv, line 1, column scheme: the column is missing",
    ),
    ("metering_points.csv", "0013,P0001", "0014,P0001", "metering_points.csv, line 2, column code: the check digit of"),
    ("participants.csv", "1000079195", "1000079196", "participants.csv, line 2, column nip: '1000079196' is not a tax"),
    ("participants.csv", "PL8499", "PL8599", "participants.csv, line 3, column iban: 'PL85"),
    ("participants.csv", "prosumer", "presumer", "line 3, column kind: 'presumer' is not one of consumer"),
    ("participants.csv", "1000079195", "", "line 2, column nip: the value is missing"),
    ("participants.csv", "p2@example.org", "p2 at example.org", "line 3, column email"),
    ("metering_points.csv", "P0002,member,ST-1", "P0002,member,ST-9", "line 3, column grid_node: 'ST-9' is unknown"),
    (
        "metering_points.csv",
        "P0002,member",
        ",member",
        "line 3, column participant: a member's point needs its participant",
    ),
    ("metering_points.csv", "P0002,member", "P0002,boundary", "line 3, column participant: a boundary point has no"),
    (
        "metering_points.csv",
        "P0002,member,ST-1,G11",
        "P0002,member,ST-1,G13",
        "column tariff_group: the tariff has no group",
    ),
    ("metering_points.csv", "ST-1,G11,14.0", "ST-1,G11,-4.0", "line 3, column contracted_power_kw: -4.0 is negative"),
    (
        "grid_nodes.csv",
        "CLUSTER,,cluster",
        "CLUSTER,ST-1,cluster",
        "column parent: the grid has a cycle: CLUSTER → ST-1",
    ),
    ("grid_nodes.csv", "ST-2,CLUSTER,", "ST-2,,", "grid_nodes.csv, line 4, column parent: a second root"),
    ("grid_nodes.csv", "ST-2,CLUSTER,", "ST-1,CLUSTER,", "line 4, column node: the same as in line 3"),
    (
        "cluster.toml",
        "Europe/Warsaw",
        "Europe/Warschau",
        "line 6, column timezone: unknown time zone 'Europe/Warschau'",
    ),
    (
        "cluster.toml",
        'netting = "interval"',
        'netting = "interval"\nnett = "x"',
        "column nett: unknown key of [standard]",
    ),
    (
        "cluster.toml",
        'vat_rate = "0.23"',
        "vat_rate = 0.23",
        "line 26, column vat_rate: the value must be a text in quotes",
    ),
    ("cluster.toml", "[tax]", "[taxes]", "line 25, column taxes: unknown entry"),
    ("cluster.toml", 'station = "0.25"', 'station = "0.04"', "sharing discount grows with distance"),
    ("cluster.toml", 'station = "0.25"', 'substation = "0.25"', "level 'station' of the grid has no sharing discount"),
    ("cluster.toml", '"mid_market"', '"fixed"', "column fixed_price_pln_kwh: the price rule 'fixed' needs this price"),
    ("cluster.toml", '"min_cost"', '"static"', "'static' needs keys from 2026-01-01 on"),
    ("cluster.toml", 'allocation = "min_cost"', "allocation = ", "cluster.toml, line 34: the file can't be read"),
    (
        "contracts.csv",
        "P0003,p2p,2026-10-11,",
        "P0003,p2p,2026-10-10,",
        "contracts.csv, line 5, column valid_from: contracts of P0003: overlap",
    ),
    ("contracts.csv", "P0003,p2p,2026-10-11,", "P0003,p2p,2026-10-12,", "contracts of P0003: gap"),
    ("contracts.csv", "P0001,p2p", "P0009,p2p", "line 2, column participant: 'P0009' is unknown"),
    ("contracts.csv", "2026-01-01,2026-10-11", "2026-01-01,2025-10-11", "2025-10-11 must lie after valid_from"),
    ("contracts.csv", "2026-01-01,2026-10-11", "2026-01-01,2026-10-32", "column valid_to: '2026-10-32'"),
    (
        "tariff.csv",
        G11,
        G11.replace("2027-01-01", "2026-09-01"),
        "component 'network_variable' of group G11 in zone flat: gap,"
        " no rate (give rate 0 if nothing is charged) from 2026-09-01 to 2027-01-01",
    ),
    (
        "tariff.csv",
        G11,
        f"{G11}\n{G11.replace('2026-01-01', '2026-12-01')}",
        "overlap, two rates apply from 2026-12-01",
    ),
    ("tariff.csv", LOW, LOW.replace("0,1200", "0,1000"), "gap, no rate for a yearly use of 1000 to 1200 kWh"),
    ("tariff.csv", LOW, LOW.replace("0,1200", "0,1300"), "overlap, two rates apply to a yearly use of 1200 kWh"),
    ("tariff.csv", LOW, LOW.replace("G11,,", "G11,1,"), "gap, no rate for a yearly use of 0 to 1200 kWh"),
    ("tariff.csv", NIGHT, "", "component 'network_variable' of group G12 is priced in zone day but not in zone night"),
    ("tariff.csv", G11, G11.replace("discounted", "reduced"), "column local_treatment: 'reduced' is not one of"),
    (
        "tariff.csv",
        G11,
        G11.replace("discounted", "hourly"),
        "component 'network_variable' is 'discounted' here and 'hourly' in other rows of the same days",
    ),
    ("tariff.csv", G11, G11.replace("PLN/kWh", "EUR/kWh"), "column unit: 'EUR/kWh' is not one of"),
    ("tariff.csv", G11, G11.replace(",flat,", ",peak,"), "line 2, column zone: group G11 has no zone 'peak'"),
    (
        "tariff.csv",
        G11,
        G11.replace("0.2464", "0.2464001"),
        "line 2, column rate_net: 0.2464001 has more than 6 decimals",
    ),
    ("tariff.csv", G11, G11.replace("Example Distribution", "Other"), "column dso: 'Other' is not the distributor"),
    (
        "tariff_zones.csv",
        "G12,day,1-12,all,15:00,22:00\n",
        "",
        "zones of group G12: gap at 15:00 to 22:00 on workdays",
    ),
    (
        "tariff_zones.csv",
        "G12,day,1-12,all,15:00",
        "G12,day,1-12,all,14:00",
        "zones of group G12: overlap at 14:00 to 15:00",
    ),
    ("tariff_zones.csv", "08:00,14:00", "08:10,14:00", "line 7, column from: '08:10' is not a time of day"),
    ("retail.csv", "C13,rest,0.5600,2026-01-01,2027-01-01\n", "", "gap: group C13 has no retail price in zone rest"),
    (
        "retail.csv",
        "G11,flat,0.5020,2026-01-01",
        "G11,flat,0.5020,2026-11-01",
        "group G11 has no retail price on 2026-10-24",
    ),
    (
        "retail.csv",
        "G12,day,0.5447,2026-01-01,2027-01-01",
        "G12,day,0.5447,2026-01-01,2026-12-01",
        "for different days",
    ),
    (
        "external_prices.csv",
        PRICE,
        "",
        "external_prices.csv, line 9, column interval_start: gap: no prices from 2026-10-23T23:45",
    ),
    ("external_prices.csv", PRICE, PRICE * 2, "line 10, column interval_start: the same as in line 9"),
    ("external_prices.csv", ",447.50,", ",447.5001,", "column buy_pln_mwh: 447.5001 has more than 3 decimals"),
    ("external_prices.csv", "T23:45:00Z", "T23:40:00Z", "does not start a quarter-hour"),
    ("standard_sale.csv", "company,2026-10", "company,2026-13", "line 3, column month: '2026-13' is not a month"),
    ("standard_sale.csv", "company,", "person,", "line 3, column month: the same as in line 2"),
    ("grid_nodes.csv", "ST-2,CLUSTER,station", "ST-2,CLUSTER,external", "'external' means energy from outside"),
    ("grid_nodes.csv", "ST-2,CLUSTER,station", "ST-2,CLUSTER,station,", "line 4: there are 4 values for 3 columns"),
    ("participants.csv", "Bakery", " Bakery", "line 2, column name: ' Bakery' starts or ends with a space"),
]


@pytest.mark.parametrize(("name", "old", "new", "text"), MISTAKES, ids=[text[-40:] for *_, text in MISTAKES])
def test_a_mistake_is_told_with_its_place(tmp_path: Path, name: str, old: str, new: str, text: str) -> None:
    files = small_dataset()
    if name == "external_prices.csv" and old == "T23:45:00Z":
        old, new = f"2026-10-23{old}", f"2026-10-23{new}"
    message = refused(write(changed(files, name, old, new), tmp_path))
    assert text in message
    assert name in message


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    files = changed(small_dataset(), "participants.csv", "1000079195", "1000079196")
    files = changed(files, "contracts.csv", "P0004,p2p", "P0004,p3p")
    message = refused(write(files, tmp_path))
    assert "participants.csv, line 2, column nip" in message
    assert "contracts.csv, line 6, column scheme" in message


def test_there_is_an_end_to_the_telling(tmp_path: Path) -> None:
    files = small_dataset()
    files["external_prices.csv"] = files["external_prices.csv"].replace(".50,", ".5x,")
    assert len(refused(write(files, tmp_path)).splitlines()) == LIMIT + 1


@pytest.mark.parametrize("name", sorted(set(small_dataset()) - {"readings-2026-10.csv"}))
def test_a_missing_file_is_told(tmp_path: Path, name: str) -> None:
    files = small_dataset()
    del files[name]
    assert f"{name}: the file is missing" in refused(write(files, tmp_path))


def test_files_that_the_format_does_not_know_are_told(tmp_path: Path) -> None:
    assert "tarif.csv: the format knows no such file" in refused(
        write(small_dataset() | {"tarif.csv": "a\n"}, tmp_path)
    )


def test_a_broken_archive_is_told(tmp_path: Path) -> None:
    files = small_dataset()
    packed = gzip.compress(files.pop("contracts.csv").encode())
    write(files, tmp_path)
    (tmp_path / "contracts.csv.gz").write_bytes(packed[:-20])
    assert "contracts.csv.gz: the file can't be read" in refused(tmp_path)


def test_text_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    write(small_dataset(), tmp_path)
    (tmp_path / "contracts.csv").write_bytes("participant,scheme,valid_from,valid_to\nŻ,p2p,,\n".encode("cp1250"))
    assert "is not UTF-8" in refused(tmp_path)


def test_static_keys_sum_to_one(tmp_path: Path) -> None:
    files = changed(small_dataset(), "cluster.toml", '"min_cost"', '"static"')
    files["static_keys.csv"] = "participant,share,valid_from\nP0001,0.6,2026-01-01\nP0003,0.3,2026-01-01\n"
    assert "static_keys.csv, line 3, column share: the keys of 2026-01-01 sum to 0.9" in refused(write(files, tmp_path))
    files["static_keys.csv"] = files["static_keys.csv"].replace("0.3", "0.4")
    assert len(read_dataset(write(files, tmp_path)).static_keys) == 2


def test_whole_months_may_be_left_out_between_prices(tmp_path: Path) -> None:
    files = small_dataset()
    lines = ["interval_start,buy_pln_mwh,sell_pln_mwh"]
    at = parse_instant("2026-05-31T22:00:00Z")
    while at < parse_instant("2026-06-30T22:00:00Z"):
        lines.append(f"{format_instant(at)},1,1")
        at += timedelta(minutes=15)
    later = parse_instant("2026-09-30T22:00:00Z")
    files["external_prices.csv"] = "\n".join([*lines, f"{format_instant(later)},1,1", ""])
    read_dataset(write(files, tmp_path))
    files["external_prices.csv"] = "\n".join([*lines[:-1], f"{format_instant(later)},1,1", ""])
    assert "gap: no prices from 2026-06-30T21:45:00Z to 2026-09-30T22:00:00Z" in refused(write(files, tmp_path))


READING = f"{POINTS[0]},{format_instant(STARTS[3])},3,0,measured\n"


@pytest.mark.parametrize(
    ("new", "text"),
    [
        (READING.replace(POINTS[0], "590000000000000099"), "line 5, column metering_point"),
        (READING * 2, "line 6, column interval_start: a second reading of 590000000000000013"),
        (READING.replace(",3,", ",-3,"), "line 5, column imported_wh: '-3' is not a whole number"),
        (READING.replace(",3,", ",3.5,"), "line 5, column imported_wh"),
        (READING.replace(":45:00Z", ":44:00Z"), "line 5, column interval_start"),
        (READING.replace("Z,", "+02:00,"), "line 5, column interval_start"),
        (READING.replace("measured", "guessed"), "line 5, column quality: 'guessed' is not one of measured"),
        (READING.replace(",measured", ""), "line 5: there are 4 values"),
    ],
)
def test_bad_readings_are_told(tmp_path: Path, new: str, text: str) -> None:
    dataset = read_dataset(write(changed(small_dataset(), "readings-2026-10.csv", READING, new), tmp_path))
    with pytest.raises(DatasetError, match="readings-2026-10") as error:
        read_readings(dataset, *day_bounds(DAY, WARSAW))
    assert text in str(error.value)


def test_one_wrong_digit_breaks_a_code() -> None:
    code = POINTS[0]
    assert gsrn_is_valid(code)
    for place in range(18):
        wrong = code[:place] + str((int(code[place]) + 1) % 10) + code[place + 1 :]
        assert not gsrn_is_valid(wrong)
