"""The statutory relief by the hour, computed a second time from the readings; the days of 23 and 25 hours."""

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import pytest
from django.core.management import call_command

from billing.models import Promise, ReliefMonth, StatementLine
from billing.selectors.statements import current_statements
from billing.selectors.terms import month_of
from billing.services.statements import bill_period
from clearing.services import clear_due
from contracts.models import ReliefStep
from metering.models import Reading
from metering.services.inputs import touch_intervals
from participants.tenancy.scope import scope
from tests.billing.hourly_scene import (
    GAS,
    LEVIES,
    NETWORK,
    NOW,
    OTHER,
    TRADERS,
    WARSAW,
    ZONED,
    Scene,
    make_scene,
)
from tests.billing.recompute import half_up

pytestmark = pytest.mark.django_db
#: Self-consumption reached → share of the network's variable rate.
STEPS = (("0.6", "0.05"), ("0.7", "0.10"), ("0.8", "0.15"), ("0.9", "0.20"), ("1", "0.25"))
LONG, SHORT = dt.date(2026, 10, 25), dt.date(2026, 3, 29)


def grant(scene: Scene, **dates: dt.date) -> None:
    """The statutory steps, in force on some days."""
    steps = [("network_variable", *step) for step in STEPS] + [(component, "0", "1") for component in LEVIES]
    with scope(scene.cluster.pk):
        for component, reached, waived in steps:
            ReliefStep.objects.create(
                cluster=scene.cluster, component=component, self_consumption_from=Decimal(reached),
                waived=Decimal(waived), **{"valid_from": dt.date(2024, 1, 1), **dates},
            )  # fmt: skip


def bill(scene: Scene):
    return bill_period(scene.cluster, scene.period, NOW)


def shared(scene: Scene) -> tuple[dict[str, dict[dt.datetime, Fraction]], int, int]:
    """Second way: each point's Wh of shared energy by quarter-hour's zone part, all that was shared, and injected."""
    hours = defaultdict(list)
    for start in scene.starts:
        hours[scene.hour(start)].append(start)
    given: dict[str, dict[dt.datetime, Fraction]] = {code: {} for code in scene.nets}
    all_shared = all_injected = 0
    for starts in hours.values():
        drawn = {code: sum(max(0, -nets[at]) for at in starts) for code, nets in scene.nets.items()}
        injected = sum(max(0, nets[at]) for code, nets in scene.nets.items() if code != GAS for at in starts)
        total, pot = sum(drawn.values()), min(sum(drawn.values()), injected)
        all_shared, all_injected = all_shared + pot, all_injected + injected
        exact = {code: Fraction(pot * wh, total) if total else Fraction(0) for code, wh in drawn.items()}
        whole = {code: int(share) for code, share in exact.items()}
        by_rest = sorted(exact, key=lambda code: (whole[code] - exact[code], code))
        for code in by_rest[: pot - sum(whole.values())]:
            whole[code] += 1
        assert sum(whole.values()) == pot
        assert all(whole[code] <= drawn[code] for code in drawn)
        for code, wh in whole.items():
            so_far = before = 0
            for at in starts:
                so_far += max(0, -scene.nets[code][at])
                upto = wh * so_far // drawn[code] if drawn[code] else 0
                given[code][at] = Fraction(upto - before)
                before = upto
    return given, all_shared, all_injected


def expected_lines(scene: Scene, share: Fraction) -> dict[tuple[str, str, str], list[Fraction]]:
    given, _, _ = shared(scene)
    waived = max((Fraction(part) for reached, part in STEPS if Fraction(reached) <= share), default=Fraction(0))
    lines: dict[tuple[str, str, str], list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])
    for code in TRADERS:
        for at, wh in given[code].items():
            local = at.astimezone(WARSAW)
            minutes = local.hour * 60 + local.minute
            day = 360 <= minutes < 810 or 900 <= minutes < 1320
            group, zone = ("G12", "day" if day else "night") if code == ZONED else ("G11", "flat")
            parts = [("network_variable", zone, half_up(Fraction(NETWORK[group, zone]) * waived, 6))]
            parts += [(component, "flat", Fraction(rate)) for component, rate in LEVIES.items()]
            for component, place, price in parts:
                if wh and price:
                    entry = lines[code, f"{component}_relief", place]
                    entry[0] += wh / 1000
                    entry[1] -= wh / 1000 * price
    return dict(lines)


def stored_lines(scene: Scene) -> dict[tuple[str, str, str], list[Fraction]]:
    lines: dict[tuple[str, str, str], list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])
    with scope(scene.cluster.pk):
        revision = StatementLine.objects.order_by("-statement__revision").first().statement.revision
        rows = StatementLine.objects.filter(component__endswith="_relief", statement__revision=revision)
        for row in rows.select_related("metering_point"):
            entry = lines[row.metering_point.code, row.component, row.zone]
            entry[0] += Fraction(row.quantity)
            entry[1] += Fraction(row.amount_exact_pln)
            assert (row.side, row.sharing_level, row.unit) == ("buy", "", "kWh")
    return dict(lines)


