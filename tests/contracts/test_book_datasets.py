"""A dataset of a cluster whose distributor has published several books: there and back, and checked by itself."""

import datetime as dt
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from contracts.dataset.bookfile import read_book
from contracts.dataset.folder import read_dataset
from contracts.models import ClusterSettings, RetailPrice, TariffBook
from contracts.selectors import tariff_book
from contracts.selectors.book import tariff
from contracts.services.tariff_books import create_draft, publish_book
from participants.models import Cluster, Dso
from participants.tenancy.scope import scope
from tests.contracts.small_dataset import DAY, DSO, TARIFF_ZONES, changed, small_dataset, write
from tests.contracts.test_load_cluster import dump, everything, load
from tests.contracts.test_tariff_books import FILES, JANUARY, NOW

pytestmark = pytest.mark.django_db(transaction=True)
GONE = f"{DSO},*,,,,transition,,PLN/month,0.33,full,2026-01-01,2027-01-01\n"
#: Other hours of the night, other zones of C13, no transition fee any more, another price, discounts of the book.
SECOND = {
    "tariff.csv": "".join(
        line.replace(",morning,", ",peak,").replace("0.2464", "0.3000")
        for line in FILES["tariff.csv"].splitlines(keepends=True)
    ),
    "tariff_zones.csv": TARIFF_ZONES.replace("C13,morning", "C13,peak").replace("22:00,06:00", "21:00,06:00").replace(
        "15:00,22:00", "15:00,21:00"
    ),
    "tariff_discounts.csv": "level,discount\nstation,0.30\ncluster,0.10\n",
}  # fmt: skip


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """One day of readings under the second book; the settings of that day name a discount for the cluster only."""
    files = small_dataset() | {"tariff.csv": FILES["tariff.csv"] + GONE}
    load(write(files, tmp_path / "cluster"))
    tables = read_book(write(SECOND, tmp_path / "second"), DSO)
    book = create_draft(Dso.objects.get(), tables, name="October", valid_from=DAY, now=NOW)
    publish_book(book, None, NOW, "the regulator's decision")
    found = Cluster.objects.get()
    with scope(found.pk):
        settings = ClusterSettings.objects.get()
        settings.pk, settings.valid_from, settings.sharing_discount = None, DAY, {"cluster": "0.05"}
        settings.save(force_insert=True)
        price = RetailPrice.objects.get(group="C13", zone="morning")
        price.pk, price.zone, price.valid_from = None, "peak", DAY
        price.save(force_insert=True)
    return found


def test_the_dump_says_which_book_held_when(cluster: Cluster, tmp_path: Path) -> None:
    files = {
        name: data.decode()
        for name, data in dump("small", tmp_path / "out").items()
        if name.endswith((".csv", ".toml"))
    }
    assert (
        '[[books]]\nvalid_from = "2026-01-01"\n\n[[books]]\nvalid_from = "2026-10-24"\nsharing_discount = {'
        in files["cluster.toml"]
    )
    assert f"{DSO},*,,,,transition,,PLN/month,0.33,full,2026-01-01,2026-10-24\n" in files["tariff.csv"]
    assert f"{DSO},C13,,,,network_fixed,,PLN/kW/month,5.73,full,2026-01-01,2027-01-01\n" in files["tariff.csv"]
    assert "G12,night,1-12,all,22:00,06:00,,2026-10-24\n" in files["tariff_zones.csv"]
    assert "G12,night,1-12,all,21:00,06:00,2026-10-24,\n" in files["tariff_zones.csv"]
    assert "G12,night,1-12,all,13:00,15:00,,\n" in files["tariff_zones.csv"], "what did not change has no days"
    dataset = read_dataset(tmp_path / "out")
    assert dataset.tariff == tariff(cluster.dso)
    assert dataset.book.discounts_on(DAY, {"cluster": Decimal("0.05")}) == {
        "station": Decimal("0.30"),
        "cluster": Decimal("0.05"),
    }


