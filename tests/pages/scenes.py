"""What the tests of the pages add to the cast: more members, more quarter-hours, a statement."""

import datetime as dt
import html
import re
from decimal import Decimal

from django.http import HttpResponse
from django.test import Client

from billing.models import Promise, Statement, StatementLine
from clearing.models import ClearingRun, IntervalState, Position, Trade
from contracts.models import Contract
from metering.models import GridNode, MeteringPoint, PointAssignment
from participants.models import Participant, User
from participants.tenancy.partitions import ensure_month_partitions
from participants.tenancy.scope import scope
from tests.cast import DAY, NOON, Cast

JUNE = dt.date(2026, 6, 1)


def signed_in(user: User, language: str = "en") -> Client:
    client = Client(headers={"Accept-Language": language})
    client.force_login(user)
    return client


def text_of(response: HttpResponse) -> str:
    """What a reader sees: no tags, plain spaces."""
    body = re.sub(r"(?s)<(script|title)\b.*?</\1>", " ", response.content.decode())
    plain = html.unescape(re.sub(r"<[^>]+>", "", re.sub(r"</(t[dhr]|p|h\d|d[dt]|li|a|span)>", " ", body)))
    return " ".join(plain.split())


def add_point(cast: Cast, participant: Participant, code: str, capacity_kw: int = 0, **dates: dt.date) -> MeteringPoint:
    point = MeteringPoint.objects.create(cluster=cast.cluster, code=code)
    PointAssignment.objects.create(
        cluster=cast.cluster, metering_point=point, participant=participant, role="member",
        grid_node=GridNode.objects.get(code="ST-1"), tariff_group="G11", contracted_power_kw=Decimal(14),
        generation_capacity_kw=Decimal(capacity_kw), phases=3, yearly_use_kwh=1808, capacity_factor=Decimal(1),
        **{"valid_from": DAY, **dates},
    )  # fmt: skip
    return point


def add_members(cast: Cast, count: int, capacity_kw: int = 5) -> list[MeteringPoint]:
    """`count` further members of the cluster with a contract and a metering point each."""
    points = []
    with scope(cast.cluster.pk):
        for number in range(count):
            participant = Participant.objects.create(
                cluster=cast.cluster, code=f"M{number:04d}", kind="prosumer", legal_form="person",
                name=f"Extra {number}", vat_payer=False,
            )  # fmt: skip
            Contract.objects.create(cluster=cast.cluster, participant=participant, scheme="p2p", valid_from=DAY)
            points.append(add_point(cast, participant, f"5900000000001{number:05d}", capacity_kw))
    return points


def settle(
    cast: Cast, start: dt.datetime, sold: dict[MeteringPoint, int], bought: dict[MeteringPoint, int], revision: int = 1
) -> ClearingRun:
    """A settled quarter-hour in which the sellers' energy (Wh) meets the buyers', the rest goes outside."""
    ensure_month_partitions("clearing_position", start, start)
    ensure_month_partitions("clearing_trade", start, start)
    surplus, shortage = sum(sold.values()), sum(bought.values())
    matched = min(surplus, shortage)
    state, _created = IntervalState.objects.get_or_create(
        cluster=cast.cluster, interval_start=start, defaults={"inputs_seen": 1}
    )
    run = ClearingRun.objects.create(
        cluster=cast.cluster, number=ClearingRun.objects.count() + 1, interval_start=start, revision=revision,
        replaces=state.run, state="surplus" if surplus > shortage else "shortage", surplus_wh=surplus,
        shortage_wh=shortage, matched_wh=matched, external_import_wh=shortage - matched,
        external_export_wh=surplus - matched, local_price_pln_kwh=Decimal("0.25") if matched else None,
        buy_pln_kwh=Decimal("0.30"), sell_pln_kwh=Decimal("0.20"), inverted=False, operating_cost_pln=Decimal(0),
        status="final", content_digest="0" * 64, digest="1" * 64, previous_digest="0" * 64, solver="HiGHS",
        cleared_at=start + dt.timedelta(minutes=16),
    )  # fmt: skip
    left = matched
    for point, wh in sold.items():
        local = min(left, wh)
        left -= local
        _position(run, point, net_wh=wh, local_sold_wh=local, external_sold_wh=wh - local)
    left = matched
    for point, wh in bought.items():
        local = min(left, wh)
        left -= local
        _position(
            run, point, net_wh=-wh, local_bought_wh=local, external_bought_wh=wh - local,
            external_grid_fee_pln_kwh=Decimal("0.28986"),
        )  # fmt: skip
    if matched:
        Trade.objects.create(
            cluster=cast.cluster, run=run, interval_start=start, seller=next(iter(sold)), buyer=next(iter(bought)),
            sharing_level="station", wh=matched, energy_pln_kwh=Decimal("0.25"), grid_fee_pln_kwh=Decimal("0.2"),
        )  # fmt: skip
    IntervalState.objects.filter(interval_start=start).update(run=run)
    return run


def _position(run: ClearingRun, point: MeteringPoint, **values: object) -> None:
    zero = {"local_bought_wh": 0, "local_sold_wh": 0, "external_bought_wh": 0, "external_sold_wh": 0}
    Position.objects.create(
        cluster=run.cluster, run=run, metering_point=point, interval_start=run.interval_start,
        equalisation_pln=Decimal(0), **{**zero, **values},
    )  # fmt: skip


def bill(cast: Cast, participant: Participant, period: dt.date = JUNE, revision: int = 1) -> Statement:
    """A statement: bought for 7.75 PLN and sold for 4.00 PLN, and so better off by 2.25 + 1.00 PLN."""
    statement = Statement.objects.create(
        cluster=cast.cluster, participant=participant, period=period, revision=revision,
        replaces=Statement.objects.filter(participant=participant, period=period).order_by("-revision").first(),
        amount_exact_pln=Decimal("3.50"), content_digest="0" * 64, billed_at=NOON,
    )  # fmt: skip
    lines = [
        ("buy", "local_energy", "station", "10", "kWh", "2.50"),
        ("buy", "network_fixed", "", "1", "month", "5.25"),
        ("buy", "assurance", "", "1", "month", "-0.25"),
        ("sell", "local_energy_sold", "station", "16", "kWh", "-4.00"),
    ]
    for position, (side, component, level, quantity, unit, amount) in enumerate(lines, start=1):
        StatementLine.objects.create(
            cluster=cast.cluster, statement=statement, position=position, side=side,
            metering_point=None if component == "assurance" else cast.seller_point, component=component,
            zone="flat" if unit == "kWh" else "", sharing_level=level, rate_from=period,
            rate_to=dt.date(2026, 7, 1), quantity=Decimal(quantity), unit=unit, amount_exact_pln=Decimal(amount),
            net_pln=Decimal(amount),
        )  # fmt: skip
    for side, p2p, standard, assurance in (("buy", "8.00", "10.00", "0.25"), ("sell", "-4.00", "-3.00", "0")):
        Promise.objects.create(
            cluster=cast.cluster, statement=statement, side=side, basis="gross", p2p_pln=Decimal(p2p),
            standard_pln=Decimal(standard), difference_pln=Decimal(standard) - Decimal(p2p),
            assurance_pln=Decimal(assurance),
        )  # fmt: skip
    return statement
