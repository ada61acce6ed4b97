"""The settlement with the outside: live figures, what may still be wrong, what was approved."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef

from clearing.domain.external_comparison import Tolerances
from clearing.models import ExternalRules, ExternalSettlement
from contracts.domain.money import from_nano
from contracts.models import ExternalPartner, ExternalTerms
from metering.domain.calendar import format_period, month_bounds, next_month, time_zone
from participants.models import Cluster

TERMS_DIRECTION = {
    ExternalSettlement.Direction.PURCHASE: ExternalTerms.Direction.BUY,
    ExternalSettlement.Direction.SALE: ExternalTerms.Direction.SELL,
}
PARTNER_KIND = {ExternalSettlement.Direction.PURCHASE: "seller", ExternalSettlement.Direction.SALE: "buyer"}
_COLUMNS = {
    ExternalSettlement.Direction.PURCHASE: ("external_import_wh", "buy_pln_kwh"),
    ExternalSettlement.Direction.SALE: ("external_export_wh", "sell_pln_kwh"),
}

# Quarter-hours that are the partner's: those of the days of its terms, and, if the month's first terms are its, those
# of days without any terms.
_LIVE = """
WITH terms AS (
    SELECT partner_id, balancing_pln_mwh, balancing_in_price, valid_from::timestamp AT TIME ZONE %(zone)s AS starts,
           coalesce(valid_to::timestamp AT TIME ZONE %(zone)s, 'infinity') AS ends
    FROM contracts_externalterms WHERE cluster_id = %(cluster)s AND direction = %(terms)s
), live AS (
    SELECT s.interval_start AS at, r.{volume} AS wh, r.{price} AS price,
           CASE WHEN NOT coalesce(t.balancing_in_price, true) THEN (t.balancing_pln_mwh * 1000)::bigint ELSE 0 END
               AS balancing
    FROM clearing_intervalstate s
    JOIN clearing_clearingrun r ON r.cluster_id = s.cluster_id AND r.id = s.run_id
    LEFT JOIN terms t ON s.interval_start >= t.starts AND s.interval_start < t.ends
    WHERE s.cluster_id = %(cluster)s AND s.interval_start >= %(start)s AND s.interval_start < %(end)s
      AND (t.partner_id = %(partner)s OR (t.partner_id IS NULL AND %(rest)s))
)
"""
# Whole nano-PLN: Wh × micro-PLN/kWh, and Wh × milli-PLN/MWh.
_FIGURES = """
SELECT count(*), coalesce(sum(wh), 0)::bigint, coalesce(sum(wh * (price * 1000000)::bigint), 0)::bigint,
       coalesce(sum(wh * balancing), 0)::bigint,
       encode(sha256(convert_to(coalesce(string_agg(
           to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || ',' || wh || ',' || price || E'\\n', ''
           ORDER BY at), '') || coalesce(sum(wh * balancing), 0)::bigint || E'\\n', 'UTF8')), 'hex')
FROM live
"""
_STORE = """
INSERT INTO clearing_externalline (cluster_id, settlement_id, interval_start, wh, price_pln_kwh)
SELECT %(cluster)s, %(settlement)s, at, wh, price FROM live ORDER BY at
"""
_READY = """
SELECT count(*) FILTER (WHERE s.run_id IS NULL),
       count(*) FILTER (WHERE s.run_id IS NOT NULL AND s.inputs_seen <> i.changes),
       count(*) FILTER (WHERE r.status = 'provisional'), count(*), min(i.interval_start) FILTER (WHERE s.run_id IS NULL)
FROM metering_intervalinput i
LEFT JOIN clearing_intervalstate s ON s.cluster_id = i.cluster_id AND s.interval_start = i.interval_start
LEFT JOIN clearing_clearingrun r ON r.cluster_id = s.cluster_id AND r.id = s.run_id
WHERE i.cluster_id = %(cluster)s AND i.interval_start >= %(start)s AND i.interval_start < %(end)s
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """A month's energy with one partner as it is settled now: quarter-hours, Wh, PLN, and what they are named by.

    `digest`: SHA-256 of the lines `start,Wh,PLN/kWh` in order of time, and of the balancing cost in nano-PLN.
    """

    quarter_hours: int
    energy_wh: int
    energy_pln: Decimal
    balancing_pln: Decimal
    digest: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """Quarter-hours of a month: not settled, with inputs that have changed since, provisional, all known ones."""

    unsettled: int
    stale: int
    provisional: int
    known: int
    first_unsettled: datetime | None


@dataclass(frozen=True, slots=True)
class Approved:
    """An approved settlement in force, for the books.

    `energy_pln` and `balancing_pln` are rounded to 0.01; the balancing cost is a cost in both directions. `net_pln` is
    what we settled, `invoice_net_pln` what the invoice says.
    """

    settlement_id: int
    partner_id: int
    partner: str
    direction: str
    revision: int
    energy_wh: int
    energy_exact_pln: Decimal
    energy_pln: Decimal
    balancing_exact_pln: Decimal
    balancing_pln: Decimal
    net_pln: Decimal
    invoice_number: str
    invoice_date: date | None
    invoice_net_pln: Decimal


def live_figures(cluster: Cluster, direction: str, partner_id: int, period: date) -> Figures:
    """What the runs in force give now for a partner and month. Needs the scope."""
    with connection.cursor() as cursor:
        cursor.execute(live_sql(direction) + _FIGURES, asked(cluster, direction, partner_id, period))
        count, wh, energy, balancing, digest = cursor.fetchone()
    return Figures(count, wh, from_nano(energy), from_nano(balancing), digest)


