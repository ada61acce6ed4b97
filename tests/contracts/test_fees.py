"""Grid fees of a metering point, from outside and at each sharing level."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.domain.fees import EXTERNAL, discount_problems, fee_table, level_fee
from contracts.domain.tariff import Profile, Rate, TariffBook, TariffError
from contracts.domain.zones import ZoneRow

YEAR = (date(2026, 1, 1), date(2027, 1, 1))
DISCOUNTS = {"station": Decimal("0.25"), "substation": Decimal("0.15"), "cluster": Decimal("0.05")}


def rate(group: str, component: str, zone: str, micro: int, treatment: str, unit: str = "PLN/kWh") -> Rate:
    return Rate(group, None, None, None, component, zone, unit, micro, treatment, *YEAR)


G11 = rate("G11", "network_variable", "flat", 246_400, "discounted")
BOOK = TariffBook(
    (
        G11,
        rate("C13", "network_variable", "flat", 152_700, "discounted"),
        rate("C13", "network_fixed", "", 5_730_000, "full", "PLN/kW/month"),
        rate("C13", "capacity", "capacity_hours", 219_400, "full"),
        rate("*", "quality", "flat", 33_160, "full"),
        rate("*", "res", "flat", 7_300, "waived"),
    ),
    (ZoneRow("*", "capacity_hours", "1-12", "workday", 7 * 60, 22 * 60),),
    frozenset(),
)
NOON = BOOK.slot(date(2026, 6, 15), 720)
NIGHT = BOOK.slot(date(2026, 6, 15), 0)


def profile(group: str = "G11", use: int = 2000, factor: str = "1", phases: int = 3) -> Profile:
    return Profile(group, phases, use, Decimal(factor), Decimal(8))


def test_a_local_kwh_is_discounted_or_waived_component_by_component() -> None:
    components = BOOK.kwh_components(profile(), NOON)
    assert level_fee(components, EXTERNAL, DISCOUNTS) == 246_400 + 33_160 + 7_300
    assert level_fee(components, "station", DISCOUNTS) == 184_800 + 33_160
    assert level_fee(components, "cluster", DISCOUNTS) == 234_080 + 33_160


def test_the_capacity_charge_falls_due_in_its_hours_times_the_points_factor() -> None:
    half = profile("C13", factor="0.5")
    assert level_fee(BOOK.kwh_components(half, NIGHT), EXTERNAL, {}) == 152_700 + 33_160 + 7_300
    assert level_fee(BOOK.kwh_components(half, NOON), EXTERNAL, {}) == 152_700 + 109_700 + 33_160 + 7_300


def test_a_rate_relieved_by_the_hour_is_no_matter_of_the_trade() -> None:
    book = TariffBook((G11, rate("*", "res", "flat", 7_300, "hourly")), (), ())
    components = book.kwh_components(profile(), book.slot(date(2026, 6, 15), 720))
    assert level_fee(components, "station", DISCOUNTS) == 184_800 + 7_300
    assert level_fee(components, EXTERNAL, DISCOUNTS) == 246_400 + 7_300


def test_a_discounted_rate_is_rounded_half_up_before_it_is_summed() -> None:
    book = TariffBook((rate("G", "a", "flat", 3, "discounted"), rate("G", "b", "flat", 3, "discounted")), (), ())
    slot = book.slot(date(2026, 6, 15), 0)
    half = {"station": Decimal("0.5")}
    assert level_fee(book.kwh_components(profile("G"), slot), "station", half) == 2 + 2


def test_the_table_says_the_same_as_the_single_fees() -> None:
    profiles = [profile(), profile("C13", factor="0.5"), profile("C13", factor="1"), profile(use=99)]
    table = fee_table(BOOK, profiles, [NIGHT, NOON], list(DISCOUNTS), DISCOUNTS)
    for p, point in enumerate(profiles):
        for s, slot in enumerate([NIGHT, NOON]):
            components = BOOK.kwh_components(point, slot)
            assert table.external[p, s] == level_fee(components, EXTERNAL, DISCOUNTS)
            for number, level in enumerate(DISCOUNTS):
                assert table.local[p, s, number] == level_fee(components, level, DISCOUNTS)


@given(st.decimals(0, 1, places=4), st.decimals(0, 1, places=4), st.integers(0, 10**6))
def test_a_larger_discount_never_costs_more(one: Decimal, other: Decimal, micro: int) -> None:
    book = TariffBook((rate("G", "a", "flat", micro, "discounted"),), (), ())
    components = book.kwh_components(profile("G"), book.slot(date(2026, 6, 15), 0))
    near, far = max(one, other), min(one, other)
    fees = [level_fee(components, level, {"near": near, "far": far}) for level in ("near", "far", EXTERNAL)]
    assert fees == sorted(fees)


def test_the_bracket_is_chosen_by_yearly_use() -> None:
    steps = [(0, 500, 4_290_000), (500, 1200, 10_310_000), (1200, None, 17_180_000)]
    book = TariffBook(
        tuple(Rate("G", None, low, high, "capacity", "", "PLN/month", m, "full", *YEAR) for low, high, m in steps),
        (),
        (),
    )

    def monthly(use: int) -> list[int]:
        return [c.micro for c in book.monthly_components(profile("G", use), date(2026, 6, 1), date(2026, 7, 1))]

    assert [monthly(use) for use in (0, 499, 500, 1199, 1200)] == [
        [4_290_000], [4_290_000], [10_310_000], [10_310_000], [17_180_000]
    ]  # fmt: skip


def test_a_monthly_rate_that_changes_applies_by_days() -> None:
    old = Rate("G", None, None, None, "fixed", "", "PLN/month", 10, "full", date(2026, 1, 1), date(2026, 6, 11))
    new = Rate("G", None, None, None, "fixed", "", "PLN/month", 20, "full", date(2026, 6, 11), None)
    found = TariffBook((old, new), (), ()).monthly_components(profile("G"), date(2026, 6, 1), date(2026, 7, 1))
    assert [(c.micro, c.first, c.end) for c in found] == [
        (10, date(2026, 6, 1), date(2026, 6, 11)),
        (20, date(2026, 6, 11), date(2026, 7, 1)),
    ]


def test_a_slot_tells_rates_before_and_after_a_change() -> None:
    book = TariffBook(
        (
            Rate("G", None, None, None, "a", "flat", "PLN/kWh", 10, "full", date(2026, 1, 1), date(2026, 6, 11)),
            Rate("G", None, None, None, "a", "flat", "PLN/kWh", 20, "full", date(2026, 6, 11), None),
        ),
        (),
        (),
    )
    fees = [
        level_fee(book.kwh_components(profile("G"), book.slot(date(2026, 6, day), 0)), EXTERNAL, {}) for day in (10, 11)
    ]
    assert fees == [10, 20]


def test_what_the_book_does_not_have_is_an_error() -> None:
    with pytest.raises(TariffError, match="B21"):
        BOOK.kwh_components(profile("B21"), NOON)
    with pytest.raises(TariffError, match="2027"):
        BOOK.kwh_components(profile(), BOOK.slot(date(2027, 6, 1), 0))
    with pytest.raises(TariffError, match="region"):
        level_fee(BOOK.kwh_components(profile(), NOON), "region", DISCOUNTS)


GRID = {"ROOT": None, "SUB": "ROOT", "ST": "SUB"}
LEVELS = {"ROOT": "cluster", "SUB": "substation", "ST": "station"}


@pytest.mark.parametrize(
    ("discounts", "text"),
    [
        (DISCOUNTS | {"cluster": Decimal("0.2")}, "grows with distance"),
        (DISCOUNTS | {"station": Decimal("0.1")}, "grows with distance"),
        (DISCOUNTS | {"station": Decimal("1.1")}, "between 0 and 1"),
        ({"station": Decimal("0.25"), "cluster": Decimal(0)}, "level 'substation' of the grid has no sharing discount"),
    ],
)
def test_discounts_that_do_not_suit_the_grid_are_told(discounts: dict[str, Decimal], text: str) -> None:
    assert any(text in str(problem) for problem in discount_problems(GRID, LEVELS, discounts))


def test_equal_discounts_suit_the_grid() -> None:
    assert list(discount_problems(GRID, LEVELS, dict.fromkeys(DISCOUNTS, Decimal("0.1")))) == []
