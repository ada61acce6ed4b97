"""What is asked before a book is published: findings with their rows, the difference, worked examples, the calendar."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from contracts.dataset.book_upload import SentFile, read_uploaded
from contracts.domain.book_calendar import clock_changes, month_ranges, seasons, zone_prices
from contracts.domain.book_difference import Difference, Said, difference
from contracts.domain.book_findings import Finding, book_findings
from contracts.domain.example_bills import Example, Prices, examples
from contracts.domain.tariff import Rate, TariffBook
from contracts.domain.typical_members import MEMBERS
from contracts.domain.zones import format_clock
from metering.domain.calendar import day_bounds, each_day, interval_starts, public_holidays
from tests.contracts.small_dataset import WARSAW

EXAMPLE = Path(__file__).parents[2] / "demo" / "three-stations"
FILES = [SentFile(name, (EXAMPLE / name).read_bytes()) for name in ("tariff.csv", "tariff_zones.csv")]
BOOK = read_uploaded(FILES, "Example Distribution")
RATES, ZONES = BOOK.rates.rows, BOOK.zones.rows
JANUARY, NEXT, END = date(2026, 1, 1), date(2027, 1, 1), date(2028, 1, 1)
LAST = Said(RATES, ZONES, {})
HOLIDAYS = public_holidays("PL")


def next_year(**changed: int) -> list[Rate]:
    """The example's book for 2027, some components at another rate [micro-PLN]."""
    return [
        replace(rate, valid_from=NEXT, valid_to=END, micro=changed.get(rate.component, rate.micro)) for rate in RATES
    ]


def found(rates: list[Rate], last: Sequence[Rate] = RATES, day: date = NEXT) -> list[Finding]:
    return list(book_findings(rates, day, last))


def texts(findings: list[Finding], mistake: bool) -> list[str]:
    return [f"{f.row} {f.column}: {f.text}" for f in findings if f.mistake == mistake]


def test_a_book_that_goes_on_as_before_has_no_findings_and_no_difference() -> None:
    assert found(next_year()) == []
    assert not difference(LAST, Said([*RATES, *next_year()], ZONES, {}), NEXT)
    assert difference(LAST, Said(next_year(), ZONES, {}), NEXT).unchanged == 32


def test_a_component_that_is_gone_is_a_mistake_at_its_groups_row() -> None:
    rates = [rate for rate in next_year() if (rate.group, rate.component) != ("G12", "subscription")]
    index = next(i for i, rate in enumerate(rates) if rate.group == "G12")
    assert texts(found(rates), True) == [
        f"{index} component: component 'subscription' of group G12 is missing; the book so far has it"
        " (give rate 0 if it ended)"
    ]
    # One that cost nothing may go.
    free = [
        replace(rate, micro=0) if (rate.group, rate.component) == ("G12", "subscription") else rate for rate in RATES
    ]
    assert texts(found(rates, free), True) == []
    # A charge of all groups may become one of each.
    each = [rate for rate in next_year() if rate.component != "quality"]
    quality = next(rate for rate in next_year() if rate.component == "quality")
    each += [replace(quality, group=group) for group in ("G11", "G12", "G12w", "C13")]
    assert found(each) == []


def test_a_group_that_is_gone_is_asked_for() -> None:
    rates = [rate for rate in next_year() if rate.group != "C13"]
    assert texts(found(rates), False)[0] == ("None group: group C13 of the book so far is missing; is it given up?")


@pytest.mark.parametrize(
    ("micro", "text"),
    [
        (33_160, ""),
        (49_000, ""),
        (50_000, "from 0.03316 to 0.05 PLN/kWh: +51 %; check it"),
        (15_000, "from 0.03316 to 0.015 PLN/kWh: -55 %; check it"),
        (340_000, "from 0.03316 to 0.34 PLN/kWh: about 10 times as much; is it another unit, such as per MWh?"),
        (34_000_000, "from 0.03316 to 34 PLN/kWh: about 1000 times as much; is it another unit, such as per MWh?"),
        (33, "from 0.03316 to 0.000033 PLN/kWh: about a 1000th of it; is it another unit?"),
        (0, "from 0.03316 to 0 PLN/kWh: -100 %; check it"),
    ],
)
def test_what_changes_a_lot_is_asked_back(micro: int, text: str) -> None:
    told = [finding.text for finding in found(next_year(quality=micro))]
    assert told == ([f"* quality flat: {text}"] if text else [])


