"""Energy and its money, by local day or by quarter-hour: a member's own, and the cluster's.

Only runs in force count. A member's own is read by its metering points, the cluster's from one row per quarter-hour.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Q

from cluster_platform.portal.periods import Span
from contracts.models import Contract
from metering.domain.calendar import local_midnight
from metering.models import PointAssignment

ZERO = Decimal(0)
NEVER = date(9000, 1, 1)
By = Literal["day", "quarter_hour"]


@dataclass(frozen=True)
class Flow:
    """What was drawn and fed in (Wh), with whom, and what was paid and received for it (PLN, energy only, net)."""

    drawn_local_wh: int = 0
    drawn_outside_wh: int = 0
    fed_local_wh: int = 0
    fed_outside_wh: int = 0
    paid_pln: Decimal = ZERO
    received_pln: Decimal = ZERO
    #: Settled quarter-hours; a quarter-hour counts once per metering point.
    settled: int = 0

    def __add__(self, other: "Flow") -> "Flow":
        return Flow(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(Flow)))

    @property
    def drawn_wh(self) -> int:
        return self.drawn_local_wh + self.drawn_outside_wh

    @property
    def fed_wh(self) -> int:
        return self.fed_local_wh + self.fed_outside_wh

    @property
    def paid_pln_kwh(self) -> Decimal | None:
        return self.paid_pln * 1000 / self.drawn_wh if self.drawn_wh else None

    @property
    def received_pln_kwh(self) -> Decimal | None:
        return self.received_pln * 1000 / self.fed_wh if self.fed_wh else None

    @property
    def drawn_local_share(self) -> Decimal | None:
        return Decimal(self.drawn_local_wh) / self.drawn_wh if self.drawn_wh else None

    @property
    def fed_local_share(self) -> Decimal | None:
        return Decimal(self.fed_local_wh) / self.fed_wh if self.fed_wh else None


def total(flows: Iterable[Flow]) -> Flow:
    """The sum of all."""
    return sum(flows, Flow())


@dataclass(frozen=True)
class OwnPoints:
    """A participant's metering points, each from one instant to another."""

    windows: tuple[tuple[int, datetime, datetime], ...]
    node: str = ""

    @property
    def columns(self) -> list[list[Any]]:
        return [list(column) for column in zip(*self.windows, strict=True)] or [[], [], []]


def own_points(participant_id: int, tz: ZoneInfo) -> OwnPoints:
    """All metering points that the participant has or had, with the days for which they were its own."""
    assignments = (
        PointAssignment.objects.filter(participant_id=participant_id, role=PointAssignment.Role.MEMBER)
        .select_related("grid_node")
        .order_by("valid_from", "metering_point_id")
    )
    windows = []
    node = ""
    for row in assignments:
        end = row.valid_to or NEVER
        windows.append((row.metering_point_id, local_midnight(row.valid_from, tz), local_midnight(end, tz)))
        node = row.grid_node.code
    return OwnPoints(tuple(windows), node)


def has_contract(participant_id: int, first: date, end: date) -> bool:
    """Whether the participant trades in the cluster on any day of [first, end)."""
    contracts = Contract.objects.filter(participant_id=participant_id, scheme=Contract.Scheme.P2P, valid_from__lt=end)
    return contracts.filter(Q(valid_to=None) | Q(valid_to__gt=first)).exists()


_KEYS = {"day": "(p.interval_start AT TIME ZONE %s)::date", "quarter_hour": "p.interval_start"}

#: Own positions of runs in force, each with its run; parameters: points, starts, ends, cluster, start, end.
OWN_POSITIONS = """
    FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS own(point, starts, ends)
    JOIN clearing_position p
      ON p.cluster_id = %s AND p.metering_point_id = own.point
     AND p.interval_start >= own.starts AND p.interval_start < own.ends
     AND p.interval_start >= %s AND p.interval_start < %s
    JOIN clearing_intervalstate s
      ON s.cluster_id = p.cluster_id AND s.interval_start = p.interval_start AND s.run_id = p.run_id
    JOIN clearing_clearingrun r ON r.cluster_id = p.cluster_id AND r.id = p.run_id
"""


