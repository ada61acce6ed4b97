"""What a member reads on the pages."""

import datetime as dt

import pytest

from clearing.models import IntervalState
from contracts.models import Contract
from metering.models import PointAssignment
from participants.tenancy.scope import scope
from tests.cast import NOON, Cast, make_cast
from tests.pages.scenes import add_members, add_point, bill, settle, signed_in, text_of

pytestmark = pytest.mark.django_db
QUARTER = dt.timedelta(minutes=15)


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


def read(cast: Cast, address: str = "/", language: str = "en") -> str:
    response = signed_in(cast.owner, language).get(address)
    assert response.status_code == 200
    return text_of(response)


def nothing_settled(cast: Cast) -> None:
    IntervalState.objects.filter(cluster=cast.cluster).update(run=None, waits_for="readings")


def test_home_says_what_was_fed_in_and_to_whom(cast: Cast) -> None:
    text = read(cast)
    assert "What you fed in · 0.400 kWh" in text
    assert "to neighbours 0.300 kWh" in text
    assert "sold outside 0.100 kWh" in text
    # 300 Wh at 0.25 and 100 Wh at 0.20.
    assert "Your average energy price, sold 0.238 PLN/kWh" in text
    assert "Local price 0.250 PLN/kWh" in text
    page = signed_in(cast.owner).get("/").content.decode().replace("\xa0", " ")
    assert 'data-label="12:00–12:15: to neighbours 0.300 kWh, sold outside 0.100 kWh"' in page


