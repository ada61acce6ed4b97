"""load_cluster and dump_cluster: all or nothing, again and again, there and back."""

import gzip
import re
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from contracts.models import (
    ClusterSettings,
    Contract,
    ExternalPrice,
    RetailOffer,
    RetailPrice,
    StandardSalePrice,
    TariffRate,
)
from metering.domain.calendar import format_instant, local_midnight, parse_day
from metering.domain.versions import issued_at
from metering.models import GridNode, IntervalInput, PointAssignment, Reading
from participants.models import Cluster, Participant
from participants.tenancy.scope import scope
from tests.contracts.small_dataset import DAY, POINTS, STARTS, WARSAW, changed, small_dataset, write

pytestmark = pytest.mark.django_db(transaction=True)


def load(folder: Path) -> str:
    out = StringIO()
    call_command("load_cluster", str(folder), verbosity=0, stdout=out)
    return out.getvalue()


def dump(slug: str, folder: Path) -> dict[str, bytes]:
    call_command("dump_cluster", slug, str(folder), verbosity=0, stdout=StringIO())
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def everything() -> dict[str, Any]:
    """Every row of every table, as the owner sees them."""
    parameters = connections["owner"].get_connection_params()
    del parameters["cursor_factory"], parameters["context"]
    with psycopg.connect(**parameters) as owner:
        tables = owner.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition "
            "AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        rows = {name: owner.execute(f'SELECT t::text FROM "{name}" t ORDER BY 1').fetchall() for (name,) in tables}
    return rows


def small_cluster() -> Cluster:
    return Cluster.objects.get(slug="small")


def changes() -> dict[str, int]:
    """IntervalInput.changes by start."""
    with scope(small_cluster().pk):
        return {format_instant(row.interval_start): row.changes for row in IntervalInput.objects.all()}


def touched(before: dict[str, int], after: dict[str, int]) -> set[str]:
    return {start for start, count in after.items() if count != before.get(start, 0)}


def test_a_cluster_is_loaded(tmp_path: Path) -> None:
    message = load(write(small_dataset(), tmp_path))
    assert "readings: 384 new, 0 replaced, 0 unchanged" in message
    assert "missing" not in message
    with scope(small_cluster().pk):
        assert Participant.objects.count() == 4
        assert PointAssignment.objects.filter(grid_node__code="ST-1").count() == 2
        assert GridNode.objects.get(code="ST-2").parent.code == "CLUSTER"
        assert Contract.objects.filter(scheme="p2p").count() == 4
        assert ExternalPrice.objects.count() == 96
        reading = Reading.objects.get(metering_point__code=POINTS[2], interval_start=STARTS[5])
        assert (reading.imported_wh, reading.exported_wh) == (205, 0)
        age = timezone.now() - issued_at(reading.version)
        assert timedelta(0) <= age < timedelta(minutes=5)
    assert set(changes()) == {format_instant(at) for at in STARTS}


def test_a_second_load_stores_nothing(tmp_path: Path) -> None:
    load(write(small_dataset(), tmp_path))
    before = everything()
    message = load(tmp_path)
    assert "0 rows and 0 external prices changed; readings: 0 new, 0 replaced, 384 unchanged" in message
    assert everything() == before


def test_a_dump_is_the_folder_that_was_loaded(tmp_path: Path) -> None:
    files = small_dataset()
    load(write(files, tmp_path / "in"))
    dumped = dump("small", tmp_path / "out")
    packed = dumped.pop("readings-2026-10.csv.gz")
    for name, data in dumped.items():
        assert data.decode() == files[name], name
    before = everything()
    assert "0 rows and 0 external prices" in load(tmp_path / "out")
    assert everything() == before
    assert dump("small", tmp_path / "third")["readings-2026-10.csv.gz"] == packed


def test_a_dump_makes_an_equal_cluster_elsewhere(tmp_path: Path) -> None:
    load(write(small_dataset(), tmp_path / "in"))
    first = dump("small", tmp_path / "first")
    copy = tmp_path / "copy"
    copy.mkdir()
    for name, data in first.items():
        (copy / name).write_bytes(data.replace(b'slug = "small"', b'slug = "other"'))
    load(copy)
    second = dump("other", tmp_path / "second")
    assert second.pop("cluster.toml").replace(b'"other"', b'"small"') == first.pop("cluster.toml")
    assert second == first


