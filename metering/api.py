"""REST: meters and their operators deliver readings."""

from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from metering.domain.delivery import MAX_ROWS, csv_lines, parse_delivery
from metering.domain.readings import ReadingFault
from metering.services.ingest import Outcome, ingest


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
        now = timezone.now()
        rows, faults = parse_delivery(sent, now)
        places = sorted(rows)
        lines = csv_lines(rows[place] for place in places)
        outcome = ingest(cluster, [lines], issued_at=now, whole=False, now=now, most_faults=MAX_ROWS)
        faults += [ReadingFault("", places[fault.line - 1], fault.column, fault.text) for fault in outcome.refused]
        return Response(_answer(outcome, faults), status=200 if len(faults) < len(sent) else 422)


def _answer(outcome: Outcome, faults: list[ReadingFault]) -> dict[str, Any]:
    refused = sorted(faults, key=lambda fault: fault.line)
    return {
        "new": outcome.accepted,
        "replaced": outcome.replaced,
        "unchanged": outcome.unchanged,
        "superseded": outcome.superseded,
        "refused": [{"reading": fault.line, "field": fault.column, "reason": fault.text} for fault in refused],
    }
