"""Every Polish group, from the ready book to the bill, against bills worked out by hand (`polish_groups`)."""

import csv
import gzip
import shutil
from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest
from django.core.management import call_command
from django.db import transaction

from contracts.services.ready_books import READY
from metering.models import IntervalInput
from participants.models import Cluster
from participants.tenancy.scope import scope
from tests.billing import polish_groups as by_hand
from tests.billing.polish_groups import WARSAW, Point, quarter_hours
from tests.contracts.small_dataset import CLUSTER, write

DSO = "Tauron Dystrybucja"
BUYERS = {
    "P01": Point("590000000000000013", "G11", 3, "14", 1808, "1"),
    "P02": Point("590000000000000020", "G12", 3, "14", 499, "1"),
    "P03": Point("590000000000000037", "G12w", 3, "16", 2800, "1"),
    "P04": Point("590000000000000044", "G13", 3, "12.5", 1200, "1"),
    "P05": Point("590000000000000051", "C13", 3, "8", 17940, "0.50"),
    "P06": Point("590000000000000068", "B21", 3, "40", 90000, "0.17"),
    "P07": Point("590000000000000075", "B22", 3, "62.5", 150000, "0.83"),
    "P08": Point("590000000000000082", "B23", 3, "120", 400000, "1"),
    "P09": Point("590000000000000099", "G11", 1, "4", 500, "1"),
    "P11": Point("590000000000000112", "G12", 3, "14", 2100, "1"),
}
SELLER = "590000000000000105"
NEAR = ("P02", "P05", "P08")
"""Those at the seller's station; the others share over the cluster."""
#: Whole January (two holidays on workdays) and June (Corpus Christi), and both days on which the clock changes with the
#: Friday and Saturday before.
MONTHS = {
    date(2026, 1, 1): (date(2026, 1, 1), date(2026, 2, 1), 2976),
    date(2026, 6, 1): (date(2026, 6, 1), date(2026, 7, 1), 2880),
    date(2026, 3, 1): (date(2026, 3, 27), date(2026, 3, 30), 2 * 96 + 92),
    date(2026, 10, 1): (date(2026, 10, 23), date(2026, 10, 26), 2 * 96 + 100),
}
CHANGED = date(2026, 6, 16)
#: From then on, for G12: other variable rates by day and by night, and another fixed one.
CHANGES = {"G12": (CHANGED, {"day": Decimal("0.3012"), "night": Decimal("0.0600")}, Decimal("11.31"))}


class World(NamedTuple):
    """What was exported for each month, before and after the correction."""

    folder: Path
    before: dict[date, Path]
    after: dict[date, Path]
    touched: set[datetime]
    told: str
    trades: dict[date, dict[str, dict[datetime, dict[str, int]]]]


