"""Which quarter-hours are overdue, and that the setting travels with the dataset."""

import datetime as dt
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from contracts.domain.deadlines import overdue
from contracts.models import ClusterSettings
from participants.domain.places import CENTRE_OF_POLAND
from participants.models import Cluster
from participants.tenancy.scope import scope
from tests.contracts.small_dataset import changed, small_dataset, write

UTC = dt.UTC
START = dt.datetime(2026, 6, 1, tzinfo=UTC)


def at(day: int, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, 6, day, hour, minute, tzinfo=UTC)


def test_a_quarter_hour_is_overdue_when_its_deadline_has_passed() -> None:
    assert overdue([(START, 48)], at(5, 10, 14)) == [(START, at(3, 10))]
    assert overdue([(START, 48)], at(5, 10, 15)) == [(START, at(3, 10, 15))]
    assert overdue([(START, 0)], at(5, 10, 29)) == [(START, at(5, 10, 15))]
    assert overdue([(START, 48)], at(2, 0)) == []
    assert overdue([], at(5, 10)) == []


def test_each_deadline_holds_for_the_quarter_hours_of_its_own_time() -> None:
    """Shortened from the third on: what began before still has its longer deadline."""
    held = [(START, 72), (at(3, 0), 24)]
    assert overdue(held, at(5, 0)) == [(START, at(2, 0)), (at(3, 0), at(4, 0))]
    assert overdue(held, at(9, 0)) == [(START, at(3, 0)), (at(3, 0), at(8, 0))]


@pytest.mark.django_db(transaction=True)
def test_a_dataset_without_the_setting_has_the_default_and_one_with_it_keeps_it(tmp_path: Path) -> None:
    files = small_dataset()
    call_command("load_cluster", str(write(files, tmp_path / "in")), stdout=StringIO())
    cluster = Cluster.objects.get(slug="small")
    with scope(cluster.pk):
        assert ClusterSettings.objects.get().reading_deadline_hours == 48
    assert (cluster.latitude, cluster.longitude) == CENTRE_OF_POLAND
    files = changed(files, "cluster.toml", "sharing_discount", "reading_deadline_hours = 12\nsharing_discount")
    files = changed(files, "cluster.toml", "interval_minutes = 15", 'interval_minutes = 15\nlatitude = "-51.1"')
    call_command("load_cluster", str(write(files, tmp_path / "again")), stdout=StringIO())
    cluster.refresh_from_db()
    with scope(cluster.pk):
        assert ClusterSettings.objects.get().reading_deadline_hours == 12
    assert (cluster.latitude, cluster.longitude) == (Decimal("-51.1"), CENTRE_OF_POLAND[1])
    call_command("dump_cluster", "small", str(tmp_path / "out"), stdout=StringIO())
    assert (tmp_path / "out" / "cluster.toml").read_text() == files["cluster.toml"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("reading_deadline_hours = 8785", "more than a year"),
        ("reading_deadline_hours = true", "must be a text in quotes"),
        ('reading_deadline_hours = "-1"', "not a whole number"),
        ('latitude = "91.0"', "unknown key"),
    ],
)
@pytest.mark.django_db
def test_a_setting_that_makes_no_sense_is_refused(line: str, told: str, tmp_path: Path) -> None:
    files = changed(small_dataset(), "cluster.toml", "sharing_discount", f"{line}\nsharing_discount")
    with pytest.raises(CommandError, match=told):
        call_command("load_cluster", str(write(files, tmp_path)), stdout=StringIO())
    assert not Cluster.objects.exists()


@pytest.mark.django_db
def test_a_place_outside_the_globe_is_refused(tmp_path: Path) -> None:
    files = changed(
        small_dataset(), "cluster.toml", "interval_minutes = 15", 'interval_minutes = 15\nlatitude = "91.0"'
    )
    with pytest.raises(CommandError, match=r"91\.0 is no latitude"):
        call_command("load_cluster", str(write(files, tmp_path)), stdout=StringIO())