def test_home_in_polish_writes_numbers_the_polish_way(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        settle(cast, NOON + QUARTER, {cast.seller_point: 12_345_678}, {cast.buyer_point: 1})
    response = signed_in(cast.owner, "pl").get("/")
    assert '<html lang="pl">' in response.content.decode()
    assert "Oddane · 12 346 kWh" in text_of(response)
    assert "Czwartek 11 czerwca 2026, kwadranse" in text_of(response)


def test_the_month_that_was_billed_comes_first(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        bill(cast, cast.seller)
    text = read(cast)
    assert "Saved in June 2026, against the standard tariff" in text
    # 2.00 + 1.00 better, and 0.25 of assurance.
    assert "3.25 PLN" in text
    assert "You bought 23 % cheaper and sold 33 % dearer than under the standard tariff." in text
    assert "Standard tariff 10.00 PLN In the cluster 7.75 PLN" in text
    assert "3.50 PLN you pay, net of VAT" in text


def test_a_month_without_statement_says_so(cast: Cast) -> None:
    assert "Not billed yet" in read(cast)
    assert "Not billed yet" in read(cast, "/money/")


def test_money_shows_the_lines_and_both_promises(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        bill(cast, cast.seller)
    text = read(cast, "/money/")
    assert "Energy from neighbours 2.50 PLN" in text
    assert "same station · all day 10.000 kWh 2.50 PLN" in text
    assert "Grid fee, fixed 5.25 PLN 1 month" in text
    assert "Assurance: so that you are never worse off · buying −0.25 PLN" in text
    assert "Energy sold to neighbours −4.00 PLN" in text
    assert "income negative) 3.50 PLN" in text
    assert "after an assurance of 0.25 PLN" in text


def test_home_tells_of_the_running_month_beside_the_billed_one(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        bill(cast, cast.seller)
        settle(cast, dt.datetime(2026, 11, 22, 11, 45, tzinfo=dt.UTC), {cast.seller_point: 500}, {cast.buyer_point: 9})
    text = read(cast)
    assert "Saved in June 2026" in text
    assert "November so far fed in 0.500 kWh" in text
    assert "The cluster, 12:45 – 13:00" in text
    assert "You feed in 2.0 kW" in text


def test_only_the_newest_revision_of_a_statement_counts(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        first = bill(cast, cast.seller)
        second = bill(cast, cast.seller, revision=2)
        assert second.replaces == first
    text = read(cast, "/money/")
    assert "revision 2" in text
    assert text.count("Energy from neighbours") == 1


def test_the_lines_can_be_taken_along_as_csv(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        bill(cast, cast.seller)
    response = signed_in(cast.owner).get("/money/2026-06.csv")
    assert response["Content-Type"].startswith("text/csv")
    lines = response.content.decode().splitlines()
    assert lines[0].startswith("period,participant,metering_point,component,zone,sharing_level,rate_from,rate_to")
    assert lines[1] == (
        "2026-06,P0001,590000000000000013,local_energy,flat,station,2026-06-01,2026-07-01,10.000,kWh,2.500000000,2.50"
    )
    assert len(lines) == 5
    assert signed_in(cast.colleague).get("/money/2026-06.csv").status_code == 404
    assert signed_in(cast.owner).get("/money/2026-07.csv").status_code == 404


def test_trades_show_the_other_side_without_naming_it(cast: Cast) -> None:
    text = read(cast, "/trades/")
    assert "0.300 kWh with 1 neighbour" in text
    assert "Sold to neighbours 0.300 kWh · 0.08 PLN" in text
    assert "same station 0.300 0.250 +0.075" in text
    assert cast.buyer_point.code not in text
    assert cast.buyer.code not in text
    assert cast.buyer.name not in text
    assert str(cast.buyer_point.pk) not in text.split("Buyer ")[1].split()[0]


def test_no_page_names_another_member(cast: Cast) -> None:
    others = add_members(cast, 6)
    with scope(cast.cluster.pk):
        settle(cast, NOON + QUARTER, {cast.seller_point: 500, others[0]: 300}, {cast.buyer_point: 400, others[1]: 200})
        bill(cast, cast.buyer)
    for page in ("/", "/energy/", "/trades/", "/money/", "/cluster/", "/now/"):
        text = read(cast, page)
        for secret in (cast.buyer.name, cast.buyer.code, cast.buyer_point.code, others[0].code, "Extra 0", "M0000"):
            assert secret not in text, (page, secret)


def test_a_replaced_run_counts_no_more(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        settle(cast, NOON, {cast.seller_point: 700}, {cast.buyer_point: 600}, revision=2)
    assert "What you fed in · 0.700 kWh" in read(cast)
    assert "0.600 kWh with 1 neighbour" in read(cast, "/trades/")


def test_several_metering_points_are_summed(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        second = add_point(cast, cast.seller, "590000000000000990", 5)
        settle(cast, NOON + QUARTER, {cast.seller_point: 500, second: 1000}, {cast.buyer_point: 100})
    assert "What you fed in · 1.900 kWh" in read(cast)


def test_a_metering_point_counts_while_it_is_the_members_own(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        PointAssignment.objects.filter(metering_point=cast.seller_point).update(valid_to=dt.date(2026, 6, 12))
        settle(cast, NOON + dt.timedelta(days=1), {cast.seller_point: 5000}, {cast.buyer_point: 100})
    assert "What you fed in · 0.400 kWh" in read(cast, "/?month=2026-06")
    assert "Nothing is settled for you on this day" in read(cast, "/?day=2026-06-12")


def test_sums_of_the_cluster_need_five_trading_points(cast: Cast) -> None:
    few = read(cast)
    assert "Too few members trade to show sums" in few
    assert "All members drew" not in few
    assert "Too few members trade" in read(cast, "/cluster/")
    add_members(cast, 4)
    enough = read(cast)
    assert "All members fed in 1.6 kW" in enough
    assert "All members drew 1.2 kW" in enough
    assert "Traded inside 100 % of demand" in enough
    assert "Next clearing in 11 min" in enough
    assert "100 % of what members needed came from neighbours" in read(cast, "/cluster/")
    energy = read(cast, "/energy/")
    assert "You Cluster Fed in 0.400 kWh 0.400 kWh" in energy
    assert "Drawn 0 kW 1.2 kW" in energy


def test_one_day_with_too_few_members_hides_the_sums_of_its_month(cast: Cast) -> None:
    for point in add_members(cast, 4):
        with scope(cast.cluster.pk):
            PointAssignment.objects.filter(metering_point=point).update(valid_from=dt.date(2026, 6, 11))
    assert "All members drew 1.2 kW" in read(cast)
    assert "Too few members trade" in read(cast, "/cluster/")
    assert "What You Fed in 0.400 kWh to neighbours 0.300 kWh" in read(cast, "/energy/")


def test_who_does_not_trade_sees_the_meter(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        Contract.objects.filter(participant=cast.buyer).update(scheme="standard")
        nothing_settled(cast)
    text = text_of(signed_in(cast.colleague).get("/?month=2026-06"))
    assert "You do not trade in the cluster" in text
    assert "Drawn from the grid 0.300 kWh" in text
    assert "Fed into the grid 0 kWh" in text


def test_an_empty_cluster_has_words_for_it(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        nothing_settled(cast)
    for page, words in (
        ("/", "No quarter-hour is settled yet"),
        ("/energy/", "No readings of yours are settled in this month yet."),
        ("/trades/", "No trade with a neighbour on this day."),
        ("/cluster/", "Nothing is settled in this month yet."),
    ):
        assert words in read(cast, page)


def test_days_are_left_and_reached_where_something_is_settled(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        settle(cast, NOON - dt.timedelta(days=9), {cast.seller_point: 100}, {cast.buyer_point: 100})
    page = signed_in(cast.owner).get("/trades/").content.decode()
    assert 'href="?day=2026-06-02"' in page
    page = signed_in(cast.owner).get("/trades/?day=2026-06-02").content.decode()
    assert 'href="?day=2026-06-11"' in page


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2026-06-11"])
def test_days_of_92_96_and_100_quarter_hours_are_plotted(cast: Cast, day: str) -> None:
    page = signed_in(cast.owner).get(f"/energy/?day={day}")
    assert page.status_code == 200
    chart = page.context["day_chart"]
    assert len(chart.bars) == {"2026-03-29": 92, "2026-10-25": 100, "2026-06-11": 96}[day]


@pytest.mark.parametrize("query", ["day=nonsense", "day=9999-12-31", "month=0000-01", "month=x", "page=0"])
def test_an_address_that_cannot_be_read_shows_the_newest(cast: Cast, query: str) -> None:
    assert "0.300 kWh with 1 neighbour" in read(cast, f"/trades/?{query}")


def test_trades_come_in_pages(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        for number in range(1, 56):
            start = NOON - dt.timedelta(hours=7) + number * QUARTER
            if start != NOON:
                settle(cast, start, {cast.seller_point: 100}, {cast.buyer_point: 100})
    first, second = read(cast, "/trades/"), read(cast, "/trades/?day=2026-06-11&page=2")
    assert "page 1 of 2" in first
    assert first.count("Buyer ") == 50
    assert second.count("Buyer ") == 5
    assert signed_in(cast.owner).get("/trades/?page=3").status_code == 404
