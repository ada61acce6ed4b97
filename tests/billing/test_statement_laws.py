"""Laws of a month's statements over random clusters: the money adds up, and nobody is worse off."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.domain.inputs import (
    BUY,
    SELL,
    BillingSlot,
    Charges,
    Member,
    PositionSums,
    ReliefSums,
    SalePrice,
    Span,
    StandardSums,
    Terms,
    TradeSums,
)
from billing.domain.relief import ReliefTable
from billing.domain.standard import Standard
from billing.domain.statement import StatementDraft, build_statement
from contracts.domain.tariff import Profile, Rate, TariffBook
from contracts.domain.zones import ZoneRow

WARSAW = ZoneInfo("Europe/Warsaw")
START, END = dt.date(2026, 10, 1), dt.date(2026, 11, 1)
YEAR = dt.date(2026, 1, 1), dt.date(2027, 1, 1)
#: The month's 25-hour day, every quarter-hour of it.
LONG_DAY = [dt.datetime(2026, 10, 24, 22, tzinfo=dt.UTC) + i * dt.timedelta(minutes=15) for i in range(100)]
LEVELS = ("station", "substation", "cluster")
ENERGY = {"local_energy", "external_energy", "local_energy_sold", "external_energy_sold", "equalisation"}
SERVICES = {"excise", "service_fee", "assurance"}


def rate(group, component, zone, unit, micro, treatment):
    return Rate(group, None, None, None, component, zone, unit, micro, treatment, *YEAR)


BOOK = TariffBook(
    rates=(
        rate("A", "network", "flat", "PLN/kWh", 246_400, "discounted"),
        rate("A", "subscription", "", "PLN/month", 10_860_001, "full"),
        rate("B", "network", "day", "PLN/kWh", 284_100, "discounted"),
        rate("B", "network", "night", "PLN/kWh", 55_800, "discounted"),
        rate("B", "network_fixed", "", "PLN/kW/month", 5_730_000, "full"),
        rate("*", "quality", "flat", "PLN/kWh", 33_160, "full"),
        rate("*", "res", "flat", "PLN/kWh", 7_300, "waived"),
        rate("*", "cogeneration", "flat", "PLN/kWh", 3_000, "hourly"),
        rate("A", "transit", "flat", "PLN/kWh", 41_237, "hourly"),
        rate("B", "transit", "day", "PLN/kWh", 52_119, "hourly"),
        rate("B", "transit", "night", "PLN/kWh", 17_003, "hourly"),
        rate("B", "capacity", "peak", "PLN/kWh", 219_400, "full"),
    ),
    zones=(
        ZoneRow("B", "night", "1-12", "all", 22 * 60, 6 * 60),
        ZoneRow("B", "day", "1-12", "all", 6 * 60, 22 * 60),
        ZoneRow("*", "peak", "1-12", "all", 7 * 60, 22 * 60),
    ),
    holidays=frozenset(),
)
RETAIL = {
    (offer, group, zone): price + extra
    for offer, extra in (("Standard", 0), ("Own", 90_000))
    for group, zone, price in (("A", "flat", 502_000), ("B", "day", 544_700), ("B", "night", 414_600))
}
RELIEF = ReliefTable(
    START, END,
    {
        "cogeneration": ((Decimal(0), Decimal(1)),),
        "transit": tuple((Decimal(f"0.{6 + n}") if n < 4 else Decimal(1), Decimal(5 + 5 * n) / 100) for n in range(5)),
        # The trade waives this one: a step of it does nothing.
        "res": ((Decimal(0), Decimal(1)),),
    },
)  # fmt: skip
STANDARDS = (
    Standard("Standard"),
    Standard("Own", "hour", "market", Decimal("1.23"), floored=True),
    Standard("Standard", kind="fixed", factor=Decimal("0.9"), pln_mwh=Decimal("310.005")),
    Standard("Own", kind="month", pln_mwh=Decimal("-12.5"), floored=True),
)


@dataclass
class Point:
    code: str
    profile: Profile
    first: dt.date
    end: dt.date


@dataclass
class World:
    """A cluster's cleared intervals in plain sums, with what the whole of it dealt outside [nano-PLN]."""

    members: dict[Member, list[Span]]
    terms: Terms
    purchase: int = 0
    sale: int = 0
    bought_wh: int = 0
    sold_locally_wh: int = 0
    relieved: dict[tuple[str, int], int] = field(default_factory=dict)

    def statements(self) -> list[StatementDraft]:
        return [build_statement(member, spans, self.terms) for member, spans in self.members.items()]


@st.composite
def points(draw, number):
    group = draw(st.sampled_from("AB"))
    factor, power = draw(st.sampled_from(["0.50", "1", "0.333333"])), draw(st.integers(1000, 40_000))
    first = draw(st.integers(1, 31))
    profile = Profile(group, 3, 2000, Decimal(factor), Decimal(power) / 1000)
    end = START + dt.timedelta(days=draw(st.integers(first, 31)))
    return Point(f"59{number:016d}", profile, START + dt.timedelta(days=first - 1), end)