@pytest.mark.parametrize(("day", "seed", "intervals"), [(LONG, 7, 196), (SHORT, 11, 188)])
def test_relief_is_what_the_readings_say(day, seed, intervals):
    scene = make_scene(day, seed)
    assert len(scene.starts) == intervals
    grant(scene)
    report = bill(scene)
    _, all_shared, all_injected = shared(scene)
    share = Fraction(all_shared, all_injected)
    assert 0.6 < share < 1
    assert stored_lines(scene) == expected_lines(scene, share)
    assert report.relief.shared_wh == all_shared
    assert report.relief.injected_wh == all_injected
    assert report.relief.missing_readings == 0
    given, _, _ = shared(scene)
    assert report.relief.given_wh == sum(sum(given[code].values()) for code in TRADERS)
    assert Fraction(report.relief_pln) == -sum(amount for _, amount in stored_lines(scene).values())


def test_what_is_not_charged_is_not_owed_and_the_promises_stay():
    scene = make_scene(LONG, 3)
    bill(scene)
    with scope(scene.cluster.pk):
        before = sorted(Promise.objects.values_list("statement__participant", "side", "p2p_pln", "standard_pln"))
        charged = sum(line.amount_exact_pln for line in StatementLine.objects.all())
        assert not StatementLine.objects.filter(component__endswith="_relief").exists()
        assert not ReliefMonth.objects.exists()
    grant(scene)
    report = bill(scene)
    october = month_of(scene.cluster, scene.period)
    with scope(scene.cluster.pk):
        lines = StatementLine.objects.filter(statement__in=current_statements(scene.cluster, october))
        after = Promise.objects.filter(statement__revision=2)
        values = after.values_list("statement__participant", "side", "p2p_pln", "standard_pln")
        assert set(values) <= set(before)
        relieved = set(lines.filter(component__endswith="_relief").values_list("statement__participant", flat=True))
        # The gas engine draws nothing.
        assert len(relieved) == report.replaced == report.statements - 1 == 4
        assert sum(line.amount_exact_pln for line in lines) == charged - report.relief_pln
        for line in lines.filter(component__endswith="_relief"):
            full = lines.filter(
                metering_point=line.metering_point, component=line.component.removesuffix("_relief"), zone=line.zone
            )
            # Of a levy that is waived at most all of it; never on more energy than was charged.
            assert line.quantity <= sum(each.quantity for each in full)
            assert 0 < -line.amount_exact_pln <= sum(each.amount_exact_pln for each in full)


def test_billing_again_stores_nothing_and_a_late_reading_of_an_outsider_is_a_new_revision():
    scene = make_scene(LONG, 5)
    grant(scene)
    bill(scene)
    again = bill(scene)
    assert (again.unchanged, again.new, again.replaced) == (again.statements, 0, 0)
    noon = next(at for at in scene.starts if at.astimezone(WARSAW).hour == 12)
    with scope(scene.cluster.pk):
        assert ReliefMonth.objects.count() == 1
        Reading.objects.create(
            cluster=scene.cluster, metering_point=scene.world.points[OTHER], interval_start=noon, version=2,
            imported_wh=0, exported_wh=50_000, quality=1,
        )  # fmt: skip
        touch_intervals(scene.cluster.pk, [noon])
    clear_due(scene.cluster, NOW)
    scene.nets[OTHER][noon] = 50_000
    report = bill(scene)
    assert report.relief.revision == 2
    assert stored_lines(scene) == expected_lines(scene, Fraction(*shared(scene)[1:]))


def test_a_reading_that_lacks_counts_as_nothing_and_is_told(capsys):
    scene = make_scene(LONG, 5, lacks=60)
    grant(scene)
    call_command("bill", scene.cluster.slug, scene.period)
    out = capsys.readouterr().out
    assert "kWh shared in the same hour" in out
    assert "1 readings of members without a P2P contract are missing in it." in out
    scene.nets[OTHER][scene.starts[60]] = 0
    assert stored_lines(scene) == expected_lines(scene, Fraction(*shared(scene)[1:]))


def test_steps_hold_from_their_day_on():
    """The relief begins on the second day, at its local midnight."""
    scene = make_scene(LONG, 9)
    grant(scene, valid_from=LONG)
    bill(scene)
    with scope(scene.cluster.pk):
        lines = StatementLine.objects.filter(component__endswith="_relief")
        assert {line.rate_from for line in lines} == {LONG}
        levy = {line.metering_point.code: line.quantity for line in lines.filter(component="res_relief")}
    given, _, _ = shared(scene)
    for code, wh in levy.items():
        of_day = sum(part for at, part in given[code].items() if at.astimezone(WARSAW).date() == LONG)
        assert Fraction(wh) == of_day / 1000


def test_a_component_that_the_trade_waives_is_not_relieved_by_the_hour():
    scene = make_scene(LONG, 9, treatment="waived")
    grant(scene)
    assert bill(scene).relief is None
    with scope(scene.cluster.pk):
        assert not StatementLine.objects.filter(component__endswith="_relief").exists()