def test_it_loads_again_and_elsewhere(cluster: Cluster, tmp_path: Path) -> None:
    first = dump("small", tmp_path / "first")
    before = everything()
    assert "0 rows and 0 external prices changed" in load(tmp_path / "first")
    assert everything() == before
    copy = tmp_path / "copy"
    copy.mkdir()
    for name, data in first.items():
        text = (
            data
            if name.endswith(".gz")
            else data.replace(DSO.encode(), b"Other Distribution").replace(b'"small"', b'"other"')
        )
        (copy / name).write_bytes(text)
    load(copy)
    other = Cluster.objects.get(slug="other")
    assert tariff(other.dso) == tariff(cluster.dso)
    books = TariffBook.objects.filter(dso=other.dso)
    assert [(book.number, book.valid_from, book.state) for book in books.order_by("number")] == [
        (1, JANUARY, "published"), (2, DAY, "published"),
    ]  # fmt: skip
    assert dump("other", tmp_path / "third")["tariff_zones.csv"] == first["tariff_zones.csv"]


def test_what_was_settled_agrees_with_the_dump(cluster: Cluster, tmp_path: Path) -> None:
    call_command("clear", "small", start="2026-10-24", end="2026-10-25", stdout=StringIO())
    dump("small", tmp_path / "dataset")
    call_command(
        "export_results", "small", start="2026-10-24", end="2026-10-25", out=tmp_path / "package", stdout=StringIO()
    )
    out = StringIO()
    call_command("verify_package", str(tmp_path / "package"), dataset=tmp_path / "dataset", stdout=out)
    assert "holds and agrees with" in out.getvalue() and "96 intervals" in out.getvalue()
    text = (tmp_path / "dataset" / "tariff.csv").read_text()
    (tmp_path / "dataset" / "tariff.csv").write_text(text.replace("PLN/kWh,0.30,", "PLN/kWh,0.31,"))
    with pytest.raises((CommandError, SystemExit)):
        call_command(
            "verify_package",
            str(tmp_path / "package"),
            dataset=tmp_path / "dataset",
            stdout=StringIO(),
            stderr=StringIO(),
        )


@pytest.mark.parametrize(
    ("name", "old", "new", "text"),
    [
        (
            "cluster.toml",
            '[[books]]\nvalid_from = "2026-10-24"',
            '[[books]]\nvalid_from = "2025-10-24"',
            "books must stand in the order of their valid_from",
        ),
        ("cluster.toml", 'station = "0.3', 'station = "1.3', "column station: 1.30 is more than 1"),
        ("cluster.toml", 'station = "0.3', 'other = "0.3', "level 'station' of the grid has no sharing discount"),
        ("tariff_zones.csv", "21:00,06:00,2026-10-24", "21:00,06:00,2026-10-25", "tariff_zones.csv, line"),
        ("tariff_zones.csv", "21:00,06:00", "21:15,06:00", "gap at 21:00 to 21:15"),
        ("tariff.csv", "0.33,full,2026-01-01,2026-10-24", "0.33,full,2026-01-01,2026-10-23", "gap, no rate"),
    ],
)
def test_each_book_is_checked_by_itself(
    cluster: Cluster, tmp_path: Path, name: str, old: str, new: str, text: str
) -> None:
    files = {path: data.decode() for path, data in dump("small", tmp_path / "out").items() if not path.endswith(".gz")}
    assert "[[books]]" in files["cluster.toml"]
    with pytest.raises(CommandError) as error:
        load(write(changed(files, name, old, new), tmp_path / "bad"))
    assert text in str(error.value)


def test_the_composition_is_what_the_cluster_reads(cluster: Cluster) -> None:
    book = tariff_book(cluster)
    before, after = book.slot(DAY - dt.timedelta(days=1), 21 * 60 + 30), book.slot(DAY, 21 * 60 + 30)
    assert (before.zone_of("G12"), after.zone_of("G12")) == ("day", "night")
    assert book.change_days == (JANUARY, DAY, dt.date(2027, 1, 1))
