"""One household and one company, computed by hand."""

import datetime as dt
from decimal import Decimal

import pytest

from billing.domain.errors import BillingError
from billing.domain.inputs import (
    BUY,
    SELL,
    BillingSlot,
    Charges,
    Member,
    PositionSums,
    SalePrice,
    Span,
    StandardSums,
    Terms,
    TradeSums,
)
from billing.domain.standard import Standard
from billing.domain.statement import build_statement
from contracts.domain.tariff import Profile, Rate, Slot, TariffBook, TariffError

JUNE, JULY = dt.date(2026, 6, 1), dt.date(2026, 7, 1)
MID_JUNE = dt.date(2026, 6, 16)
YEAR = dt.date(2026, 1, 1), dt.date(2027, 1, 1)
BOOK = TariffBook(
    rates=(
        Rate("G11", None, None, None, "network_variable", "flat", "PLN/kWh", 246_400, "discounted", *YEAR),
        Rate("G11", None, None, None, "res", "flat", "PLN/kWh", 7_300, "waived", *YEAR),
        Rate("G11", None, None, None, "network_fixed", "", "PLN/month", 10_860_000, "full", *YEAR),
        Rate("C13", None, None, None, "capacity", "peak", "PLN/kWh", 219_400, "full", *YEAR),
        Rate("C13", None, None, None, "quality", "flat", "PLN/kWh", 33_160, "full", *YEAR),
        Rate("C13", None, None, None, "network_fixed", "", "PLN/kW/month", 5_730_000, "full", *YEAR),
    ),
    zones=(),
    holidays=frozenset(),
)
G11 = Profile("G11", 3, 1808, Decimal(1), Decimal("14"))
C13 = Profile("C13", 3, 17940, Decimal("0.50"), Decimal("8"))
POINT = "590000000000000013"


def terms(charges=None, **changes):
    charges = charges or (Charges(JUNE, JULY, 20_000, 10_000, {"station": Decimal("0.25")}),)
    tariff = Slot((), ("peak",), YEAR[0])
    retail = {("Standard", "G11", "flat"): 502_000, ("Standard", "C13", "flat"): 600_000}
    values = {
        "first": JUNE, "end": JULY, "book": BOOK, "excise_micro": 5000, "vat_rate": Decimal("0.23"),
        "slots": tuple(BillingSlot(tariff, each, retail) for each in charges),
        "sale_prices": {"person": SalePrice(Decimal("138.85"), Decimal("1.23"))},
        "standards": (Standard("Standard"),),
    }  # fmt: skip
    return Terms(**values | changes)


def household_span(first=JUNE, end=JULY):
    """10 kWh bought locally at 0.40, 5 kWh outside at 0.50, 3 kWh sold locally at 0.40, 2 kWh outside at 0.30."""
    return Span(
        POINT, first, end, G11,
        (PositionSums(0, 10_000, 3_000, 5_000, 2_500_000_000, 2_000, 600_000_000, 7, -5),),
        (TradeSums(0, BUY, "station", 10_000, 4_000_000_000), TradeSums(0, SELL, "station", 3_000, 1_200_000_000)),
        (StandardSums(0, 0, 15_000, 5_000),),
    )  # fmt: skip


def amounts(statement):
    return {
        (line.side, line.component, line.sharing_level): (line.quantity_nano, line.amount_nano)
        for line in statement.lines
    }


def test_a_household_sees_each_component_by_sharing_level():
    statement = build_statement(Member("P1", "person", False), [household_span()], terms())
    kwh = 10**9
    assert amounts(statement) == {
        (BUY, "local_energy", "station"): (10 * kwh, 4_000_000_000),
        (BUY, "external_energy", "external"): (5 * kwh, 2_500_000_000),
        (BUY, "equalisation", ""): (15 * kwh, 7),
        (BUY, "excise", "station"): (10 * kwh, 50_000_000),
        (BUY, "excise", "external"): (5 * kwh, 25_000_000),
        (BUY, "service_fee", "station"): (10 * kwh, 200_000_000),
        (BUY, "service_fee", "external"): (5 * kwh, 100_000_000),
        (BUY, "network_variable", "station"): (10 * kwh, 1_848_000_000),
        (BUY, "network_variable", "external"): (5 * kwh, 1_232_000_000),
        (BUY, "res", "station"): (10 * kwh, 0),
        (BUY, "res", "external"): (5 * kwh, 36_500_000),
        (BUY, "network_fixed", ""): (kwh, 10_860_000_000),
        (SELL, "local_energy_sold", "station"): (3 * kwh, -1_200_000_000),
        (SELL, "external_energy_sold", "external"): (2 * kwh, -600_000_000),
        (SELL, "equalisation", ""): (5 * kwh, -5),
        (SELL, "service_fee", "station"): (3 * kwh, 30_000_000),
    }
    assert all(line.rate_from == JUNE and line.rate_to == JULY for line in statement.lines)


