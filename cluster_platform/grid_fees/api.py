"""REST: a distributor's machine fetches collective statements and the distributor's own bills."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.domain.documents import Bill, Document
from billing.domain.grid_fees import total_pln
from billing.models import BillingPeriod
from billing.selectors.bills import bill_content
from billing.selectors.grid_fees import collective_statement, own_bills
from cluster_platform.tariffs.api import DsoView
from metering.domain.calendar import CalendarError, format_period, parse_period
from participants.models import Cluster
from participants.tenancy.scope import scope


class GridFeeLine(serializers.Serializer):
    group = serializers.CharField()
    component = serializers.CharField()
    zone = serializers.CharField(allow_blank=True)
    sharing_level = serializers.CharField(allow_blank=True)
    quantity = serializers.DecimalField(20, 9)
    unit = serializers.CharField()
    rate_pln = serializers.DecimalField(14, 6, allow_null=True)
    amount_pln = serializers.DecimalField(14, 2)


class OwnLine(serializers.Serializer):
    before = serializers.BooleanField()
    metering_point = serializers.CharField()
    component = serializers.CharField()
    zone = serializers.CharField(allow_blank=True)
    sharing_level = serializers.CharField(allow_blank=True)
    first_day = serializers.DateField()
    end = serializers.DateField()
    quantity = serializers.DecimalField(20, 9)
    unit = serializers.CharField()
    net_pln = serializers.DecimalField(14, 2)
    vat_rate = serializers.DecimalField(5, 4, allow_null=True)


class OwnDocument(serializers.Serializer):
    number = serializers.CharField()
    corrects = serializers.CharField(allow_blank=True)
    net_pln = serializers.DecimalField(14, 2)
    vat_pln = serializers.DecimalField(14, 2)
    payable_pln = serializers.DecimalField(14, 2)
    lines = OwnLine(many=True)


class OwnBill(serializers.Serializer):
    reference = serializers.CharField()
    participant = serializers.CharField()
    issued_on = serializers.DateField()
    due_on = serializers.DateField()
    payable_pln = serializers.DecimalField(14, 2)
    documents = OwnDocument(many=True)


class GridFees(serializers.Serializer):
    cluster = serializers.CharField()
    month = serializers.CharField()
    owed_by_coordinator_pln = serializers.DecimalField(14, 2)
    lines = GridFeeLine(many=True)
    own_bills = OwnBill(many=True)


class ClosedMonths(serializers.Serializer):
    cluster = serializers.CharField()
    months = serializers.ListField(child=serializers.CharField())


class GridFeeMonthsView(DsoView):
    """Which months there are."""

    @extend_schema(operation_id="grid_fee_months", responses={200: ClosedMonths(many=True)})
    def get(self, request: Request) -> Response:
        """The closed months of every cluster on the distributor's grid, latest first."""
        found = []
        for cluster in Cluster.objects.filter(dso=self.dso).order_by("slug"):
            with scope(cluster.pk):
                months = BillingPeriod.objects.filter(cluster=cluster, state=BillingPeriod.State.CLOSED)
                names = [format_period(month) for month in months.order_by("-month").values_list("month", flat=True)]
            found.append({"cluster": cluster.slug, "months": names})
        return Response(found)


class GridFeesView(DsoView):
    """Grid fees of a cluster and month."""

    @extend_schema(operation_id="grid_fees", responses={200: GridFees})
    def get(self, request: Request, slug: str, month: str) -> Response:
        """What the coordinator owes, by group, component and zone, and the distributor's own bills; 404: not closed."""
        cluster = Cluster.objects.filter(dso=self.dso, slug=slug).first()
        try:
            first = parse_period(month)
        except CalendarError as error:
            raise Http404 from error
        if cluster is None:
            raise Http404
        with scope(cluster.pk):
            return Response(_answer(cluster, first))


def _answer(cluster: Cluster, first: date) -> dict[str, Any]:
    period = BillingPeriod.objects.filter(cluster=cluster, month=first, state=BillingPeriod.State.CLOSED).first()
    if period is None:
        raise Http404
    rows = collective_statement(period)
    return {
        "cluster": cluster.slug,
        "month": format_period(first),
        "owed_by_coordinator_pln": _text(total_pln(rows)),
        "lines": [
            {
                "group": row.group, "component": row.component, "zone": row.zone, "sharing_level": row.sharing_level,
                "quantity": _text(row.quantity), "unit": row.unit, "rate_pln": _text(row.rate_pln),
                "amount_pln": _text(row.amount_pln),
            }
            for row in rows
        ],
        "own_bills": [_bill(bill) for bill in bill_content(own_bills(cluster.pk, cluster.dso_id, first))],
    }  # fmt: skip


def _bill(bill: Bill) -> dict[str, Any]:
    return {
        "reference": bill.reference, "participant": bill.participant.code, "issued_on": bill.issued_on,
        "due_on": bill.due_on, "payable_pln": _text(bill.payable_pln),
        "documents": [_document(each) for each in bill.documents],
    }  # fmt: skip


def _document(document: Document) -> dict[str, Any]:
    return {
        "number": document.number,
        "corrects": document.corrects.number if document.corrects else "",
        "net_pln": _text(document.net_pln), "vat_pln": _text(document.vat_pln),
        "payable_pln": _text(document.payable_pln),
        "lines": [
            {
                "before": line.before, "metering_point": line.metering_point, "component": line.component,
                "zone": line.zone, "sharing_level": line.sharing_level, "first_day": line.first, "end": line.end,
                "quantity": _text(line.quantity), "unit": line.unit, "net_pln": _text(line.net_pln),
                "vat_rate": _text(line.vat_rate),
            }
            for line in document.lines
        ],
    }  # fmt: skip


def _text(value: Decimal | None) -> str | None:
    """Amounts are texts: JSON's numbers would be floats."""
    return None if value is None else f"{value:f}"