def test_a_first_book_has_nothing_to_compare_with_but_prices_per_mwh_stand_out() -> None:
    rates = [replace(rate, micro=rate.micro * 1000) if rate.component == "res" else rate for rate in RATES]
    findings = found(rates, (), JANUARY)
    assert [finding.text for finding in findings] == [
        "* res flat: 7.3 PLN/kWh is a lot; is it a rate per MWh? Divide it by 1000"
    ]


def test_what_only_one_group_of_a_kind_lacks_is_asked_back() -> None:
    rates = [rate for rate in RATES if (rate.group, rate.component) != ("G12", "subscription")]
    findings = found(rates, (), JANUARY)
    assert [finding.text for finding in findings] == [
        "component 'subscription' is priced for the other groups but not for G12; is it missing?"
    ]


def changed(old: list[Rate], new: list[Rate], since: date = JANUARY) -> list[tuple[str, str, str | None, str | None]]:
    told: Difference = difference(Said(old, (), {}), Said(new, (), {}), since)
    return [
        (
            f"{c.key.group} {c.key.component}",
            f"{c.first}/{c.end}",
            *(str(r.micro) if r else None for r in (c.old, c.new)),
        )
        for c in told.rates
    ]


def test_the_difference_is_told_by_the_days_on_which_there_is_one() -> None:
    rate = Rate("G11", None, None, None, "quality", "flat", "PLN/kWh", 100, "full", JANUARY, NEXT)
    july, august = date(2026, 7, 1), date(2026, 8, 1)
    # Cut in two parts that say the same: nothing.
    assert changed([rate], [replace(rate, valid_to=july), replace(rate, valid_from=july)]) == []
    dearer = replace(rate, micro=150, valid_from=july, valid_to=august)
    assert changed([rate], [replace(rate, valid_to=july), dearer, replace(rate, valid_from=august)]) == [
        ("G11 quality", "2026-07-01/2026-08-01", "100", "150")
    ]
    # A new year: against what held before.
    assert changed([rate], [rate, replace(rate, micro=90, valid_from=NEXT, valid_to=END)]) == [
        ("G11 quality", "2027-01-01/2028-01-01", "100", "90")
    ]
    assert changed([rate], []) == [("G11 quality", "2026-01-01/2027-01-01", "100", None)]
    assert changed([rate], [rate, replace(rate, component="res")]) == [
        ("G11 res", "2026-01-01/2027-01-01", None, "100")
    ]
    assert changed([rate], [replace(rate, micro=90)], since=july)[0][1] == "2026-07-01/2027-01-01"
    told = difference(Said([rate], (), {}), Said([replace(rate, micro=90)], (), {}), JANUARY)
    assert told.rates[0].share == Decimal("-0.1")


def test_zones_and_discounts_differ_row_by_row() -> None:
    old = Said(RATES, ZONES, {"station": Decimal("0.25")})
    told = difference(old, Said(RATES, ZONES[1:], {"substation": Decimal("0.1")}), JANUARY)
    assert [(change.row.zone, change.added) for change in told.zones] == [("night", False)]
    assert [(c.level, c.old, c.new) for c in told.discounts] == [
        ("station", Decimal("0.25"), None), ("substation", None, Decimal("0.1")),
    ]  # fmt: skip


def example(group: str, month: int, new: list[Rate] | None = None) -> Example:
    prices = Prices(RATES, ZONES)
    made = examples(prices, Prices(new, ZONES) if new else prices, NEXT, HOLIDAYS, WARSAW, Decimal("0.23"))
    return next(e for e in made if e.group == group and e.month == date(2027, month, 1))


@pytest.mark.parametrize(("group", "month"), [("G11", 1), ("G12", 7), ("G12w", 1), ("G12w", 7), ("C13", 1), ("C13", 7)])
def test_an_example_bill_is_what_the_quarter_hours_add_up_to(group: str, month: int) -> None:
    """Counted anew, quarter-hour by quarter-hour, with the zones written out here."""
    bill = example(group, month)
    assert bill.new is not None and bill.old is not None
    starts = [
        start.astimezone(WARSAW)
        for day in each_day(date(2027, month, 1), date(2027, month + 1, 1))
        for start in interval_starts(*day_bounds(day, WARSAW))
    ]
    free = [t.weekday() >= 5 or t.date() in HOLIDAYS for t in starts]
    weights = [(bill.member.free if f else bill.member.workday)[t.hour] for t, f in zip(starts, free, strict=True)]
    by_zone: dict[str, int] = {}
    for t, f, weight in zip(starts, free, weights, strict=True):
        zone = _zone(group, month, t.hour, f)
        by_zone[zone] = by_zone.get(zone, 0) + weight
    variable = [line for line in bill.new.lines if line.component == "network_variable"]
    assert {line.zone for line in variable} == set(by_zone)
    for line in variable:
        share = Decimal(bill.wh) / 1000 * by_zone[line.zone] / sum(weights)
        assert abs(line.quantity - share) <= Decimal("0.001")
    assert sum(line.quantity for line in variable) == Decimal(bill.wh) / 1000
    assert bill.new.net == sum(line.net for line in bill.new.lines)
    assert bill.new.vat == round(bill.new.net * 23 / 100 + Decimal("0.000001"), 2)
    assert bill.new == bill.old


