"""The distributor's tariff books: uploaded, looked at, published; and who may only look."""

import datetime as dt
import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from openpyxl import Workbook, load_workbook

from contracts.models import TariffBook, TariffRate
from metering.models import DsoArea, GridNode
from participants.models import DsoKey, DsoUser, User
from participants.tenancy.scope import scope
from tests.cast import Cast, make_cast, make_dso_user
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db
EXAMPLE = Path(__file__).parents[2] / "demo" / "three-stations"
TARIFF = (EXAMPLE / "tariff.csv").read_text()
ZONES = (EXAMPLE / "tariff_zones.csv").read_text()
BOOKS = "/dso/tariffs/"
TODAY = dt.date.today()  # noqa: DTZ011
FIRST, NEXT = dt.date(TODAY.year, 1, 1), dt.date(TODAY.year + 1, 1, 1)


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


@pytest.fixture
def desk(cast: Cast) -> Client:
    """The distributor's browser."""
    return signed_in(make_dso_user(cast.cluster.dso))


def year(first: dt.date, tariff: str = TARIFF) -> str:
    """The example's rates for the year that begins on a day."""
    after = first.replace(year=first.year + 1)
    return tariff.replace("2027-01-01", after.isoformat()).replace("2026-01-01", first.isoformat())


def sent(name: str, data: str | bytes) -> io.BytesIO:
    file = io.BytesIO(data if isinstance(data, bytes) else data.encode())
    file.name = name
    return file


def upload(client: Client, tariff: str = "", zones: str = ZONES, **fields: Any) -> HttpResponse:
    files = [sent("tariff.csv", tariff or year(FIRST)), sent("tariff_zones.csv", zones)]
    return client.post(BOOKS, {"book": files, **fields}, follow=True)


def seen_on(page: HttpResponse) -> str:
    value: str = page.context["form"]["seen"].value()
    return value


def publish(client: Client, number: int, **fields: Any) -> HttpResponse:
    page = client.get(f"{BOOKS}{number}/")
    return client.post(f"{BOOKS}{number}/", {"publish": "1", "seen": seen_on(page), **fields}, follow=True)


def states() -> dict[int, str]:
    return dict(TariffBook.objects.order_by("number").values_list("number", "state"))


def test_a_first_book_is_uploaded_looked_at_and_published(cast: Cast, desk: Client) -> None:
    assert "No book holds today" in text_of(desk.get(BOOKS))
    page = upload(desk)
    text = text_of(page)
    assert page.redirect_chain[-1][0] == f"{BOOKS}1/"
    assert "Draft: nothing is wrong with it" in text and "The first book: nothing to compare it with" in text
    # What it means for members: a winter month of the G11 household, before anything is charged.
    assert "G11: household, 2,000 kWh a year" in text and "PLN 90.57" not in text and "90.57 PLN" in text
    assert states() == {1: "draft"}
    text = text_of(publish(desk, 1))
    assert "The book is published." in text and f"Holds from 1 January {FIRST.year} on" in text
    assert states() == {1: "published"}
    text = text_of(desk.get(BOOKS))
    assert f"“{FIRST.year}” " in text and "in force" in text


def test_mistakes_in_the_files_are_told_by_row_and_nothing_is_stored(desk: Client) -> None:
    spoiled = year(FIRST).replace("0.2841", "o.2841").replace("PLN/kWh,0.0558", "PLN/MWh,55.8")
    page = upload(desk, spoiled, ZONES.replace("13:00,15:00", "13:05,15:00", 1))
    text = text_of(page)
    assert not page.redirect_chain
    assert "3 mistakes in the files; nothing was stored" in text
    assert "tariff.csv 5 rate_net 'o.2841' is not a decimal number such as 0.25" in text
    assert "tariff.csv 6 unit 'PLN/MWh': rates are per kWh; divide the rate by 1000" in text
    assert "tariff_zones.csv 3 from '13:05' is not a time of day in quarter-hours" in text
    assert states() == {}