def test_changed_readings_are_new_versions(tmp_path: Path) -> None:
    files = small_dataset()
    load(write(files, tmp_path))
    before = changes()
    at = format_instant(STARTS[3])
    files = changed(
        files, "readings-2026-10.csv", f"{POINTS[0]},{at},3,0,measured", f"{POINTS[0]},{at},4,0,substituted"
    )
    assert "readings: 0 new, 1 replaced, 383 unchanged" in load(write(files, tmp_path))
    with scope(small_cluster().pk):
        versions = Reading.objects.filter(metering_point__code=POINTS[0], interval_start=STARTS[3]).order_by("version")
        assert [(row.imported_wh, row.quality) for row in versions] == [(3, 1), (4, 3)]
    assert touched(before, changes()) == {at}
    assert f"{POINTS[0]},{at},4,0,substituted" in dumped_readings(tmp_path / "out")


def dumped_readings(folder: Path) -> str:
    return gzip.decompress(dump("small", folder)["readings-2026-10.csv.gz"]).decode()


def test_changed_prices_are_new_versions(tmp_path: Path) -> None:
    files = small_dataset()
    load(write(files, tmp_path))
    before = changes()
    files = changed(files, "external_prices.csv", ",447.50,", ",446.50,")
    assert "0 rows and 1 external prices changed" in load(write(files, tmp_path))
    assert touched(before, changes()) == {format_instant(STARTS[7])}
    with scope(small_cluster().pk):
        prices = ExternalPrice.objects.filter(interval_start=STARTS[7]).order_by("version")
        assert [str(row.buy_pln_kwh) for row in prices] == ["0.447500", "0.446500"]


def test_a_contract_that_begins_later_is_a_change_of_all_its_days(tmp_path: Path) -> None:
    files = small_dataset()
    load(write(files, tmp_path))
    before = changes()
    old = "P0003,standard,2026-01-01,2026-10-11\nP0003,p2p,2026-10-11,"
    later = old.replace("2026-10-11", "2026-10-12")
    load(write(changed(files, "contracts.csv", old, later), tmp_path))
    with scope(small_cluster().pk):
        rows = Contract.objects.filter(participant__code="P0003").order_by("valid_from")
        assert [(row.scheme, str(row.valid_from), str(row.valid_to)) for row in rows] == [
            ("standard", "2026-01-01", "2026-10-12"),
            ("p2p", "2026-10-12", "None"),
        ]
    assert touched(before, changes()) == {format_instant(at) for at in STARTS}


def test_an_end_that_moves_outside_of_what_was_delivered_touches_nothing(tmp_path: Path) -> None:
    files = small_dataset()
    load(write(files, tmp_path))
    before = changes()
    load(write(changed(files, "contracts.csv", "2026-01-01,2026-12-01", "2026-01-01,2026-11-01"), tmp_path))
    assert changes() == before


def test_settings_from_a_day_touch_that_day_on(tmp_path: Path) -> None:
    files = small_dataset()
    load(write(files, tmp_path))
    before = changes()
    table = files["cluster.toml"][files["cluster.toml"].index("[[settings]]") :]
    files["cluster.toml"] += "\n" + table.replace("2026-01-01", str(DAY + timedelta(days=1)))
    load(write(files, tmp_path))
    assert changes() == before
    files["cluster.toml"] = files["cluster.toml"].replace(str(DAY + timedelta(days=1)), str(DAY))
    load(write(files, tmp_path))
    assert touched(before, changes()) == {format_instant(at) for at in STARTS}
    with scope(small_cluster().pk):
        assert [str(row.valid_from) for row in ClusterSettings.objects.order_by("valid_from")] == [
            "2026-01-01",
            str(DAY),
        ]


def test_a_regrown_grid_keeps_its_points(tmp_path: Path) -> None:
    files = small_dataset()
    load(write(files, tmp_path))
    files["grid_nodes.csv"] = "node,parent,level\nTOP,,cluster\nST-1,SUB,station\nSUB,TOP,cluster\nST-2,TOP,station\n"
    load(write(files, tmp_path))
    with scope(small_cluster().pk):
        tree = {row.code: row.parent and row.parent.code for row in GridNode.objects.select_related("parent")}
        assert tree == {"TOP": None, "SUB": "TOP", "ST-1": "SUB", "ST-2": "TOP"}
        assert PointAssignment.objects.filter(grid_node__code="ST-1").count() == 2
    assert "0 rows" in load(tmp_path)


def test_terms_that_the_folder_drops_are_dropped(tmp_path: Path) -> None:
    files = changed(small_dataset(), "retail.csv", "G11,flat,0.5020,2026-01-01,2027-01-01",
                    "G11,flat,0.5020,2026-01-01,2026-11-01\nG11,flat,0.6,2026-11-01,2027-01-01")  # fmt: skip
    load(write(files, tmp_path))
    load(write(small_dataset(), tmp_path))
    with scope(small_cluster().pk):
        assert [str(row.valid_to) for row in RetailPrice.objects.filter(group="G11")] == ["2027-01-01"]


