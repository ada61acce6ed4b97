"""The standing cast of the tests: clusters with the same few people, so that every denial has somebody to be denied."""

import base64
import datetime as dt
import functools
import hmac
import struct
import time
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import encrypt
from django.contrib.auth.hashers import make_password

from clearing.models import ClearingRun, IntervalState, Position, Trade
from contracts.models import ClusterSettings, ClusterTerms, Contract
from metering.domain.versions import version_of
from metering.models import GridNode, IntervalInput, MeteringPoint, PointAssignment, Reading
from participants.models import Cluster, Coordinator, Dso, DsoUser, Membership, Participant, User
from participants.tenancy.partitions import ensure_month_partitions
from participants.tenancy.scope import scope

UTC = ZoneInfo("UTC")
NOON = dt.datetime(2026, 6, 11, 10, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
#: Of everybody's authenticator app (base 32).
APP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
DAY = dt.date(2026, 1, 1)


@dataclass(frozen=True)
class Cast:
    """One cluster: the owner sells, the colleague buys from them, the coordinator runs it."""

    cluster: Cluster
    owner: User
    colleague: User
    coordinator: User
    seller: Participant
    buyer: Participant
    seller_point: MeteringPoint
    buyer_point: MeteringPoint
    run: ClearingRun


def make_cast(slug: str, dso_name: str = "Example Distribution") -> Cast:
    """A cluster with one cleared quarter-hour: the owner fed in 400 Wh, of which the colleague took 300."""
    dso = Dso.objects.get_or_create(
        name=dso_name, defaults={"nip": "1000237576", "iban": "PL61999999990000000000000901"}
    )[0]
    cluster = Cluster.objects.create(
        slug=slug, name=f"Cluster {slug}", timezone="Europe/Warsaw", holidays="PL", currency="PLN", dso=dso
    )
    users = [make_user(f"{who}@{slug}.example.org") for who in ("owner", "colleague", "coordinator")]
    add_app(users[-1])
    with scope(cluster.pk):
        return _people(cluster, *users)


@functools.cache
def _password_hash() -> str:
    return make_password(PASSWORD)


def make_user(email: str, with_app: bool = False, **fields: bool) -> User:
    """A login with a verified address and the cast's password; an operator's has an authenticator app in any case."""
    user = User.objects.create(email=email, password=_password_hash(), **fields)
    user.emailaddress_set.create(email=email, primary=True, verified=True)
    if with_app or user.is_superuser:
        add_app(user)
    return user


def add_app(user: User) -> None:
    """Gives a login the second factor that every role but the member's needs."""
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": encrypt(APP_SECRET)})


def app_code(secret: str = APP_SECRET) -> str:
    """The six digits that an authenticator app shows now (RFC 6238), good for some seconds more."""
    wait_for_a_lasting_code()
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.digest(base64.b32decode(secret), counter, "sha1")
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF) % 10**6:06}"


def wait_for_a_lasting_code() -> None:
    """A code is good for 30 seconds of the clock: in the last ones a person, too, waits for the next."""
    left = 30 - time.time() % 30
    if left < 5:
        time.sleep(left)


def make_dso_user(dso: Dso, email: str = "dso@example.org") -> User:
    """A login of the distributor."""
    user = make_user(email)
    add_app(user)
    DsoUser.objects.create(user=user, dso=dso)
    return user