def test_a_gap_of_fifteen_minutes_stops_the_draft(desk: Client) -> None:
    text = text_of(upload(desk, zones=ZONES.replace("G12,day,1-12,all,06:00,13:00", "G12,day,1-12,all,06:15,13:00")))
    assert "Draft: 2 mistakes stop it" in text
    assert "tariff_zones.csv 4 from zones of group G12: gap at 06:00 to 06:15 on workdays" in text
    page = desk.post(f"{BOOKS}1/", {"publish": "1", "seen": "x"})
    assert page.status_code == 200 and states() == {1: "draft"}
    assert "The draft is discarded." in text_of(desk.post(f"{BOOKS}1/", {"discard": "1"}, follow=True))
    assert states() == {}


def test_what_stops_a_draft_names_the_rows_of_the_file_that_was_sent(desk: Client) -> None:
    # A price list as offices keep it: a title above the table, lines left empty, one workbook for all.
    book = Workbook()
    rates = book.active
    assert rates is not None
    rates.title = "tariff"
    zones = book.create_sheet("zones")
    for sheet, data in ((rates, year(FIRST)), (zones, ZONES.replace("06:00,13:00", "06:15,13:00", 1))):
        for row in data.splitlines():
            sheet.append(row.split(","))
        sheet.insert_rows(3, 5)
    stream = io.BytesIO()
    book.save(stream)
    page = desk.post(BOOKS, {"book": [sent("taryfa.xlsx", stream.getvalue())]}, follow=True)
    where = "taryfa.xlsx, sheet zones 9 from zones of group G12: gap at 06:00 to 06:15 on workdays"
    assert where in text_of(page)
    assert where in text_of(desk.get(f"{BOOKS}1/"))


def test_next_years_book_shows_what_changes_and_asks_what_is_unlikely(cast: Cast, desk: Client) -> None:
    upload(desk)
    publish(desk, 1)
    dearer = year(NEXT).replace("0.2464", "0.2600").replace("0.00730", "7.30")
    text = text_of(upload(desk, dearer, name="Next"))
    assert "Draft: 1 point to confirm" in text
    assert "from 0.0073 to 7.3 PLN/kWh: about 1000 times as much" in text
    assert "+5.5 %" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "30 rates stay as they are." in text
    # It is not published unless that is confirmed.
    refused = text_of(publish(desk, 2))
    assert "This field is required." in refused and states()[2] == "draft"
    text = text_of(publish(desk, 2, confirmed="on"))
    assert "The book is published." in text and states()[2] == "published"
    assert f"Holds from 1 January {NEXT.year} on" in text
    listed = text_of(desk.get(BOOKS))
    assert f"1/1/{FIRST.year}" in listed or "01/01" in listed


def test_a_component_that_is_gone_stops_the_draft(desk: Client) -> None:
    upload(desk)
    publish(desk, 1)
    lines = [line for line in year(NEXT).splitlines() if ",G12,,,,subscription," not in line]
    text = text_of(upload(desk, "\n".join(lines)))
    assert "component 'subscription' of group G12 is missing" in text or (
        "group G12 has no component 'subscription'" in text
    )
    assert "It can be published when its mistakes are corrected." in text


def test_a_group_that_members_use_can_not_be_left_out(cast: Cast, desk: Client) -> None:
    lines = [line for line in year(FIRST).splitlines() if ",G11," not in line]
    text = text_of(upload(desk, "\n".join(lines)))
    assert f"group G11, which points in Cluster alfa have, has no rate on {FIRST}; add it" in text


