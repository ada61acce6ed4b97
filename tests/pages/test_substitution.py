"""Readings put in by hand: shown first, stored with a reason, and nothing that was measured is lost."""

import datetime as dt
import re

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from metering.models import IntervalInput, Reading, ReadingAccess, Substitution
from participants.tenancy.scope import scope
from tests.cast import NOON, Cast, make_cast, make_user
from tests.metering.delivering import deliver
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db
PAGE = "/admin/metering/substitution/add/"
LIST = "/admin/metering/substitution/"
#: NOON is 12:00 of the local clock.
TWO = {"starts": "2026-06-11 12:00", "ends": "2026-06-11 12:30"}


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


@pytest.fixture
def desk(cast: Cast) -> Client:
    return signed_in(cast.coordinator)


def asked(cast: Cast, **fields: object) -> dict[str, object]:
    return {"metering_point": cast.seller_point.pk, "how": "values", "reason": "Meter exchanged", **TWO, **fields}


def store(client: Client, data: dict[str, object]) -> HttpResponse:
    """Preview, then store what was shown."""
    preview = client.post(PAGE, data)
    shown = re.search(r'name="shown" value="(\w+)"', preview.content.decode())
    assert shown, text_of(preview)
    return client.post(PAGE, data | {"shown": shown[1]}, follow=True)


def rows(cast: Cast) -> list[tuple[dt.datetime, int, int, int]]:
    """Quarter-hour, imported, exported, quality of all that is stored of the seller's point, in order of version."""
    with scope(cast.cluster.pk):
        found = Reading.objects.filter(metering_point=cast.seller_point).order_by("interval_start", "version")
        return [(row.interval_start, row.imported_wh, row.exported_wh, row.quality) for row in found]


def test_values_are_shown_and_then_stored_beside_what_was_measured(cast: Cast, desk: Client) -> None:
    data = asked(cast, values="10;390\n0 400\n")
    preview = text_of(desk.post(PAGE, data))
    assert "Nothing is stored yet" in preview and "12:00 measured 0 10 400 390" in preview
    assert "12:15 – – 0 – 400" in preview
    assert rows(cast) == [(NOON, 0, 400, 1)]
    done = text_of(store(desk, data))
    assert "2 readings put in." in done and "Meter exchanged" in done
    later = NOON + dt.timedelta(minutes=15)
    assert rows(cast) == [(NOON, 0, 400, 1), (NOON, 10, 390, 3), (later, 0, 400, 3)]
    with scope(cast.cluster.pk):
        made = Substitution.objects.get()
        assert (made.readings, made.imported_wh, made.exported_wh, made.how) == (2, 10, 790, "values")
        assert made.issued_by == cast.coordinator and made.reason == "Meter exchanged"
        assert IntervalInput.objects.get(interval_start=NOON).changes == 2
        assert ReadingAccess.objects.filter(metering_point=cast.seller_point, purpose="point").exists()


def test_a_correction_that_is_issued_later_holds_again(cast: Cast, desk: Client) -> None:
    store(desk, asked(cast, values="10;390\n0;400"))
    code = cast.seller_point.code
    deliver(cast.cluster, [(code, NOON, 0, 1)], at=timezone.now() + dt.timedelta(hours=1))
    assert rows(cast)[:3] == [(NOON, 0, 400, 1), (NOON, 10, 390, 3), (NOON, 0, 1, 1)]


def test_it_holds_over_a_source_whose_clock_is_a_little_ahead(cast: Cast, desk: Client) -> None:
    code = cast.seller_point.code
    deliver(cast.cluster, [(code, NOON, 0, 401)], at=timezone.now() + dt.timedelta(seconds=30))
    store(desk, asked(cast, values="10;390\n0;400"))
    assert rows(cast)[2] == (NOON, 10, 390, 3)


