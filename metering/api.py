"""REST: meters and their operators deliver readings."""

from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from metering.domain.delivery import MAX_ROWS, parse_delivery
from metering.domain.readings import ReadingFault, Stored
from metering.models import Reading
from metering.selectors.points import point_spans
from metering.services.readings import check_rows, store_readings
from participants.tenancy.partitions import ensure_month_partitions


class ReadingsView(APIView):
    """`POST {"readings": [{metering_point, interval_start, imported_wh, exported_wh, quality}, …]}`.

    Good readings are stored even if others are not: the answer counts what was new, replaced or unchanged, and names
    each refused reading by its place in the list. Sending a delivery again changes nothing. 200 if any reading was
    good, 422 if none was, 400 if the body is no such list, 401 without a valid key of the cluster.
    """

    def post(self, request: Request) -> Response:
        sent = request.data.get("readings") if isinstance(request.data, dict) else None
        if not isinstance(sent, list) or not 0 < len(sent) <= MAX_ROWS:
            return Response({"detail": f"Send an object with 1 to {MAX_ROWS} `readings`."}, status=400)
        cluster = request._request.cluster
        rows, faults = parse_delivery(sent, timezone.now())
        places = sorted(rows)
        for fault in check_rows([rows[place] for place in places], point_spans(cluster)):
            faults.append(ReadingFault("", places[fault.line], fault.column, fault.text))
        bad = {fault.line for fault in faults}
        good = [rows[place] for place in places if place not in bad]
        stored = Stored(0, 0, 0)
        if good:
            starts = [row.interval_start for row in good]
            ensure_month_partitions(Reading._meta.db_table, min(starts), max(starts))
            stored = store_readings(cluster, good)
        return Response(_answer(stored, faults), status=200 if good else 422)


def _answer(stored: Stored, faults: list[ReadingFault]) -> dict[str, Any]:
    refused = sorted(faults, key=lambda fault: fault.line)
    return {
        "new": stored.new,
        "replaced": stored.replaced,
        "unchanged": stored.unchanged,
        "refused": [{"reading": fault.line, "field": fault.column, "reason": fault.text} for fault in refused],
    }
