"""What is missing of each metering point and day, who owes it since when, and who is told."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from metering.domain.calendar import INTERVAL, day_bounds, interval_starts
from metering.models import DsoArea, GridNode, IntervalInput, MeteringPoint, Reading, Reminder, ReminderSetting
from metering.selectors.matrix import Cell, Matrix, Wanted, matrix
from metering.selectors.owed import OwedPoint, owed, owed_points, silent_days
from metering.services.completeness import count_gaps
from metering.services.estimation import estimate_days
from metering.services.inputs import touch_intervals
from metering.services.reminders import remind
from participants.models import DsoUser, User
from participants.tenancy.partitions import ensure_month_partitions
from participants.tenancy.scope import scope
from tests.cast import NOON, Cast, make_cast, make_dso_user

pytestmark = pytest.mark.django_db
WARSAW = ZoneInfo("Europe/Warsaw")
FIRST = dt.date(2026, 10, 24)
LONG = dt.date(2026, 10, 25)
#: Ten in the morning of 27 October: the 24th to the 26th are over.
NOW = dt.datetime(2026, 10, 27, 9, 7, tzinfo=dt.UTC)


@pytest.fixture
def cast() -> Cast:
    """Two points; of the first everything came up to the 26th."""
    cast = make_cast("alfa")
    with scope(cast.cluster.pk):
        with connection.cursor() as cursor:  # The cast's own quarter-hour is of June.
            cursor.execute("UPDATE metering_pointassignment SET valid_from = '2026-10-24'")
        IntervalInput.objects.all().delete()
    ensure_month_partitions("metering_reading", *(day_bounds(FIRST, WARSAW)[0],) * 2)
    deliver(cast, cast.seller_point, *span(FIRST, 3))
    return cast


def span(first: dt.date, days: int = 1) -> tuple[dt.datetime, dt.datetime]:
    return day_bounds(first, WARSAW)[0], day_bounds(first + dt.timedelta(days=days - 1), WARSAW)[1]


def deliver(
    cast: Cast, point: MeteringPoint, start: dt.datetime, end: dt.datetime, quality: int = 1, version: int = 900_000_000
) -> None:
    starts = interval_starts(start, end)
    with scope(cast.cluster.pk):
        Reading.objects.bulk_create(
            Reading(
                cluster=cast.cluster, metering_point=point, interval_start=at, version=version, imported_wh=10,
                exported_wh=0, quality=quality,
            )
            for at in starts
        )  # fmt: skip
        touch_intervals(cast.cluster.pk, starts)


def cells(cast: Cast, **wanted: object) -> dict[str, dict[dt.date, Cell]]:
    with scope(cast.cluster.pk):
        found = matrix(cast.cluster.pk, dt.date(2026, 10, 1), WARSAW, NOW, Wanted(**wanted), 1)  # type: ignore[arg-type]
    return {row.code: {cell.day: cell for cell in row.cells} for row in found.rows}


def lacking(cast: Cast) -> list[OwedPoint]:
    count_gaps(cast.cluster, NOW)
    with scope(cast.cluster.pk):
        return owed_points(cast.cluster.pk)


def test_days_are_as_long_as_they_are(cast: Cast) -> None:
    seller, buyer = cells(cast).values()
    assert (seller[FIRST].due, seller[FIRST].measured, seller[FIRST].state) == (96, 96, "measured")
    assert (seller[LONG].due, seller[LONG].measured) == (100, 100)
    assert (buyer[LONG].due, buyer[LONG].missing, buyer[LONG].state) == (100, 100, "missing")
    assert seller[FIRST - dt.timedelta(days=1)].state == "outside"
    # Of today only what is over is due: 10:07 local time.
    assert (seller[NOW.date()].due, seller[NOW.date()].missing) == (40, 40)
    assert seller[dt.date(2026, 10, 28)].state == "ahead"


def test_a_short_day_has_92(cast: Cast) -> None:
    with scope(cast.cluster.pk), connection.cursor() as cursor:
        cursor.execute("UPDATE metering_pointassignment SET valid_from = '2026-03-01'")
        found = matrix(cast.cluster.pk, dt.date(2026, 3, 1), WARSAW, NOW, Wanted(), 1)
    assert found.rows[0].cells[28].due == 92


def test_the_worst_quality_names_the_day_and_the_highest_version_holds(cast: Cast) -> None:
    start = span(FIRST)[0]
    deliver(cast, cast.buyer_point, *span(FIRST), quality=4, version=1)
    deliver(cast, cast.buyer_point, start, start + 10 * INTERVAL, quality=2)
    deliver(cast, cast.buyer_point, start, start + 2 * INTERVAL, quality=3, version=900_000_001)
    cell = cells(cast)[cast.buyer_point.code][FIRST]
    assert (cell.substituted, cell.split, cell.estimated, cell.measured) == (2, 8, 86, 0)
    assert cell.state == "estimated"


def test_owed_since_the_first_gap_and_gone_once_it_arrives(cast: Cast) -> None:
    start, end = span(FIRST)
    gap = start + 5 * INTERVAL
    deliver(cast, cast.buyer_point, start, gap)
    deliver(cast, cast.buyer_point, gap + INTERVAL, end)
    (found,) = lacking(cast)
    assert (found.code, found.since, found.missing) == (cast.buyer_point.code, gap, 1 + 100 + 96)
    deliver(cast, cast.buyer_point, gap, gap + INTERVAL, quality=4, version=1)
    (found,) = lacking(cast)
    assert (found.since, found.missing, found.estimated) == (gap, 196, 1)
    deliver(cast, cast.buyer_point, gap, gap + INTERVAL, quality=2)
    (found,) = lacking(cast)
    assert (found.since, found.missing) == (span(LONG)[0], 196)
    deliver(cast, cast.buyer_point, *span(LONG, 2))
    assert lacking(cast) == []


def test_only_what_has_changed_is_counted_again(cast: Cast) -> None:
    assert count_gaps(cast.cluster, NOW).days == (NOW.date() - NOON.date()).days  # The cast's first reading is of June.
    assert count_gaps(cast.cluster, NOW).days == 0
    deliver(cast, cast.buyer_point, *span(LONG))
    assert count_gaps(cast.cluster, NOW).days == 1
    assert count_gaps(cast.cluster, NOW + dt.timedelta(days=1)).days == 1


def test_who_leaves_owes_nothing_any_more(cast: Cast) -> None:
    """Also of a day of which nothing ever came, so that nothing tells of the change."""
    later = NOW + dt.timedelta(days=2)
    count_gaps(cast.cluster, later)
    with scope(cast.cluster.pk):
        cast.buyer_point.assignments.update(valid_to=LONG)
        touch_intervals(cast.cluster.pk, interval_starts(*span(LONG, 2)))
    count_gaps(cast.cluster, later)
    with scope(cast.cluster.pk):
        since = {row.code: (row.since, row.quarter_hours) for row in owed_points(cast.cluster.pk)}
    assert since[cast.buyer_point.code] == (span(FIRST)[0], 96)
    assert since[cast.seller_point.code] == (span(dt.date(2026, 10, 27))[0], 192)


def test_filters(cast: Cast) -> None:
    count_gaps(cast.cluster, NOW)
    assert set(cells(cast, only_gaps=True)) == {cast.buyer_point.code}
    assert set(cells(cast, search="P0001")) == {cast.seller_point.code}
    assert set(cells(cast, search=cast.buyer_point.code[-4:])) == {cast.buyer_point.code}
    assert cells(cast, search="%") == {} and cells(cast, owner="member") == {}
    with scope(cast.cluster.pk):
        root = GridNode.objects.get(parent=None)
    assert cells(cast, nodes=frozenset({root.pk})) == {}


def test_the_number_of_queries_does_not_grow(cast: Cast) -> None:
    def queries() -> int:
        with scope(cast.cluster.pk), CaptureQueriesContext(connection) as captured:
            found: Matrix = matrix(cast.cluster.pk, dt.date(2026, 10, 1), WARSAW, NOW, Wanted(), 1)
        assert found.points == len(found.rows)
        return len(captured)

    before = queries()
    with scope(cast.cluster.pk):
        row = cast.buyer_point.assignments.get()
        for number in range(5):
            row.pk = None
            code = f"5900000000009{number:05d}"
            row.metering_point = MeteringPoint.objects.create(cluster=cast.cluster, code=code)
            row.save(force_insert=True)
    assert queries() == before


def test_silent_days_until_they_are_estimated(cast: Cast) -> None:
    tomorrow = NOW + dt.timedelta(days=1)
    silent = dt.date(2026, 10, 27)
    count_gaps(cast.cluster, tomorrow)
    with scope(cast.cluster.pk):
        assert silent_days(cast.cluster.pk, [LONG, silent], [100, 96]) == [(silent, 2)]
    estimate_days(cast.cluster, [silent], tomorrow)
    count_gaps(cast.cluster, tomorrow)
    with scope(cast.cluster.pk):
        assert silent_days(cast.cluster.pk, [LONG, silent], [100, 96]) == []
        assert {row.code: row.estimated for row in owed_points(cast.cluster.pk)} == {
            cast.seller_point.code: 96, cast.buyer_point.code: 96,
        }  # fmt: skip


@pytest.fixture
def reader(cast: Cast) -> User:
    user = make_dso_user(cast.cluster.dso)
    User.objects.filter(pk=user.pk).update(language="en")
    count_gaps(cast.cluster, NOW)
    return user


def test_the_distributor_is_reminded_once_a_day_until_it_has_arrived(cast: Cast, reader: User) -> None:
    assert remind(cast.cluster, NOW) == 1
    assert remind(cast.cluster, NOW) == 0
    (message,) = mail.outbox
    assert message.to == [reader.email]
    assert message.subject == f"{cast.cluster.name}: readings are missing since 24/10/2026 00:00"
    assert f"{cast.buyer_point.code}: 292 quarter-hours" in message.body
    assert cast.seller_point.code not in message.body and "/dso/completeness/?cluster=alfa" in message.body
    assert remind(cast.cluster, NOW + dt.timedelta(days=1)) == 1
    deliver(cast, cast.buyer_point, *span(FIRST, 3))
    count_gaps(cast.cluster, NOW)
    assert remind(cast.cluster, NOW + dt.timedelta(days=2)) == 0
    assert len(mail.outbox) == 2


def test_in_the_readers_language(cast: Cast, reader: User) -> None:
    User.objects.filter(pk=reader.pk).update(language="pl")
    remind(cast.cluster, NOW)
    assert "brakuje odczytów od" in mail.outbox[0].subject


def test_not_before_the_hour_and_not_when_switched_off(cast: Cast, reader: User) -> None:
    with scope(cast.cluster.pk):
        setting = ReminderSetting.objects.create(cluster=cast.cluster, hour=11)
    assert remind(cast.cluster, NOW) == 0
    with scope(cast.cluster.pk):
        setting.hour, setting.on = 10, False
        setting.save()
    assert remind(cast.cluster, NOW) == 0
    with scope(cast.cluster.pk):
        setting.on = True
        setting.save()
    assert remind(cast.cluster, NOW) == 1


def test_each_owner_of_what_is_theirs(cast: Cast, reader: User) -> None:
    with scope(cast.cluster.pk):
        MeteringPoint.objects.filter(pk=cast.buyer_point.pk).update(readings_from="member")
        assert [row.owner for row in owed(cast.cluster.pk)] == ["member"]
    assert remind(cast.cluster, NOW) == 1
    assert [message.to for message in mail.outbox] == [[cast.colleague.email]]
    with scope(cast.cluster.pk):
        MeteringPoint.objects.filter(pk=cast.buyer_point.pk).update(readings_from="coordinator")
    assert remind(cast.cluster, NOW) == 1
    assert mail.outbox[1].to == [cast.coordinator.email] and "/admin/completeness/" in mail.outbox[1].body


def test_a_part_of_the_grid_is_told_of_its_own_only(cast: Cast, reader: User) -> None:
    DsoUser.objects.filter(user=reader).update(whole_grid=False)
    assert remind(cast.cluster, NOW) == 0
    with scope(cast.cluster.pk):
        DsoArea.objects.create(cluster=cast.cluster, user=reader, grid_node=GridNode.objects.get(code="ST-1"))
    assert remind(cast.cluster, NOW) == 1


def test_other_clusters_are_not_told(cast: Cast, reader: User) -> None:
    other = make_cast("beta", dso_name="Other Distribution")
    assert remind(other.cluster, NOW) == 0 and mail.outbox == []


def test_what_could_not_be_sent_is_tried_again(cast: Cast, reader: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> int:
        raise ConnectionRefusedError

    with monkeypatch.context() as broken:
        broken.setattr("metering.services.reminders.send_mail", down)
        assert remind(cast.cluster, NOW) == 0
    with scope(cast.cluster.pk):
        assert not Reminder.objects.exists()
    assert remind(cast.cluster, NOW) == 1