def own_flows(cluster_id: int, own: OwnPoints, span: Span, by: By, tz: ZoneInfo) -> dict[Any, Flow]:
    """The member's flows by local day, or by start of the quarter-hour."""
    sql = f"""
    SELECT {_KEYS[by]},
        sum(p.local_bought_wh)::bigint, sum(p.external_bought_wh)::bigint,
        sum(p.local_sold_wh)::bigint, sum(p.external_sold_wh)::bigint,
        sum((p.local_bought_wh * coalesce(r.local_price_pln_kwh, 0) + p.external_bought_wh * r.buy_pln_kwh) / 1000
            + CASE WHEN p.net_wh < 0 THEN p.equalisation_pln ELSE 0 END),
        sum((p.local_sold_wh * coalesce(r.local_price_pln_kwh, 0) + p.external_sold_wh * r.sell_pln_kwh) / 1000
            - CASE WHEN p.net_wh > 0 THEN p.equalisation_pln ELSE 0 END),
        count(*)
    {OWN_POSITIONS}
    GROUP BY 1 ORDER BY 1
    """
    key = [tz.key] if by == "day" else []
    return _flows(sql, [*key, *own.columns, cluster_id, span.start, span.end])


def cluster_flows(cluster_id: int, span: Span, by: By, tz: ZoneInfo) -> dict[Any, Flow]:
    """The flows of all trading members together, by local day or by quarter-hour."""
    sql = f"""
    SELECT {_KEYS[by].replace("p.", "s.")},
        sum(r.matched_wh)::bigint, sum(r.external_import_wh)::bigint,
        sum(r.matched_wh)::bigint, sum(r.external_export_wh)::bigint,
        sum((r.matched_wh * coalesce(r.local_price_pln_kwh, 0) + r.external_import_wh * r.buy_pln_kwh) / 1000),
        sum((r.matched_wh * coalesce(r.local_price_pln_kwh, 0) + r.external_export_wh * r.sell_pln_kwh) / 1000),
        count(*)
    FROM clearing_intervalstate s
    JOIN clearing_clearingrun r ON r.cluster_id = s.cluster_id AND r.id = s.run_id
    WHERE s.cluster_id = %s AND s.interval_start >= %s AND s.interval_start < %s
    GROUP BY 1 ORDER BY 1
    """
    key = [tz.key] if by == "day" else []
    return _flows(sql, [*key, cluster_id, span.start, span.end])


def own_readings(cluster_id: int, own: OwnPoints, span: Span, tz: ZoneInfo) -> Flow:
    """What the member's meters imported and exported, for those who do not trade: newest versions, or daily sums."""
    sql = """
    WITH own AS (
        SELECT * FROM unnest(%(points)s::bigint[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
            AS own(point, starts, ends)
    ), newest AS (
        SELECT DISTINCT ON (m.metering_point_id, m.interval_start) m.imported_wh, m.exported_wh, 1 AS count
        FROM own JOIN metering_reading m
          ON m.cluster_id = %(cluster)s AND m.metering_point_id = own.point
         AND m.interval_start >= own.starts AND m.interval_start < own.ends
         AND m.interval_start >= %(start)s AND m.interval_start < %(end)s
        ORDER BY m.metering_point_id, m.interval_start, m.version DESC
    ), old AS (
        SELECT d.imported_wh, d.exported_wh, d.measured + d.split + d.substituted + d.estimated AS count
        FROM own JOIN metering_readingday d
          ON d.cluster_id = %(cluster)s AND d.metering_point_id = own.point
         AND d.day >= greatest((own.starts AT TIME ZONE %(zone)s)::date, (%(start)s AT TIME ZONE %(zone)s)::date)
         AND d.day < least((own.ends AT TIME ZONE %(zone)s)::date, (%(end)s AT TIME ZONE %(zone)s)::date)
    )
    SELECT coalesce(sum(imported_wh), 0)::bigint, coalesce(sum(exported_wh), 0)::bigint, coalesce(sum(count), 0)::bigint
    FROM (SELECT * FROM newest UNION ALL SELECT * FROM old) known
    """
    points, starts, ends = own.columns
    asked: dict[str, Any] = {
        "points": points, "starts": starts, "ends": ends, "cluster": cluster_id, "start": span.start, "end": span.end,
        "zone": tz.key,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        imported_wh, exported_wh, count = cursor.fetchone()
    return Flow(drawn_outside_wh=imported_wh, fed_outside_wh=exported_wh, settled=count)


def _flows(sql: str, parameters: list[Any]) -> dict[Any, Flow]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return {row[0]: Flow(*row[1:]) for row in cursor.fetchall()}