def _people(cluster: Cluster, owner: User, colleague: User, coordinator: User) -> Cast:
    Coordinator.objects.create(
        cluster=cluster, name="Coordinator", nip="1000158380", street="ul. Przykladowa 1", postcode="00-001",
        city="Trzystacje", country="PL", iban="PL88999999990000000000000900",
    )  # fmt: skip
    ClusterTerms.objects.create(
        cluster=cluster, vat_rate=Decimal("0.23"), excise_pln_kwh=Decimal("0.005"), netting="interval"
    )
    ClusterSettings.objects.create(
        cluster=cluster, valid_from=DAY, allocation="min_cost", price_rule="mid_market", price_share=Decimal("0.5"),
        residual="pooled", dso_settlement="coordinator", buyer_fee_pln_kwh=Decimal("0.02"),
        seller_fee_pln_kwh=Decimal(0), sharing_discount={"cluster": "0.05", "station": "0.25"},
    )  # fmt: skip
    root = GridNode.objects.create(cluster=cluster, code="CLUSTER", level="cluster")
    station = GridNode.objects.create(cluster=cluster, code="ST-1", level="station", parent=root)
    seller, seller_point = _member(cluster, station, owner, "P0001", "prosumer", "590000000000000013", Decimal(10))
    buyer, buyer_point = _member(cluster, station, colleague, "P0002", "consumer", "590000000000000020", Decimal(0))
    Membership.objects.create(cluster=cluster, user=coordinator, role="coordinator")
    for table in ("metering_reading", "clearing_position", "clearing_trade"):
        ensure_month_partitions(table, NOON, NOON)
    for point, imported, exported in ((seller_point, 0, 400), (buyer_point, 300, 0)):
        Reading.objects.create(
            cluster=cluster, metering_point=point, interval_start=NOON, version=version_of(NOON + dt.timedelta(days=1)),
            imported_wh=imported, exported_wh=exported, quality=Reading.Quality.MEASURED,
        )  # fmt: skip
    IntervalInput.objects.create(cluster=cluster, interval_start=NOON, changes=1)
    run = _run(cluster, seller_point, buyer_point)
    return Cast(cluster, owner, colleague, coordinator, seller, buyer, seller_point, buyer_point, run)


def _member(
    cluster: Cluster, node: GridNode, user: User, code: str, kind: str, point_code: str, capacity_kw: Decimal
) -> tuple[Participant, MeteringPoint]:
    participant = Participant.objects.create(
        cluster=cluster, code=code, kind=kind, legal_form="person", name=f"Household {code} of {cluster.slug}",
        email=user.email, vat_payer=False,
    )  # fmt: skip
    point = MeteringPoint.objects.create(cluster=cluster, code=point_code)
    PointAssignment.objects.create(
        cluster=cluster, metering_point=point, participant=participant, role="member", grid_node=node,
        tariff_group="G11", contracted_power_kw=Decimal(14), generation_capacity_kw=capacity_kw, phases=3,
        yearly_use_kwh=1808, capacity_factor=Decimal(1), valid_from=DAY,
    )  # fmt: skip
    Contract.objects.create(cluster=cluster, participant=participant, scheme="p2p", valid_from=DAY)
    Membership.objects.create(cluster=cluster, user=user, role="member", participant=participant)
    return participant, point


def _run(cluster: Cluster, seller_point: MeteringPoint, buyer_point: MeteringPoint) -> ClearingRun:
    run = ClearingRun.objects.create(
        cluster=cluster, number=1, interval_start=NOON, revision=1, state="surplus", surplus_wh=400, shortage_wh=300,
        matched_wh=300, external_import_wh=0, external_export_wh=100, local_price_pln_kwh=Decimal("0.25"),
        buy_pln_kwh=Decimal("0.30"), sell_pln_kwh=Decimal("0.20"), inverted=False, operating_cost_pln=Decimal("0.04"),
        status="final", content_digest="0" * 64, digest="1" * 64, previous_digest="0" * 64, solver="HiGHS",
        cleared_at=NOON + dt.timedelta(minutes=16),
    )  # fmt: skip
    zero = {"local_bought_wh": 0, "local_sold_wh": 0, "external_bought_wh": 0, "external_sold_wh": 0}
    common = {"cluster": cluster, "run": run, "interval_start": NOON, "equalisation_pln": Decimal(0)}
    Position.objects.create(
        **common, metering_point=seller_point, net_wh=400, **zero | {"local_sold_wh": 300, "external_sold_wh": 100}
    )
    Position.objects.create(
        **common, metering_point=buyer_point, net_wh=-300, external_grid_fee_pln_kwh=Decimal("0.28986"),
        **zero | {"local_bought_wh": 300},
    )  # fmt: skip
    Trade.objects.create(
        cluster=cluster, run=run, interval_start=NOON, seller=seller_point, buyer=buyer_point, sharing_level="station",
        wh=300, energy_pln_kwh=Decimal("0.25"), grid_fee_pln_kwh=Decimal("0.21796"),
    )  # fmt: skip
    IntervalState.objects.create(cluster=cluster, interval_start=NOON, run=run, inputs_seen=1)
    return run