def test_readings_are_estimated_as_if_nothing_had_come(cast: Cast, desk: Client) -> None:
    code = cast.seller_point.code
    around = [NOON + number * dt.timedelta(minutes=15) for number in (-1, 1, 2)]
    values = zip(around, (100, 9999, 400), strict=True)
    deliver(cast.cluster, [(code, start, 0, wh) for start, wh in values], at=NOON + dt.timedelta(days=1))
    done = text_of(store(desk, asked(cast, how="estimated")))
    assert "2 readings put in." in done and "estimated" in done
    assert [row[1:] for row in rows(cast) if row[3] == 3] == [(0, 200, 3), (0, 300, 3)]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"reason": " "}, "This field is required"),
        ({"values": "1;1"}, "2 values are needed, not 1."),
        ({"values": "1;1\n1;-2"}, "Line 2: two whole numbers"),
        ({"values": "1;1\n1;3000000000"}, "Line 2: two whole numbers"),
        ({"starts": "2026-06-11 12:05"}, "Quarter-hours begin at"),
        ({"starts": "11.06.2026"}, "Give day and time as in"),
        ({"starts": "2026-06-31 12:00"}, "Give day and time as in"),
        ({"ends": "2026-06-11 12:00"}, "The end must lie after the beginning."),
        ({"starts": "2099-06-11 12:00", "ends": "2099-06-11 12:15"}, "not over yet"),
        ({"starts": "2026-10-25 02:30"}, "The clocks change then"),
        ({"starts": "2026-03-29 02:30"}, "The clocks change then"),
        ({"starts": "2025-06-11 12:00"}, "At most 2980 quarter-hours at once"),
        ({"starts": "2025-06-11 12:00", "ends": "2025-06-11 12:30"}, "was not in the cluster all that time"),
        ({"metering_point": 0}, "Select a valid choice"),
    ],
)
def test_mistakes_are_told_and_nothing_is_stored(cast: Cast, desk: Client, fields: dict[str, str], told: str) -> None:
    data = asked(cast, values="10;390\n0;400") | fields
    assert told in text_of(desk.post(PAGE, data))
    assert len(rows(cast)) == 1


def test_the_hour_that_a_day_has_twice_is_given_in_utc(cast: Cast, desk: Client) -> None:
    times = {"starts": "2026-10-25T00:30Z", "ends": "2026-10-25T01:30Z"}
    done = store(desk, asked(cast, values="1;0\n2;0\n3;0\n4;0", **times))
    assert "4 readings put in." in text_of(done)


def test_what_has_changed_since_it_was_shown_is_shown_again(cast: Cast, desk: Client) -> None:
    data = asked(cast, values="10;390\n0;400")
    shown = re.search(r'name="shown" value="(\w+)"', desk.post(PAGE, data).content.decode())
    assert shown
    deliver(cast.cluster, [(cast.seller_point.code, NOON, 0, 7)], at=NOON + dt.timedelta(days=1))
    again = desk.post(PAGE, data | {"shown": shown[1]})
    assert "Nothing is stored yet" in text_of(again) and len(rows(cast)) == 2


def test_back_to_the_form_keeps_what_was_filled_in(cast: Cast, desk: Client) -> None:
    page = desk.post(PAGE, asked(cast, values="10;390\n0;400", change="Back"))
    assert "10;390" in page.content.decode() and "Nothing is stored yet" not in text_of(page)


def test_a_finding_leads_here_with_its_times_filled_in(cast: Cast, desk: Client) -> None:
    page = desk.get(PAGE, {"point": cast.seller_point.pk, "from": "2026-06-11T10:00:00Z", "to": "nonsense"})
    assert 'value="2026-06-11 12:00"' in page.content.decode()


def test_nobody_else_puts_readings_in(cast: Cast) -> None:
    other = make_cast("bravo")
    nobody = make_user("nobody@example.org")
    for user in (cast.owner, cast.colleague, nobody):
        assert "/login/" in signed_in(user).post(PAGE, asked(cast, values="1;1\n1;1"))["Location"]
    foreign = signed_in(other.coordinator).post(PAGE, asked(cast, values="1;1\n1;1"))
    assert "Select a valid choice" in text_of(foreign)
    assert len(rows(cast)) == 1


def test_what_was_put_in_is_listed_and_stays(cast: Cast, desk: Client) -> None:
    store(desk, asked(cast, values="10;390\n0;400"))
    assert "Meter exchanged" in text_of(desk.get(LIST))
    with scope(cast.cluster.pk):
        made = Substitution.objects.get()
    assert desk.post(f"{LIST}{made.pk}/change/", {"reason": "x"}).status_code == 403
    assert desk.post(f"{LIST}{made.pk}/delete/", {"post": "yes"}).status_code == 403