def live_sql(direction: str) -> str:
    """The quarter-hours `live` (at, wh, price, balancing), to be put before a statement."""
    volume, price = _COLUMNS[ExternalSettlement.Direction(direction)]
    return _LIVE.format(volume=volume, price=price)


def store_lines_sql(direction: str) -> str:
    """Stores `live` as lines of a settlement."""
    return live_sql(direction) + _STORE


def asked(cluster: Cluster, direction: str, partner_id: int, period: date) -> dict[str, Any]:
    """The parameters of `live_sql`."""
    tz = time_zone(cluster.timezone)
    start, end = month_bounds(format_period(period), tz)
    return {
        "cluster": cluster.pk, "zone": tz.key, "start": start, "end": end, "partner": partner_id,
        "terms": TERMS_DIRECTION[ExternalSettlement.Direction(direction)],
        "rest": first_partner(cluster, direction, period) in (None, partner_id),
    }  # fmt: skip


def first_partner(cluster: Cluster, direction: str, period: date) -> int | None:
    """The partner of the month's first terms in that direction; None without any."""
    rows = ExternalTerms.objects.filter(
        cluster=cluster, direction=TERMS_DIRECTION[ExternalSettlement.Direction(direction)],
        valid_from__lt=next_month(period),
    ).exclude(valid_to__lte=period)  # fmt: skip
    return rows.order_by("valid_from").values_list("partner_id", flat=True).first()


def partners_of(cluster: Cluster, direction: str, period: date) -> list[ExternalPartner]:
    """Who the month is settled with in that direction: whoever has terms in it, or without any, whoever there is."""
    partners = ExternalPartner.objects.filter(
        cluster=cluster, kind=PARTNER_KIND[ExternalSettlement.Direction(direction)]
    )
    terms = ExternalTerms.objects.filter(
        cluster=cluster, partner=OuterRef("pk"), valid_from__lt=next_month(period)
    ).exclude(valid_to__lte=period)  # fmt: skip
    return list(partners.filter(Exists(terms))) or list(partners)


def readiness(cluster: Cluster, period: date) -> Readiness:
    """How far the month's quarter-hours are settled. Needs the scope."""
    start, end = month_bounds(format_period(period), time_zone(cluster.timezone))
    with connection.cursor() as cursor:
        cursor.execute(_READY, {"cluster": cluster.pk, "start": start, "end": end})
        return Readiness(*cursor.fetchone())


def rules_of(cluster: Cluster) -> ExternalRules:
    """The cluster's rules, or the usual ones."""
    return ExternalRules.objects.filter(cluster=cluster).first() or ExternalRules(cluster=cluster)


def tolerances_of(cluster: Cluster) -> Tolerances:
    rules = rules_of(cluster)
    return Tolerances(rules.tolerance_wh, rules.tolerance_pln_mwh, rules.tolerance_pln, rules.tolerance_total_pln)


def latest_settlements(cluster: Cluster, period: date | None = None) -> list[ExternalSettlement]:
    """The last revision of each partner, direction and month; of one month, if given."""
    rows = ExternalSettlement.objects.filter(cluster=cluster)
    later = ExternalSettlement.objects.filter(cluster=cluster, replaces=OuterRef("pk"))
    rows = rows.filter(~Exists(later)).select_related("partner", "prepared_by", "approved_by", "replaces")
    return list(rows.filter(period=period) if period else rows)


def approved_settlements(cluster: Cluster, period: date) -> list[Approved]:
    """What was approved for a month and is in force, purchases first. Needs the scope.

    A correcting version counts once it is approved; until then the one that it replaces does.
    """
    rows = ExternalSettlement.objects.filter(cluster=cluster, period=period, state=ExternalSettlement.State.APPROVED)
    later = rows.filter(replaces=OuterRef("pk"))
    found = rows.filter(~Exists(later)).select_related("partner").order_by("direction", "partner__name", "pk")
    return [
        Approved(
            row.pk, row.partner_id, row.partner.name, row.direction, row.revision, row.energy_wh, row.energy_pln,
            row.rounded_energy_pln, row.balancing_pln, row.rounded_balancing_pln, row.net_pln, row.invoice_number,
            row.invoice_date, row.invoice_net_pln or Decimal(0),
        )
        for row in found
    ]  # fmt: skip


def unsettled_directions(cluster: Cluster, period: date) -> list[str]:
    """Directions in which the month has energy that no approved settlement covers. Needs the scope."""
    start, end = month_bounds(format_period(period), time_zone(cluster.timezone))
    covered: dict[str, int] = {}
    for each in approved_settlements(cluster, period):
        covered[each.direction] = covered.get(each.direction, 0) + each.energy_wh
    found = []
    for direction, (volume, _price) in _COLUMNS.items():
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT coalesce(sum(r.{volume}), 0)::bigint FROM clearing_intervalstate s "
                "JOIN clearing_clearingrun r ON r.cluster_id = s.cluster_id AND r.id = s.run_id "
                "WHERE s.cluster_id = %s AND s.interval_start >= %s AND s.interval_start < %s",
                [cluster.pk, start, end],
            )
            if cursor.fetchone()[0] != covered.get(direction, 0):
                found.append(str(direction))
    return found
