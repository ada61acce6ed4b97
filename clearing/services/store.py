"""Writing runs, positions, trades and where the intervals stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from clearing.domain.result import Cleared, ExternalPrices
from clearing.models import ClearingRun, IntervalState, Position, Trade
from clearing.package.lines import NO_DIGEST, chain_digest
from clearing.selectors import last_run
from contracts.domain.money import from_micro, from_nano
from participants.models import Cluster

# The lines that are digested are the lines that are stored: PostgreSQL reads them as they are.
_POSITION_LINES = """
    CREATE TEMPORARY TABLE clearing_line (
        interval_start timestamptz, point text, net integer, local_in integer, local_out integer,
        outside_in integer, outside_out integer, fee numeric, equalisation numeric
    ) ON COMMIT DROP
"""
_POSITIONS = f"""
    INSERT INTO "{Position._meta.db_table}" (
        cluster_id, metering_point_id, interval_start, run_id, net_wh, local_bought_wh, local_sold_wh,
        external_bought_wh, external_sold_wh, external_grid_fee_pln_kwh, equalisation_pln
    )
    SELECT %(cluster)s, m.id, l.interval_start, r.id, l.net, l.local_in, l.local_out,
           l.outside_in, l.outside_out, l.fee, l.equalisation
    FROM clearing_line l
    JOIN unnest(%(starts)s::timestamptz[], %(runs)s::bigint[]) AS r(interval_start, id) USING (interval_start)
    JOIN unnest(%(codes)s::text[], %(points)s::bigint[]) AS m(code, id) ON m.code = l.point
    ORDER BY m.id, l.interval_start
"""
_TRADE_LINES = """
    CREATE TEMPORARY TABLE clearing_line (
        interval_start timestamptz, seller text, buyer text, level text, wh integer, energy numeric, fee numeric,
        energy_pln numeric, fee_pln numeric
    ) ON COMMIT DROP
"""
_TRADES = f"""
    INSERT INTO "{Trade._meta.db_table}" (
        cluster_id, interval_start, run_id, seller_id, buyer_id, sharing_level, wh, energy_pln_kwh, grid_fee_pln_kwh
    )
    SELECT %(cluster)s, l.interval_start, r.id, s.id, b.id, l.level, l.wh, l.energy, l.fee
    FROM clearing_line l
    JOIN unnest(%(starts)s::timestamptz[], %(runs)s::bigint[]) AS r(interval_start, id) USING (interval_start)
    JOIN unnest(%(codes)s::text[], %(points)s::bigint[]) AS s(code, id) ON s.code = l.seller
    JOIN unnest(%(codes)s::text[], %(points)s::bigint[]) AS b(code, id) ON b.code = l.buyer
    ORDER BY l.interval_start, r.id, s.id, b.id
"""
_STATES = f"""
    INSERT INTO "{IntervalState._meta.db_table}" (cluster_id, interval_start, run_id, inputs_seen, waits_for)
    SELECT %s, * FROM unnest(%s::timestamptz[], %s::bigint[], %s::integer[], %s::text[])
    ON CONFLICT (cluster_id, interval_start) DO UPDATE
    SET run_id = EXCLUDED.run_id, inputs_seen = EXCLUDED.inputs_seen, waits_for = EXCLUDED.waits_for
"""


@dataclass(frozen=True)
class Settled:
    """One interval's result, with its positions and trades as the lines of the package."""

    start: datetime
    result: Cleared
    prices: ExternalPrices
    provisional: bool
    positions: list[str]
    trades: list[str]
    content_digest: str


def store_runs(
    cluster: Cluster,
    now: datetime,
    new: Sequence[Settled],
    before: Mapping[datetime, ClearingRun],
    points: Mapping[str, int],
    solver: str,
) -> dict[datetime, ClearingRun]:
    """Append runs to the cluster's chain, each naming the one that it replaces, with positions and trades.

    `before` gives the runs in force, `points` the id of each metering point code.
    """
    if not new:
        return {}
    last = last_run(cluster)
    number, digest = (last.number, last.digest) if last else (0, NO_DIGEST)
    runs: list[ClearingRun] = []
    for settled in new:
        number, previous = number + 1, digest
        digest = chain_digest(previous, settled.content_digest)
        run = _run(cluster, now, settled, before.get(settled.start), solver)
        run.number, run.digest, run.previous_digest = number, digest, previous
        runs.append(run)
    ClearingRun.objects.bulk_create(runs)
    keys = {
        "cluster": cluster.pk,
        "starts": [run.interval_start for run in runs],
        "runs": [run.pk for run in runs],
        "codes": list(points),
        "points": list(points.values()),
    }
    _store_lines(_POSITION_LINES, _POSITIONS, keys, [line for settled in new for line in settled.positions])
    _store_lines(_TRADE_LINES, _TRADES, keys, [line for settled in new for line in settled.trades])
    return {run.interval_start: run for run in runs}


def _run(cluster: Cluster, now: datetime, settled: Settled, replaced: ClearingRun | None, solver: str) -> ClearingRun:
    result = settled.result
    return ClearingRun(
        cluster=cluster,
        interval_start=settled.start,
        revision=replaced.revision + 1 if replaced else 1,
        replaces=replaced,
        state=result.state,
        surplus_wh=result.surplus_wh,
        shortage_wh=result.shortage_wh,
        matched_wh=result.matched_wh,
        external_import_wh=result.external_import_wh,
        external_export_wh=result.external_export_wh,
        local_price_pln_kwh=None if result.local_price is None else from_micro(result.local_price),
        buy_pln_kwh=from_micro(settled.prices.buy),
        sell_pln_kwh=from_micro(settled.prices.sell),
        inverted=result.inverted,
        operating_cost_pln=from_nano(result.operating_cost),
        status=ClearingRun.Status.PROVISIONAL if settled.provisional else ClearingRun.Status.FINAL,
        content_digest=settled.content_digest,
        solver=solver,
        cleared_at=now,
    )


def _store_lines(table: str, insert: str, keys: Mapping[str, Any], text: Sequence[str]) -> None:
    """COPY into a temporary table, from there into the protected one, which COPY is refused for."""
    with connection.cursor() as cursor:
        cursor.execute(table)
        with cursor.copy("COPY clearing_line FROM STDIN (FORMAT csv)") as copy:
            copy.write("".join(f"{line}\n" for line in text))
        cursor.execute(insert, keys)
        cursor.execute("DROP TABLE clearing_line")


def store_states(cluster: Cluster, states: Sequence[tuple[datetime, ClearingRun | None, int, str]]) -> None:
    """Note of each interval its run in force, the changes of its inputs that were seen, and what it waits for."""
    starts, runs, changes, waits_for = zip(*states, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            _STATES, [cluster.pk, list(starts), [run and run.pk for run in runs], list(changes), list(waits_for)]
        )