def test_pages_ask_the_database_as_often_for_many_books(
    desk: Client, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(1, 4):
        upload(desk, year(FIRST.replace(year=FIRST.year + number)))
        publish(desk, number)
    upload(desk, year(FIRST.replace(year=FIRST.year + 4)))
    with django_assert_max_num_queries(45):
        desk.get(BOOKS)
    with django_assert_max_num_queries(75):
        desk.get(f"{BOOKS}4/")


def test_a_correction_of_days_that_have_begun_needs_a_reason(desk: Client) -> None:
    upload(desk)
    publish(desk, 1)
    upload(desk, year(FIRST).replace("0.2464", "0.2500"), name="Corrected")
    text = text_of(publish(desk, 2))
    assert "Reason of the correction" in text and states()[2] == "draft"
    text = text_of(publish(desk, 2, reason="URE decision of 3 March"))
    assert "Reason of the correction: URE decision of 3 March" in text
    assert "1 quarter-hour is settled anew." in text
    assert f"Bills change and have to be made again: Cluster alfa from 01/01/{FIRST.year}." in text
    assert states()[2] == "published"
    # The one before stays as it was.
    assert "Replaced on all its days" in text_of(desk.get(f"{BOOKS}1/"))


def test_what_was_not_looked_at_is_not_published(desk: Client) -> None:
    upload(desk)
    text = text_of(desk.post(f"{BOOKS}1/", {"publish": "1", "seen": "another"}, follow=True))
    assert "Something has changed since you looked" in text and states() == {1: "draft"}
    publish(desk, 1)
    again = text_of(desk.post(f"{BOOKS}1/", {"publish": "1", "seen": "x"}, follow=True))
    assert "That was not possible any more: the book is published." in again
    assert "That was not possible" in text_of(desk.post(f"{BOOKS}1/", {"discard": "1"}, follow=True))
    assert states() == {1: "published"}


def test_a_workbook_comes_back_as_it_went_out(desk: Client) -> None:
    upload(desk)
    data = b"".join(desk.get(f"{BOOKS}1.xlsx"))  # type: ignore[arg-type]
    assert load_workbook(io.BytesIO(data)).sheetnames == ["tariff", "zones", "discounts"]
    page = desk.post(BOOKS, {"book": [sent("book.xlsx", data)], "name": "again"}, follow=True)
    assert "Draft: nothing is wrong with it" in text_of(page)
    one, other = (
        list(TariffRate.objects.filter(book__number=number).order_by("pk").values_list("group", "zone", "rate_net"))
        for number in (1, 2)
    )
    assert one == other
    csv = desk.get(f"{BOOKS}1/tariff.csv").content.decode()
    assert csv.splitlines()[1].startswith("Example Distribution,G11,")
    assert desk.get(f"{BOOKS}1/other.csv").status_code == 404
    example = desk.get(f"{BOOKS}example.xlsx")
    assert "Draft: nothing is wrong" in text_of(
        desk.post(BOOKS, {"book": [sent("e.xlsx", example.content)]}, follow=True)
    )


def test_files_too_many_or_too_large_are_refused(desk: Client) -> None:
    text = text_of(desk.post(BOOKS, {"book": [sent(f"{n}.csv", TARIFF) for n in range(4)]}))
    assert "These are 4 files; a book has at most 3." in text
    text = text_of(desk.post(BOOKS, {"book": [sent("t.csv", b"x" * (5 * 2**20 + 1))]}))
    assert "t.csv is larger than 5 MB; a tariff book is smaller." in text
    assert "This field is required." in text_of(desk.post(BOOKS, {}))
    assert states() == {}


def test_the_calendar_shows_zones_by_season_and_hour_with_prices(desk: Client) -> None:
    upload(desk)
    text = text_of(desk.get(f"{BOOKS}1/calendar/C13/"))
    assert "The grid costs 0.20 to 0.36 PLN/kWh, by the hour" in text and "0.36266 PLN/kWh" in text
    assert "October – March" in text and "April – September" in text
    assert "afternoon peak 16:00–21:00" in text and "afternoon peak 19:00–22:00" in text
    assert "capacity hours" in text and "× capacity factor" in text
    assert "the day has 23 hours; 02:00–03:00 (other hours) is left out." in text
    assert "the day has 25 hours; 02:00–03:00 (other hours) comes twice, both at that rate." in text
    assert "New Year's Day" in text
    assert "All year" in text_of(desk.get(f"{BOOKS}1/calendar/G12/"))
    assert "at any hour" in text_of(desk.get(f"{BOOKS}1/calendar/G11/"))
    assert desk.get(f"{BOOKS}1/calendar/*/").status_code == 404


def test_members_see_their_own_groups_week(cast: Cast, desk: Client) -> None:
    member = signed_in(cast.owner)
    assert "No tariff applies to you today" in text_of(member.get("/tariff/"))
    upload(desk)
    publish(desk, 1)
    text = text_of(member.get("/tariff/"))
    assert "Tariff group G11" in text and "The grid costs 0.29 PLN/kWh at any hour" in text
    assert member.get("/tariff/?group=C13").status_code == 404
    assert "/tariff/" in member.get("/money/").content.decode()
    assert desk.get("/tariff/").status_code == 403


def area_user(cast: Cast) -> User:
    user = make_dso_user(cast.cluster.dso, "area@example.org")
    DsoUser.objects.filter(user=user).update(whole_grid=False)
    with scope(cast.cluster.pk):
        DsoArea.objects.create(cluster=cast.cluster, user=user, grid_node=GridNode.objects.get(code="ST-1"))
    return user


def test_others_look_at_most_and_change_nothing(cast: Cast, desk: Client) -> None:
    upload(desk)
    publish(desk, 1)
    upload(desk, year(NEXT), name="Next")
    area, coordinator, member = signed_in(area_user(cast)), signed_in(cast.coordinator), signed_in(cast.owner)
    other = make_cast("bravo", dso_name="Other Distribution")
    stranger = signed_in(make_dso_user(other.cluster.dso, "other@example.org"))
    assert "Next" in text_of(area.get(BOOKS)) and "Upload a book" not in text_of(area.get(BOOKS))
    assert "Discard the draft" not in text_of(area.get(f"{BOOKS}2/"))
    # Coordinators see what is published.
    text = text_of(coordinator.get(BOOKS))
    assert "in force" in text and "Next" not in text and "Upload a book" not in text
    assert coordinator.get(f"{BOOKS}1/").status_code == 200
    assert coordinator.get(f"{BOOKS}1/calendar/C13/").status_code == 200
    assert coordinator.get(f"{BOOKS}2/").status_code == 404
    assert member.get(BOOKS).status_code == 403 and member.get(f"{BOOKS}1/").status_code == 403
    assert "No book holds today" in text_of(stranger.get(BOOKS))
    for path in (f"{BOOKS}1/", f"{BOOKS}2/", f"{BOOKS}1.xlsx", f"{BOOKS}1/tariff.csv", f"{BOOKS}1/calendar/C13/"):
        assert stranger.get(path).status_code == 404
    for client in (area, coordinator, member, stranger):
        for data in ({"publish": "1", "seen": "x"}, {"discard": "1"}):
            assert client.post(f"{BOOKS}2/", data).status_code in (403, 404)
        if client is not stranger:
            assert upload(client, year(NEXT)).status_code == 403
            assert client.get(f"{BOOKS}keys/").status_code == 403
            assert client.post(f"{BOOKS}keys/", {"name": "x"}).status_code == 403
    assert states() == {1: "published", 2: "draft"}
    assert not DsoKey.objects.exists()


def test_keys_are_shown_once_and_revoked(cast: Cast, desk: Client) -> None:
    page = desk.post(f"{BOOKS}keys/", {"name": "tariff desk"})
    token = page.context["token"]
    assert token.startswith("dso:") and token in page.content.decode()
    assert token not in desk.get(f"{BOOKS}keys/").content.decode()
    key = DsoKey.objects.get()
    assert token.removeprefix("dso:") not in repr(vars(key)) and key.created_by is not None
    other = make_cast("bravo", dso_name="Other Distribution")
    stranger = signed_in(make_dso_user(other.cluster.dso, "other@example.org"))
    assert "tariff desk" not in text_of(stranger.get(f"{BOOKS}keys/"))
    assert stranger.post(f"{BOOKS}keys/{key.pk}/revoke/").status_code == 404
    assert "never" in text_of(desk.get(f"{BOOKS}keys/"))
    assert "revoked on" in text_of(desk.post(f"{BOOKS}keys/{key.pk}/revoke/", follow=True))
    key.refresh_from_db()
    assert key.revoked_at is not None


@pytest.mark.django_db(transaction=True)
def test_of_two_who_publish_at_once_one_does(cast: Cast, desk: Client) -> None:
    upload(desk)
    seen = seen_on(desk.get(f"{BOOKS}1/"))
    other = signed_in(make_dso_user(cast.cluster.dso, "second@example.org"))
    texts: list[str] = []

    def send(client: Client) -> None:
        page = client.post(f"{BOOKS}1/", {"publish": "1", "seen": seen}, follow=True)
        texts.append(text_of(page))
        connection.close()

    threads = [threading.Thread(target=send, args=(client,)) for client in (desk, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted("The book is published." in text for text in texts) == [False, True], texts
    assert states() == {1: "published"}