def zero_sum(draw, keys):
    """Random whole amounts that cancel out."""
    amounts = {key: draw(st.integers(-(10**9), 10**9)) for key in keys}
    if keys:
        amounts[keys[0]] -= sum(amounts.values())
    return amounts


@st.composite
def worlds(draw):
    terms, slot_of = draw(terms_and_slots())
    count = draw(st.integers(2, 5))
    owned = [draw(points(number)) for number in range(count)]
    sums = defaultdict(lambda: [0] * 8)
    trades = defaultdict(lambda: [0, 0])
    world = World({}, terms)
    for start in draw(st.lists(st.sampled_from(LONG_DAY), min_size=1, max_size=6, unique=True)):
        day, slot = start.astimezone(WARSAW).date(), slot_of[start]
        active = [p.code for p in owned if p.first <= day < p.end]
        net = {code: draw(st.integers(-3000, 3000)) for code in active}
        price, buy, sell = (draw(st.integers(-200_000, 900_000)) for _ in range(3))
        sellers = [[c, n] for c, n in net.items() if n > 0]
        buyers = [[c, -n] for c, n in net.items() if n < 0]
        rest = {code: abs(n) for code, n in net.items()}
        while sellers and buyers:
            wh = min(sellers[0][1], buyers[0][1])
            level = draw(st.sampled_from(LEVELS))
            for side, (code, _) in ((SELL, sellers[0]), (BUY, buyers[0])):
                entry = trades[code, slot, side, level]
                entry[0] += wh
                entry[1] += wh * price
                rest[code] -= wh
            world.sold_locally_wh += wh
            for queue in (sellers, buyers):
                queue[0][1] -= wh
                if not queue[0][1]:
                    queue.pop(0)
        bought_extra = zero_sum(draw, [c for c, n in net.items() if n < 0])
        sold_extra = zero_sum(draw, [c for c, n in net.items() if n > 0])
        for code, n in net.items():
            entry, outside = sums[code, slot], rest[code]
            if n < 0:
                changes = (-n - outside, 0, outside, outside * buy, 0, 0, bought_extra[code], 0)
                world.purchase += outside * buy
                world.bought_wh += -n
            else:
                changes = (0, n - outside, 0, 0, outside, outside * sell, 0, sold_extra.get(code, 0))
                world.sale += outside * sell
            sums[code, slot] = [a + b for a, b in zip(entry, changes, strict=True)]
    for number, point in enumerate(owned):
        member = Member(f"P{number}", draw(st.sampled_from(["person", "company"])), draw(st.booleans()))
        rows = [PositionSums(slot, *row) for (code, slot), row in sums.items() if code == point.code]
        own = [TradeSums(*key[1:], *row) for key, row in trades.items() if key[0] == point.code]
        kind = draw(st.integers(0, len(STANDARDS) - 1))
        standard, relief = [], []
        for r in rows:
            bought, sold = r.local_bought_wh + r.external_bought_wh, r.local_sold_wh + r.external_sold_wh
            market = sold * draw(st.integers(0, 900_000)) if STANDARDS[kind].kind == "market" else 0
            standard.append(StandardSums(r.slot, kind, bought, sold, market))
            relief.append(ReliefSums(r.slot, draw(st.integers(0, bought))))
            world.relieved[point.code, r.slot] = relief[-1].wh
        parts = tuple(map(tuple, (rows, own, standard, relief)))
        span = Span(point.code, point.first, point.end, point.profile, *parts)
        world.members[member] = [span]
    return world