def _zone(group: str, month: int, hour: int, free: bool) -> str:
    if group == "G11":
        return "flat"
    night = hour >= 22 or hour < 6 or 13 <= hour < 15
    if group == "G12":
        return "night" if night else "day"
    if group == "G12w":
        return "offpeak" if night or free else "peak"
    if free:
        return "rest"
    afternoon = 19 <= hour < 22 if 4 <= month <= 9 else 16 <= hour < 21
    return "morning" if 7 <= hour < 13 else "afternoon" if afternoon else "rest"


def test_the_g11_household_pays_what_a_calculator_says() -> None:
    bill = example("G11", 1, next_year(quality=40_000))
    # 200 kWh: 49.28 variable, 6.63 quality, 1.46 res, 0.60 cogeneration; 10.86, 4.56 and 17.18 a month.
    assert bill.wh == 200_000
    assert bill.old is not None and bill.new is not None
    assert (bill.old.net, bill.old.vat, bill.old.gross) == (Decimal("90.57"), Decimal("20.83"), Decimal("111.40"))
    assert bill.new.net - bill.old.net == Decimal("1.37")
    assert [(c, o.net, n.net) for c, _, o, n in bill.rows() if o and n and o.net != n.net] == [
        ("quality", Decimal("6.63"), Decimal("8.00"))
    ]


def test_every_typical_member_has_a_whole_year() -> None:
    for member in MEMBERS:
        assert (len(member.months), len(member.workday), len(member.free)) == (12, 24, 24)


def test_the_calendar_has_the_seasons_and_hours_of_the_book() -> None:
    winter, summer = seasons("C13", ZONES, RATES)
    assert [month_ranges(season.months) for season in (winter, summer)] == [[(10, 3)], [(4, 9)]]
    assert [(format_clock(p.start), p.zone) for p in winter.workday] == [
        ("00:00", "rest"), ("07:00", "morning"), ("13:00", "rest"), ("16:00", "afternoon"), ("21:00", "rest"),
    ]  # fmt: skip
    assert [part.zone for part in winter.free] == ["rest"]
    name, workday, free = winter.surcharges[0]
    assert (name, [(p.start, p.end, p.zone) for p in workday if p.zone]) == ("capacity_hours", [(420, 1320, name)])
    assert [part.zone for part in free] == [""]
    # Households pay no capacity fee by the hour.
    assert seasons("G12", ZONES, RATES)[0].surcharges == ()
    assert len(seasons("G11", ZONES, RATES)) == 1


def test_the_calendar_agrees_with_the_book_on_every_quarter_hour_of_a_year() -> None:
    book = TariffBook(RATES, ZONES, HOLIDAYS)
    for group in ("G11", "G12", "G12w", "C13"):
        year = {month: season for season in seasons(group, ZONES, RATES) for month in season.months}
        assert set(year) == set(range(1, 13))
        for day in each_day(JANUARY, NEXT):
            for minute in range(0, 1440, 15):
                slot = book.slot(day, minute)
                season = year[day.month]
                assert season.zone_at(book.day_type(day), minute) == slot.zone_of(group)


def test_prices_of_the_zones_are_sums_of_the_rates() -> None:
    prices = {price.zone: price for price in zone_prices("C13", ZONES, RATES, JANUARY)}
    assert prices["morning"].micro == 215_500 + 33_160 + 7_300 + 3_000
    assert (prices["capacity_hours"].micro, prices["capacity_hours"].surcharge) == (219_400, True)
    by_phase = [replace(RATES[0], phases=1), replace(RATES[0], phases=3, micro=1)]
    assert [(p.phases, p.micro) for p in zone_prices("G11", ZONES, by_phase, JANUARY)] == [(1, 246_400), (3, 1)]


def test_the_days_on_which_the_clocks_change() -> None:
    year = seasons("G12", ZONES, RATES)
    told = clock_changes(year, HOLIDAYS, WARSAW, 366, JANUARY)
    assert [(c.day, c.hours, c.minute, c.zone) for c in told] == [
        (date(2026, 3, 29), 23, 120, "night"), (date(2026, 10, 25), 25, 120, "night"),
    ]  # fmt: skip
