"""Whoever sees single readings of a person is noted, and the person reads it."""

import datetime as dt
from pathlib import Path

import pytest
from django.core.management import call_command
from django.urls import reverse

from metering.models import PointAssignment, ReadingAccess
from participants.models import Membership
from participants.tenancy.scope import scope
from tests.cast import NOON, Cast, make_cast, make_dso_user, make_user
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


def noted(cast: Cast) -> list[tuple[object, ...]]:
    with scope(cast.cluster.pk):
        rows = ReadingAccess.objects.order_by("pk")
        return list(rows.values_list("user", "role", "metering_point", "purpose", "readings_from", "readings_to"))


def log(cast: Cast) -> str:
    return text_of(signed_in(cast.owner).get("/privacy/"))


def test_nobody_looked_so_far(cast: Cast) -> None:
    assert "Nobody so far" in log(cast)


def test_the_coordinator_opens_a_metering_point(cast: Cast) -> None:
    page = reverse("admin:metering_meteringpoint_change", args=[cast.seller_point.pk])
    assert "400 Wh" in text_of(signed_in(cast.coordinator).get(page))
    quarter = dt.timedelta(minutes=15)
    expected = (cast.coordinator.pk, "coordinator", cast.seller_point.pk, "point", NOON, NOON + quarter)
    assert noted(cast) == [expected]
    text = log(cast)
    assert "coordinator looked at a metering point" in text
    assert "…000013" in text
    assert cast.coordinator.email not in text
    assert "Nobody so far" in text_of(signed_in(cast.colleague).get("/privacy/"))


def test_who_is_refused_is_not_noted(cast: Cast) -> None:
    page = reverse("admin:metering_meteringpoint_change", args=[cast.seller_point.pk])
    theirs = make_cast("beta")
    for user in (cast.owner, cast.colleague, make_dso_user(cast.cluster.dso), make_user("nobody@example.org")):
        assert signed_in(user).get(page, follow=True).status_code == 403
    assert signed_in(theirs.coordinator).get(page).status_code == 302
    assert noted(cast) == []


def test_a_list_of_points_shows_no_readings_and_notes_none(cast: Cast) -> None:
    signed_in(cast.coordinator).get(reverse("admin:metering_meteringpoint_changelist"))
    assert noted(cast) == []


def test_a_settled_quarter_hour_shows_everybodys(cast: Cast) -> None:
    page = reverse("admin:clearing_clearingrun_change", args=[cast.run.pk])
    assert signed_in(cast.coordinator).get(page).status_code == 200
    assert [row[2:4] for row in noted(cast)] == [(None, "run")]
    for user in (cast.owner, cast.colleague):
        text = text_of(signed_in(user).get("/privacy/"))
        assert "coordinator looked at a settled quarter-hour all members'" in text


def test_the_distributor_opens_a_day_of_missing_readings(cast: Cast) -> None:
    other = make_cast("beta")
    client = signed_in(make_dso_user(cast.cluster.dso))
    client.get("/dso/?month=2026-06")
    assert noted(cast) == []
    client.get("/dso/?month=2026-06&day=2026-06-11")
    assert {(row[1], row[2], row[3]) for row in noted(cast)} == {
        ("dso", point.pk, "missing") for point in (cast.seller_point, cast.buyer_point)
    }
    assert len(noted(other)) == 2
    assert "distributor looked for missing readings" in log(cast)


@pytest.mark.django_db(transaction=True)
def test_exports_by_command_are_noted_for_all(cast: Cast, tmp_path: Path) -> None:
    call_command("dump_cluster", "alfa", str(tmp_path / "data"), verbosity=0)
    call_command("export_results", "alfa", "--from", "2026-06-11", "--to", "2026-06-12", "--out", str(tmp_path / "out"))
    assert [row[:4] for row in noted(cast)] == [
        (None, "operator", None, "dataset"),
        (None, "operator", None, "package"),
    ]
    text = log(cast)
    assert "operator exported the cluster's data" in text
    assert "operator exported a settlement package" in text


def test_own_pages_and_own_data_are_not_noted(cast: Cast) -> None:
    client = signed_in(cast.owner)
    for page in ("/", "/energy/", "/trades/", "/cluster/"):
        client.get(page)
    b"".join(client.get("/privacy/data.zip"))  # type: ignore[arg-type]
    assert noted(cast) == []


def test_who_had_the_point_then_reads_it_not_who_has_it_now(cast: Cast) -> None:
    """The point changed hands on 1 July; what was looked at was read in June."""
    with scope(cast.cluster.pk):
        july = dt.date(2026, 7, 1)
        assignment = PointAssignment.objects.get(metering_point=cast.seller_point)
        PointAssignment.objects.filter(pk=assignment.pk).update(valid_to=july)
        assignment.pk, assignment.participant, assignment.valid_from = None, cast.buyer, july
        assignment.save()
    signed_in(cast.coordinator).get(reverse("admin:metering_meteringpoint_change", args=[cast.seller_point.pk]))
    assert "looked at a metering point" in log(cast)
    assert "Nobody so far" in text_of(signed_in(cast.colleague).get("/privacy/"))


def test_the_coordinator_sees_who_of_its_people_looked(cast: Cast) -> None:
    signed_in(cast.coordinator).get(reverse("admin:metering_meteringpoint_change", args=[cast.seller_point.pk]))
    reader = make_user("reader@example.org", with_app=True)
    with scope(cast.cluster.pk):
        Membership.objects.create(cluster=cast.cluster, user=reader, role="coordinator", level="read")
    page = reverse("admin:metering_readingaccess_changelist")
    assert cast.coordinator.email in text_of(signed_in(reader).get(page))
    assert signed_in(reader).get(reverse("admin:metering_readingaccess_add")).status_code == 403
    for user in (cast.owner, make_dso_user(cast.cluster.dso)):
        assert signed_in(user).get(page, follow=True).status_code == 403