@st.composite
def terms_and_slots(draw):
    discounts = dict(zip(LEVELS, sorted(draw(st.tuples(*[st.integers(0, 100)] * 3)), reverse=True), strict=True))
    charges = Charges(
        START, END, draw(st.integers(0, 50_000)), draw(st.integers(0, 50_000)),
        {level: Decimal(share) / 100 for level, share in discounts.items()},
    )  # fmt: skip
    index = BOOK.slot_index(LONG_DAY, WARSAW)
    slots = tuple(BillingSlot(slot, charges, RETAIL, RELIEF) for slot in index.slots)
    prices = {form: SalePrice(Decimal("138.85"), Decimal("1.23")) for form in ("person", "company")}
    share = Fraction(draw(st.sampled_from([0, 59, 60, 75, 99, 100])), 100)
    excise = draw(st.sampled_from([0, 5000]))
    terms = Terms(START, END, BOOK, slots, excise, Decimal("0.23"), prices, STANDARDS, share)
    return terms, {start: int(index.of[i]) for i, start in enumerate(LONG_DAY)}


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_all_lines_sum_to_what_the_coordinator_pays_and_passes_on(world):
    statements = world.statements()
    lines = [line for statement in statements for line in statement.lines]
    grid = sum(line.amount_nano for line in lines if line.component not in ENERGY | SERVICES)
    assurance = sum(promise.assurance_cents * 10**7 for s in statements for promise in s.promises)
    charges = world.terms.slots[0].charges
    fees = world.bought_wh * charges.buyer_fee_micro + world.sold_locally_wh * charges.seller_fee_micro
    excise = world.bought_wh * world.terms.excise_micro
    assert sum(s.amount_nano for s in statements) == (world.purchase - world.sale + grid + excise + fees - assurance)


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_what_the_members_are_not_charged_the_distributor_is_not_owed(world):
    """Each levy is waived by one rule only, by the trade or by the hour, and what is waived is on no line."""
    share = world.terms.self_consumption
    network = max((part for reached, part in RELIEF.steps["transit"] if reached <= share), default=Decimal(0))
    for statement, spans in zip(world.statements(), world.members.values(), strict=True):
        by_component = defaultdict(int)
        for line in statement.lines:
            by_component[line.component] += line.amount_nano
        owed = defaultdict(int)
        for span in spans:
            for row in span.positions:
                slot = world.terms.slots[row.slot].tariff
                night = slot.zone_of("B") == "night"
                transit = 41_237 if span.profile.group == "A" else 17_003 if night else 52_119
                bought = row.local_bought_wh + row.external_bought_wh
                hour = world.relieved[span.metering_point, row.slot]
                # Half up to a whole micro-PLN.
                owed["transit"] += bought * transit - hour * int(transit * network + Decimal("0.5"))
                owed["cogeneration"] += (bought - hour) * 3_000
                owed["res"] += row.external_bought_wh * 7_300
        for component in ("transit", "cogeneration", "res"):
            assert by_component[component] + by_component[f"{component}_relief"] == owed[component]
        assert by_component["res_relief"] == 0
        assert all(
            line.amount_nano < 0
            for line in statement.lines
            if line.component.endswith("_relief") and line.quantity_nano
        )


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_a_sale_is_compared_with_the_members_own_mechanism(world):
    listed = Decimal("138.85") * Decimal("1.23")
    for statement, (span,) in zip(world.statements(), world.members.values(), strict=True):
        rows = [row for row in span.standard if row.fed_in_wh]
        fed_in = sum(row.fed_in_wh for row in rows)
        kind = rows[0].standard if rows else 0
        worth = {
            0: fed_in * listed * 1000, 1: sum(row.sale_nano for row in rows) * Decimal("1.23"),
            2: fed_in * Decimal("310.005") * Decimal("0.9") * 1000, 3: Decimal(0),
        }[kind]  # fmt: skip
        assert statement.promises[1].standard_nano == -int(worth + Decimal("0.5"))


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_nobody_is_worse_off_on_either_side(world):
    for statement in world.statements():
        vat = Decimal(1) if statement.member.vat_payer else Decimal("1.23")
        for promise, factor in zip(statement.promises, (vat, Decimal(1)), strict=True):
            side = [line for line in statement.lines if line.side == promise.side]
            # Who is in the cluster is relieved by the hour with and without a P2P contract: not part of the comparison.
            compared = [line for line in side if not line.component.endswith("_relief")]
            before = sum(line.amount_nano for line in compared if line.component != "assurance")
            assured = -sum(line.amount_nano for line in side if line.component == "assurance")
            assert before * factor - assured <= promise.standard_nano + 1
            assert assured == promise.assurance_cents * 10**7
            # Nothing is given away: less than one grosz more than what was missing.
            assert assured == 0 or assured < promise.p2p_nano - promise.standard_nano + 10**7


@settings(max_examples=50, deadline=None)
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_the_sums_changes_nothing(world, random):
    for member, spans in world.members.items():
        (span,) = spans
        sums = (span.positions, span.trades, span.standard, span.relief)
        parts = [random.sample(rows, len(rows)) for rows in sums]
        shuffled = Span(span.metering_point, span.first, span.end, span.profile, *map(tuple, parts))
        one, other = (build_statement(member, [s], world.terms) for s in (span, shuffled))
        assert one.lines == other.lines
        assert one.content_digest == other.content_digest


@pytest.mark.parametrize("group", ["A", "B"])
@given(cuts=st.sets(st.integers(1, 30)))
def test_shares_of_a_month_sum_to_the_month(group, cuts):
    profile = Profile(group, 3, 2000, Decimal(1), Decimal("14.250"))
    terms = Terms(START, END, BOOK, (), 0, Decimal("0.23"), {}, STANDARDS)
    edges = [0, *sorted(cuts), 31]
    spans = [
        Span("590000000000000013", START + dt.timedelta(a), START + dt.timedelta(b), profile, (), (), ())
        for a, b in pairwise(edges)
    ]
    member = Member("P1", "person", False)
    parts, whole = (
        build_statement(member, spans, terms),
        build_statement(member, [Span("590000000000000013", START, END, profile, (), (), ())], terms),
    )
    for component in ("subscription", "network_fixed"):
        # Each share is rounded to 10⁻⁹ PLN.
        assert abs(parts.total_nano(component) - whole.total_nano(component)) * 2 <= len(spans)
    assert sum((line.rate_to - line.rate_from).days for line in parts.lines) == 31