def drawn(place: int, at: datetime) -> int:
    """Wh of a quarter-hour: something that differs by point, day and hour."""
    number = int(at.timestamp()) // 900
    return 20 + (number * (7 + place) + number // 96 * 13) % (90 + 40 * place)


def fed_in(at: datetime) -> int:
    """The plant runs from 10 to 14 o'clock, more than is needed at noon."""
    hour = at.astimezone(WARSAW).hour
    return {10: 700, 11: 1500, 12: 6000, 13: 900}.get(hour, 0)


def prices(at: datetime) -> tuple[Decimal, Decimal]:
    """Buying and selling outside, PLN/kWh."""
    number = int(at.timestamp()) // 900 % 96
    return Decimal(440 + number) / 1000, Decimal(330 + number) / 1000


def all_starts() -> list[datetime]:
    return sorted(at for first, end, _ in MONTHS.values() for at in quarter_hours(first, end))


def book_folder(folder: Path) -> Path:
    """The draft that comes with the platform, completed with the made-up rates."""
    shutil.copytree(READY / "tauron-with-b", folder)
    days = "full,2026-01-01,2027-01-01"
    lines = [
        f"{DSO},{g},1,,,network_fixed,,PLN/month,{by_hand.MADE['one phase']},{days}"
        for g in ("G11", "G12", "G12w", "G13")
    ]
    for group in ("B21", "B22", "B23"):
        lines.append(f"{DSO},{group},,,,network_fixed,,PLN/kW/month,{by_hand.MADE['B']},{days}")
        lines.append(f"{DSO},{group},,,,subscription,,PLN/month,{by_hand.MADE['B subscription']},{days}")
    with (folder / "tariff.csv").open("a") as stream:
        stream.write("\n".join([*lines, ""]))
    return folder


def correction(folder: Path, book: Path) -> Path:
    """The same book from the middle of June on, with other rates of G12."""
    shutil.copytree(book, folder)
    text = (folder / "tariff.csv").read_text()
    _, variable, fixed = CHANGES["G12"]
    for old, new in (
        ("G12,,,,network_variable,day,PLN/kWh,0.2841", f"G12,,,,network_variable,day,PLN/kWh,{variable['day']}"),
        ("G12,,,,network_variable,night,PLN/kWh,0.0558", f"G12,,,,network_variable,night,PLN/kWh,{variable['night']}"),
        ("G12,3,,,network_fixed,,PLN/month,10.86", f"G12,3,,,network_fixed,,PLN/month,{fixed}"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    (folder / "tariff.csv").write_text(text)
    toml = (folder / "book.toml").read_text()
    (folder / "book.toml").write_text(
        toml.replace("2026-01-01", CHANGED.isoformat()).replace("2026 with", "June 2026 with")
    )
    return folder


def dataset(folder: Path, book: Path) -> Path:
    """A cluster of one point per group and a plant."""
    cluster = CLUSTER.format(slug="groups", dso=DSO).replace('nip = "1000237576"', 'nip = "6110202860"')
    cluster = cluster.replace('"min_cost"', '"pro_rata"').replace('"pooled"', '"individual"')
    people = [f"{code},consumer,person,House {code},,,,,,,,no" for code in BUYERS]
    points = [
        f"{p.code},{code},member,{'ST-1' if code in NEAR else 'ST-2'},{p.group},{p.power},0,{p.phases},{p.use},"
        f"{p.factor},2026-01-01,"
        for code, p in BUYERS.items()
    ]
    retail = {(p.group, zone) for p in BUYERS.values() for zone in by_hand.VARIABLE[p.group]}
    files = {
        "cluster.toml": cluster,
        "grid_nodes.csv": "node,parent,level\nCLUSTER,,cluster\nST-1,CLUSTER,station\nST-2,CLUSTER,station\n",
        "participants.csv": "\n".join(
            ["id,kind,legal_form,name,email,street,postcode,city,country,nip,iban,vat_payer", *people,
             "P10,producer,person,Plant,,,,,,,,no", ""]
        ),
        "metering_points.csv": "\n".join(
            ["code,participant,role,grid_node,tariff_group,contracted_power_kw,generation_capacity_kw,phases,"
             "yearly_use_kwh,capacity_factor,valid_from,valid_to", *points,
             f"{SELLER},P10,member,ST-1,G11,40,40,3,0,1,2026-01-01,", ""]
        ),
        "contracts.csv": "\n".join(
            ["participant,scheme,valid_from,valid_to", *(f"{code},p2p,2026-01-01," for code in [*BUYERS, "P10"]), ""]
        ),
        "tariff.csv": (book / "tariff.csv").read_text(),
        "tariff_zones.csv": (book / "tariff_zones.csv").read_text(),
        "retail.csv": "\n".join(
            ["group,zone,energy_pln_kwh,valid_from,valid_to",
             *(f"{group},{zone},2.00,2026-01-01," for group, zone in sorted(retail)), ""]
        ),
        "standard_sale.csv": "\n".join(
            ["legal_form,month,pln_mwh,factor", *(f"person,{m:%Y-%m},1.00,1.00" for m in sorted(MONTHS)), ""]
        ),
    }  # fmt: skip
    write(files, folder)
    with (folder / "external_prices.csv").open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["interval_start", "buy_pln_mwh", "sell_pln_mwh"])
        for at in priced_starts():
            buy, sell = prices(at)
            writer.writerow([f"{at:%Y-%m-%dT%H:%M:%SZ}", buy * 1000, sell * 1000])
    with gzip.open(folder / "readings.csv.gz", "wt", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["metering_point", "interval_start", "imported_wh", "exported_wh", "quality"])
        for at in all_starts():
            for place, point in enumerate(BUYERS.values()):
                writer.writerow([point.code, f"{at:%Y-%m-%dT%H:%M:%SZ}", drawn(place, at), 0, "measured"])
            writer.writerow([SELLER, f"{at:%Y-%m-%dT%H:%M:%SZ}", 0, fed_in(at), "measured"])
    return folder


def priced_starts() -> list[datetime]:
    """Prices come by whole months."""
    months = sorted(MONTHS)
    ends = {date(2026, 1, 1): date(2026, 2, 1), date(2026, 3, 1): date(2026, 4, 1), date(2026, 6, 1): date(2026, 7, 1),
            date(2026, 10, 1): date(2026, 11, 1)}  # fmt: skip
    return [at for month in months for at in quarter_hours(month, ends[month])]


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker, tmp_path_factory) -> World:
    """All months cleared and billed; then G12 corrected from the middle of June on and all of it done again."""
    folder = tmp_path_factory.mktemp("groups")
    book = book_folder(folder / "book")
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("load_tariff_book", str(book), publish=True, stdout=StringIO())
        call_command("load_cluster", dataset(folder / "dataset", book), verbosity=0, stdout=StringIO())
        before = settle(folder / "before")
        trades = {month: traded(folder / "before" / f"results-{month}") for month in MONTHS}
        counted = changes()
        out = StringIO()
        call_command(
            "load_tariff_book",
            str(correction(folder / "correction", book)),
            publish=True,
            reason="a misprint",
            stdout=out,
        )
        touched = {at for at, count in changes().items() if count != counted[at]}
        after = settle(folder / "after")
        transaction.set_rollback(True)
    return World(folder, before, after, touched, out.getvalue(), trades)


def settle(folder: Path) -> dict[date, Path]:
    found = {}
    for month in MONTHS:
        first, end, _ = MONTHS[month]
        bounds = {"start": first.isoformat(), "end": end.isoformat()}
        call_command("clear", "groups", **bounds, stdout=StringIO())
        call_command("bill", "groups", f"{month:%Y-%m}", stdout=StringIO())
        call_command("export_results", "groups", **bounds, out=folder / f"results-{month}", stdout=StringIO())
        found[month] = folder / f"statements-{month}"
        call_command("export_statements", "groups", f"{month:%Y-%m}", out=found[month], stdout=StringIO())
    return found


def changes() -> dict[datetime, int]:
    with scope(Cluster.objects.get(slug="groups").pk):
        return dict(IntervalInput.objects.values_list("interval_start", "changes"))


def traded(package: Path) -> dict[str, dict[datetime, dict[str, int]]]:
    """Point → start → Wh bought locally by sharing level."""
    found: dict[str, dict[datetime, dict[str, int]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    with (package / "trades.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            at = datetime.fromisoformat(row["interval_start"]).astimezone(UTC)
            found[row["buyer"]][at][row["sharing_level"]] += int(row["wh"])
    return found


def expected(world: World, month: date, member: str, changed: bool = False) -> by_hand.Lines:
    first, end, count = MONTHS[month]
    starts = list(quarter_hours(first, end))
    assert len(starts) == count
    point, place = BUYERS[member], list(BUYERS).index(member)
    local = world.trades[month][point.code]
    bought = {}
    for at in starts:
        shared = dict(local.get(at, {}))
        bought[at] = shared | {"external": drawn(place, at) - sum(shared.values())}
    return by_hand.bill(point, month, bought, {at: prices(at) for at in starts}, CHANGES if changed else None)


def assert_billed(folder: Path, member: str, lines: by_hand.Lines) -> None:
    """Line for line, exactly, and to the grosz."""
    found = by_hand.exported(folder)[member]
    assert {key: (kwh, amount) for key, (kwh, amount, _) in found.items()} == {
        key: (kwh, amount) for key, (kwh, amount) in lines.items()
    }
    assert {key: net for key, (_, _, net) in found.items()} == {
        key: by_hand.half_up(amount, 2) for key, (_, amount) in lines.items()
    }


@pytest.mark.parametrize("member", BUYERS)
@pytest.mark.parametrize("month", MONTHS, ids=lambda month: f"{month:%Y-%m}")
def test_the_bill_is_the_one_worked_out_by_hand(world: World, month: date, member: str) -> None:
    lines = expected(world, month, member)
    assert any(level in ("station", "cluster") for _, _, level, _, _ in lines), "there is local energy to be billed"
    assert {zone for component, zone, *_ in lines if component == "network_variable"} == set(
        by_hand.VARIABLE[BUYERS[member].group]
    )
    assert_billed(world.before[month], member, lines)


def test_the_plant_pays_its_monthly_rates_and_gets_what_it_sold(world: World) -> None:
    lines = by_hand.exported(world.before[date(2026, 6, 1)])["P10"]
    sold = sum(fed_in(at) for at in quarter_hours(date(2026, 6, 1), date(2026, 7, 1)))
    assert sum(kwh for (component, *_), (kwh, _, _) in lines.items() if component.endswith("_sold")) * 1000 == sold
    assert {key[0] for key in lines} >= {"network_fixed", "subscription", "capacity"}


@pytest.mark.parametrize("member", ["P02", "P11"])
def test_a_change_in_mid_month_divides_the_lines_at_local_midnight(world: World, member: str) -> None:
    june = date(2026, 6, 1)
    lines = expected(world, june, member, changed=True)
    days = {key[3:] for key in lines if key[0] in ("network_variable", "network_fixed")}
    assert days == {("2026-06-01", "2026-06-16"), ("2026-06-16", "2026-07-01")}
    assert {key[3:] for key in lines if key[0] in ("quality", "subscription", "excise")} == {
        ("2026-06-01", "2026-07-01")
    }
    assert_billed(world.after[june], member, lines)


def test_the_correction_touches_what_it_changes_and_nothing_else(world: World) -> None:
    """All quarter-hours from that midnight on: G12 pays another rate by day and by night."""
    assert world.touched == {at for at in priced_starts() if at.astimezone(WARSAW).date() >= CHANGED}
    assert f"{len(world.touched)} quarter-hours are settled anew" in world.told
    assert "days billed anew: 2026-06-16 to 2027-01-01" in world.told


def test_only_the_statements_of_the_changed_group_are_billed_anew(world: World) -> None:
    changed = set()
    for month in MONTHS:
        before, after = by_hand.exported(world.before[month]), by_hand.exported(world.after[month])
        changed |= {(month, member) for member in before if before[member] != after[member]}
    g12 = [member for member, point in BUYERS.items() if point.group == "G12"]
    assert changed == {(month, member) for month in (date(2026, 6, 1), date(2026, 10, 1)) for member in g12}