def test_a_household_compares_what_it_pays_with_vat_and_what_it_is_paid():
    buy, sell = build_statement(Member("P1", "person", False), [household_span()], terms()).promises
    # 15 kWh at 0.502 + 0.2464 + 0.0073 and 10.86 a month; 5 kWh at 0.13885 × 1.23; VAT on what is bought.
    assert (buy.basis, buy.standard_nano) == ("gross", round((15 * 755_700_000 + 10_860_000_000) * Decimal("1.23")))
    assert (buy.p2p_nano, buy.assurance_cents) == (round(20_851_500_007 * Decimal("1.23")), 0)
    assert (sell.basis, sell.standard_nano) == ("net", -853_927_500)
    assert (sell.p2p_nano, sell.assurance_cents) == (-1_770_000_005, 0)


def test_what_a_seller_misses_is_made_up_to_the_next_grosz():
    generous = terms(sale_prices={"person": SalePrice(Decimal("400.000"), Decimal("1"))})
    statement = build_statement(Member("P1", "person", True), [household_span()], generous)
    assert statement.promises[1].difference_nano == -2_000_000_000 + 1_770_000_005
    assert statement.promises[1].assurance_cents == 23
    line = statement.lines[-1]
    assert (line.side, line.component, line.metering_point, line.amount_nano) == (SELL, "assurance", "", -230_000_000)


def test_a_company_pays_by_kilowatt_and_capacity_factor_for_its_days_only():
    span = Span(
        POINT, MID_JUNE, JULY, C13,
        (PositionSums(0, 0, 0, 1_000, 500_000_000, 0, 0, 0, 0),), (), (StandardSums(0, 0, 1_000, 0),),
    )  # fmt: skip
    statement = build_statement(Member("P2", "company", True), [span], terms())
    found = amounts(statement)
    assert found[BUY, "capacity", "external"][1] == 109_700_000
    assert found[BUY, "network_fixed", ""] == (4 * 10**9, 4 * 5_730_000_000)
    assert {(line.rate_from, line.rate_to) for line in statement.lines} == {(MID_JUNE, JULY)}
    assert {line.unit for line in statement.lines} == {"kWh", "kW*month"}


def test_new_settings_split_only_the_lines_that_they_price():
    before = Charges(JUNE, MID_JUNE, 20_000, 0, {"station": Decimal("0.25")})
    after = Charges(MID_JUNE, dt.date(2026, 9, 1), 30_000, 0, {"station": Decimal("0.10")})
    span = Span(
        POINT, JUNE, JULY, G11, (),
        (TradeSums(0, BUY, "station", 1_000, 0), TradeSums(1, BUY, "station", 2_000, 0)), (),
    )  # fmt: skip
    statement = build_statement(Member("P1", "person", True), [span], terms((before, after)))
    lines = {(x.component, x.rate_from, x.rate_to): x.amount_nano for x in statement.lines if x.unit == "kWh"}
    assert lines == {
        ("local_energy", JUNE, JULY): 0,
        ("excise", JUNE, JULY): 15_000_000,
        ("service_fee", JUNE, MID_JUNE): 20_000_000,
        ("service_fee", MID_JUNE, JULY): 60_000_000,
        ("network_variable", JUNE, MID_JUNE): 184_800_000,
        ("network_variable", MID_JUNE, JULY): 2 * 221_760_000,
        ("res", JUNE, JULY): 0,
    }


def test_a_missing_price_or_discount_is_named():
    member = Member("P1", "person", False)
    with pytest.raises(BillingError, match="no standard sale price of 2026-06 for legal form 'person'"):
        build_statement(member, [household_span()], terms(sale_prices={}))
    no_retail = terms()
    slot = no_retail.slots[0]
    with pytest.raises(BillingError, match="no retail price of group 'G11', zone 'flat'"):
        build_statement(member, [household_span()], terms(slots=(BillingSlot(slot.tariff, slot.charges, {}),)))
    with pytest.raises(TariffError, match="no sharing discount for level 'station'"):
        build_statement(member, [household_span()], terms((Charges(JUNE, JULY, 0, 0, {}),)))
