"""Lines of statements go into the database by COPY: a month of 1,000 members has 30,000."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from participants.models import Cluster


class LineRow(NamedTuple):
    """A `StatementLine`, its columns but the cluster; quantity in its unit, amounts in PLN."""

    statement_id: int
    position: int
    side: str
    metering_point_id: int | None
    component: str
    zone: str
    sharing_level: str
    rate_from: date
    rate_to: date
    quantity: Decimal
    unit: str
    amount_exact_pln: Decimal
    net_pln: Decimal


_COLUMNS = ", ".join(LineRow._fields)
_TABLE = f"""
CREATE TEMPORARY TABLE billing_line ON COMMIT DROP AS SELECT {_COLUMNS} FROM billing_statementline LIMIT 0
"""
_INSERT = f"""
INSERT INTO billing_statementline (cluster_id, {_COLUMNS}) SELECT %s, {_COLUMNS} FROM billing_line
"""


def store_lines(cluster: Cluster, rows: Iterable[LineRow]) -> None:
    """Store the lines of statements that stand; the protected table itself refuses COPY, so they go by another."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLE)
        with cursor.copy(f"COPY billing_line ({_COLUMNS}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(_INSERT, [cluster.pk])
        cursor.execute("DROP TABLE billing_line")
