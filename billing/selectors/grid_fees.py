"""Grid fees of a closed month: what the coordinator owes the distributor, and what the distributor bills itself."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from billing.domain.grid_fees import GridFeeRow, split_cents
from billing.domain.ledger import AccountKind, account_of_component
from billing.models import Bill, BillingPeriod, DistributorInvoice, JournalEntry
from billing.selectors.issuing import documented, posted_amounts

# A line lies in the days of one row of its metering point.
_BY_GROUP = """
SELECT a.tariff_group, l.component, l.zone, l.sharing_level, l.unit, sum(l.quantity), sum(l.amount_exact_pln),
       CASE WHEN min(rate.pln) = max(rate.pln) THEN min(rate.pln) END
FROM billing_statementline l
CROSS JOIN LATERAL (SELECT round(l.amount_exact_pln / nullif(l.quantity, 0), 6) AS pln) rate
JOIN metering_pointassignment a
  ON a.cluster_id = l.cluster_id AND a.metering_point_id = l.metering_point_id
 AND l.rate_from >= a.valid_from AND (a.valid_to IS NULL OR l.rate_from < a.valid_to)
WHERE l.cluster_id = %(cluster)s AND l.statement_id = ANY(%(statements)s)
  AND NOT EXISTS (SELECT FROM unnest(%(first)s::date[], %(end)s::date[]) AS d(first, until)
                  WHERE l.rate_from >= d.first AND l.rate_from < d.until)
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, l.sharing_level = 'external', 4, 5
"""


def collective_statement(period: BillingPeriod) -> list[GridFeeRow]:
    """What the coordinator owes for the days that it settles, from the documented statements, corrections included."""
    statements = list(documented(period.cluster_id, period.month).values())
    days = [list(each) for each in zip(*period.direct, strict=True)] or [[], []]
    with connection.cursor() as cursor:
        cursor.execute(
            _BY_GROUP,
            {"cluster": period.cluster_id, "statements": statements, "first": days[0], "end": days[1]},
        )
        rows = [
            GridFeeRow(group, component, zone, level, unit, quantity, exact, rate)
            for group, component, zone, level, unit, quantity, exact, rate in cursor.fetchall()
            if account_of_component(component) == AccountKind.DISTRIBUTOR
        ]
    amounts = split_cents([row.exact_pln for row in rows])
    return [replace(row, amount_pln=amount) for row, amount in zip(rows, amounts, strict=True)]


def owed_in_the_books(cluster_id: int, month: date) -> Decimal:
    """What the ledger says the coordinator owes the distributor for the month [PLN]."""
    return -posted_amounts(cluster_id, month).get(AccountKind.DISTRIBUTOR, Decimal("0.00"))


def own_bills(cluster_id: int, dso_id: int, month: date) -> QuerySet[Bill]:
    """The distributor's own bills of the month, corrections among them, in the order of issue."""
    rows = Bill.objects.filter(cluster=cluster_id, dso=dso_id, period=month)
    return rows.select_related("participant").prefetch_related("documents").order_by("pk")


def invoices_noted(cluster_id: int) -> QuerySet[Any]:
    """The distributor's invoices in the order in which they were noted, with `taken_back`."""
    reversing = JournalEntry.objects.filter(cluster=OuterRef("cluster"), reverses=OuterRef("entry"))
    rows = DistributorInvoice.objects.filter(cluster=cluster_id).annotate(taken_back=Exists(reversing))
    return rows.select_related("cluster", "entry", "user").order_by("pk")