def test_a_sale_price_published_again_is_a_new_version(tmp_path: Path) -> None:
    files = small_dataset()
    load(write(files, tmp_path))
    first = files["standard_sale.csv"].splitlines()[1]
    form, month, price, factor = first.split(",")
    load(write(changed(files, "standard_sale.csv", first, f"{form},{month},{Decimal(price) + 5},{factor}"), tmp_path))
    assert "0 rows" in load(tmp_path)
    with scope(small_cluster().pk):
        rows = StandardSalePrice.objects.filter(legal_form=form, month=f"{month}-01").order_by("version")
        assert [(row.version, row.pln_mwh) for row in rows] == [(1, Decimal(price)), (2, Decimal(price) + 5)]


def test_offers_beside_the_default_are_no_business_of_the_dataset(tmp_path: Path) -> None:
    load(write(small_dataset(), tmp_path / "a"))
    with scope(small_cluster().pk):
        offer = RetailOffer.objects.create(cluster=small_cluster(), name="Own")
        RetailPrice.objects.create(
            cluster=small_cluster(), offer=offer, group="G11", zone="flat", energy_pln_kwh=1, valid_from="2026-01-01"
        )
    assert "0 rows" in load(tmp_path / "a")
    call_command("dump_cluster", small_cluster().slug, tmp_path / "out", stdout=StringIO())
    assert (tmp_path / "out" / "retail.csv").read_text() == (tmp_path / "a" / "retail.csv").read_text()
    with scope(small_cluster().pk):
        assert RetailPrice.objects.filter(offer__name="Own").count() == 1


def test_missing_readings_are_reported_and_may_come_later(tmp_path: Path) -> None:
    files = small_dataset()
    lines = files["readings-2026-10.csv"].splitlines(keepends=True)
    files["readings-2026-10.csv"] = "".join(lines[:50] + lines[60:])
    assert f"2026-10: 10 readings are missing: {POINTS[0]} (10)" in load(write(files, tmp_path))
    before = changes()
    assert "readings: 10 new, 0 replaced, 374 unchanged" in load(write(small_dataset(), tmp_path))
    assert touched(before, changes()) == {format_instant(at) for at in STARTS[49:59]}


def test_the_long_day_is_loaded(tmp_path: Path) -> None:
    files = small_dataset()
    start = local_midnight(parse_day("2026-10-25"), WARSAW)
    lines = [f"{POINTS[0]},{format_instant(start + timedelta(minutes=15 * n))},{n},0,measured" for n in range(100)]
    header = files["readings-2026-10.csv"].splitlines()[0]
    files["readings-2026-10.csv"] = "\n".join([header, *lines, ""])
    message = load(write(files, tmp_path))
    assert "readings: 100 new" in message
    assert f"{POINTS[1]} (100)" in message


def test_a_second_cluster_shares_the_book(tmp_path: Path) -> None:
    load(write(small_dataset(), tmp_path / "one"))
    load(write(small_dataset("two"), tmp_path / "two"))
    assert TariffRate.objects.count() == 12


READING = f"{POINTS[0]},{format_instant(STARTS[3])},3,0,measured\n"

