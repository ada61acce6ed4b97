"""Writes the statements in force of a month: statements.csv and promises.csv."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import connection

from billing.domain.errors import BillingError
from billing.models import Promise, Statement, StatementLine
from billing.selectors.terms import month_of
from contracts.dataset.output import complete_folder
from metering.models import MeteringPoint
from participants.models import Cluster, Participant
from participants.tenancy.scope import scope

_IN_FORCE = f"""
    SELECT s.id, to_char(s.period, 'YYYY-MM') AS month, p.code
    FROM "{Statement._meta.db_table}" s
    JOIN "{Participant._meta.db_table}" p ON p.cluster_id = s.cluster_id AND p.id = s.participant_id
    WHERE s.cluster_id = %(cluster)s AND s.period = %(period)s AND NOT EXISTS (
        SELECT FROM "{Statement._meta.db_table}" n WHERE n.cluster_id = s.cluster_id AND n.replaces_id = s.id
    )
"""
#: File → its columns and the query that gives them; an empty text is written as nothing, unquoted.
_FILES = {
    "statements.csv": (
        (
            "period", "participant", "metering_point", "component", "zone", "sharing_level", "rate_from", "rate_to",
            "quantity", "unit", "amount_exact_pln", "net_pln",
        ),
        f"""
        SELECT s.month, s.code, m.code, l.component, nullif(l.zone, ''), nullif(l.sharing_level, ''),
               l.rate_from, l.rate_to, CASE WHEN l.unit = 'kWh' THEN round(l.quantity, 3) ELSE l.quantity END,
               l.unit, l.amount_exact_pln, l.net_pln
        FROM ({_IN_FORCE}) s
        JOIN "{StatementLine._meta.db_table}" l ON l.cluster_id = %(cluster)s AND l.statement_id = s.id
        LEFT JOIN "{MeteringPoint._meta.db_table}" m ON m.cluster_id = l.cluster_id AND m.id = l.metering_point_id
        ORDER BY s.code COLLATE "C", l.position
        """,
    ),
    "promises.csv": (
        (
            "period", "participant", "side", "basis", "p2p_pln", "standard_pln", "difference_pln", "assurance_pln",
        ),
        f"""
        SELECT s.month, s.code, p.side, p.basis, p.p2p_pln, p.standard_pln, p.difference_pln, p.assurance_pln
        FROM ({_IN_FORCE}) s
        JOIN "{Promise._meta.db_table}" p ON p.cluster_id = %(cluster)s AND p.statement_id = s.id
        ORDER BY s.code COLLATE "C", p.side
        """,
    ),
}  # fmt: skip


def export_statements(cluster: Cluster, period: str, out: Path) -> int:
    """Write the statements in force of the month `period` to the folder `out`; returns how many there are.

    `out` must be absent or empty and appears only when it is complete. The same statements give the same bytes.
    Raises `BillingError`, `FolderRefused` and, for a period that is none, `CalendarError`.
    """
    with scope(cluster.pk):
        parameters: dict[str, Any] = {"cluster": cluster.pk, "period": month_of(cluster, period).first}
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM ({_IN_FORCE}) s", parameters)
            count = int(cursor.fetchone()[0])
        if not count:
            raise BillingError(f"{cluster.slug} has no statements of {period}: run bill first.")
        with complete_folder(out) as folder:
            for name, (columns, query) in _FILES.items():
                _write(folder / name, columns, query, parameters)
    return count


def _write(path: Path, columns: tuple[str, ...], query: str, parameters: Mapping[str, Any]) -> None:
    copy = f"COPY ({query}) TO STDOUT (FORMAT csv)"
    with path.open("wb") as stream, connection.cursor() as cursor, cursor.copy(copy, parameters) as rows:
        stream.write((",".join(columns) + "\n").encode())
        for block in rows:
            stream.write(block)