BAD = {
    "unknown column": ("grid_nodes.csv", "parent,level", "parent,level,x", "grid_nodes.csv, line 1, column x: unknown"),
    "bad check digit": ("metering_points.csv", "0013,P0001", "0014,P0001", "line 2, column code: the check digit"),
    "point without grid node": ("metering_points.csv", "P0002,member,ST-1", "P0002,member,ST-9", "'ST-9' is unknown"),
    "cycle in the grid": ("grid_nodes.csv", "CLUSTER,,cluster", "CLUSTER,ST-1,cluster", "the grid has a cycle"),
    "tariff gap": (
        "tariff.csv",
        "day,PLN/kWh,0.2841,discounted,2026-01-01",
        "day,PLN/kWh,0.2841,discounted,2026-02-01",
        "zone day: gap, no rate",
    ),
    "zone overlap": (
        "tariff_zones.csv",
        "G12,day,1-12,all,15:00",
        "G12,day,1-12,all,14:00",
        "overlap at 14:00 to 15:00",
    ),
    "zone gap": ("tariff_zones.csv", "G12,day,1-12,all,15:00", "G12,day,1-12,all,16:00", "gap at 15:00 to 16:00"),
    "price gap": (
        "external_prices.csv",
        f"{format_instant(STARTS[7])},447.50,337.25\n",
        "",
        "line 9, column interval_start",
    ),
    "other tariff than the book": (
        "tariff.csv",
        "day,PLN/kWh,0.2841",
        "day,PLN/kWh,0.2842",
        "tariff.csv, line 6, column rate_net: this differs from the published book",
    ),
    "other zones than the book": (
        "tariff_zones.csv",
        "07:00,22:00",
        "07:00,21:00",
        "tariff_zones.csv, line 9, column to: this differs from the published book",
    ),
    "book row left out": (
        "tariff.csv",
        "Example Distribution,C13,,,,network_fixed,,PLN/kW/month,5.73,full,2026-01-01,2027-01-01\n",
        "",
        "also has component 'network_fixed' of group C13",
    ),
    "other distributor": ("cluster.toml", "1000237576", "1000158380", "column dso.nip: Example Distribution is known"),
    "duplicate reading": (
        "readings-2026-10.csv",
        READING,
        READING * 2,
        "line 6, column interval_start: a second reading",
    ),
    "negative reading": (
        "readings-2026-10.csv",
        READING,
        READING.replace(",3,", ",-3,"),
        "readings-2026-10.csv, line 5, column imported_wh: -3 is negative",
    ),
    "reading that is no number": (
        "readings-2026-10.csv",
        READING,
        READING.replace(",3,", ",3x,"),
        "line 5, column imported_wh",
    ),
    "reading without energy": (
        "readings-2026-10.csv",
        READING,
        READING.replace(",3,", ",,"),
        "line 5, column imported_wh",
    ),
    "reading of an unknown meter": (
        "readings-2026-10.csv",
        READING,
        READING.replace(POINTS[0], "590000000000000099"),
        "line 5, column metering_point: the metering point '590000000000000099' is unknown",
    ),
    "reading off the quarter-hour": (
        "readings-2026-10.csv",
        READING,
        READING.replace(":45:00Z", ":44:00Z"),
        "line 5, column interval_start",
    ),
    "reading outside the point's dates": (
        "metering_points.csv",
        "499,1.00,2026-01-01,2026-12-01",
        "499,1.00,2026-01-01,2026-10-24",
        f"{POINTS[3]} is not in the cluster",
    ),
    "reading of unknown quality": (
        "readings-2026-10.csv",
        READING,
        READING.replace("measured", "guessed"),
        "line 5, column quality: 'guessed'",
    ),
    "reading line cut short": ("readings-2026-10.csv", READING, READING.replace(",measured", ""), "line 5"),
    "readings without a column": (
        "readings-2026-10.csv",
        ",quality\n",
        "\n",
        "line 1, column quality: the column is missing",
    ),
    "unknown time zone": ("cluster.toml", "Europe/Warsaw", "Europe/Warschau", "unknown time zone 'Europe/Warschau'"),
    "overlapping contracts": (
        "contracts.csv",
        "P0003,p2p,2026-10-11,",
        "P0003,p2p,2026-10-10,",
        "contracts of P0003: overlap",
    ),
    "retail gap": ("retail.csv", "C13,rest,0.5600,2026-01-01,2027-01-01\n", "", "no retail price in zone rest"),
}


@pytest.mark.parametrize("known", [False, True], ids=["new cluster", "known cluster"])
def test_bad_input_is_told_and_nothing_is_stored(tmp_path: Path, known: bool) -> None:
    """All cases in one database: as none of them may store anything, none can disturb the next."""
    files = small_dataset()
    load(write(files if known else small_dataset("neighbour"), tmp_path / "before"))
    before = everything()
    for case, (name, old, new, text) in BAD.items():
        with pytest.raises(CommandError, match="nothing was stored") as error:
            load(write(changed(files, name, old, new), tmp_path / case))
        message = str(error.value)
        assert error.value.returncode == 1, case
        assert text in message, (case, message)
        assert re.search(r"^[\w.-]+\.(csv|toml)(,|:)", message, re.MULTILINE), (case, message)
        assert everything() == before, case


def test_the_same_reading_in_two_files_is_a_duplicate(tmp_path: Path) -> None:
    files = small_dataset()
    header = files["readings-2026-10.csv"].splitlines()[0]
    files["readings-late.csv"] = f"{header}\n{READING}"
    with pytest.raises(CommandError, match=r"readings-late.csv, line 2, column interval_start: a second reading"):
        load(write(files, tmp_path))


def test_a_missing_folder_and_cluster_are_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there is no such folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(CommandError, match="There is no cluster 'nobody'"):
        dump("nobody", tmp_path / "out")
    load(write(small_dataset(), tmp_path / "in"))
    with pytest.raises(CommandError, match="is not an empty folder"):
        dump("small", tmp_path / "in")
