"""REST: meters and their operators deliver readings."""

from hashlib import sha256
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from metering.api_schema import DeliveryAnswer, ReadingsDelivery
from metering.domain.calendar import CalendarError, parse_instant
from metering.domain.delivery import MAX_ROWS, Delivery
from metering.domain.readings import ReadingFault
from metering.parsers import CsvParser, JsonParser, NdjsonParser, Received
from metering.selectors.keys import points_of_key
from metering.services.ingest import Outcome, ingest
from metering.services.keys import Answer, KeyReused, answer_given, keep_answer, note_use
from participants.models import ApiKey

_MOST_KEY = 200


class KeyThrottle(SimpleRateThrottle):
    """So many requests a minute and key."""

    scope = "readings"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return f"api-key-{request.auth.pk}"


class ReadingsView(APIView):
    """Takes a delivery of up to 100,000 readings; good ones are stored even if others are not."""

    parser_classes = (JsonParser, NdjsonParser, CsvParser)
    throttle_classes = (KeyThrottle,)

    @extend_schema(
        operation_id="deliver_readings",
        request={"application/json": ReadingsDelivery, "application/x-ndjson": bytes, "text/csv": bytes},
        parameters=[
            OpenApiParameter("issued_at", str, description="When the source issued the values; by default now."),
            OpenApiParameter(
                "Idempotency-Key", str, OpenApiParameter.HEADER, description="Yours, new for each delivery."
            ),
        ],
        responses={200: DeliveryAnswer, 422: DeliveryAnswer},
    )
    def post(self, request: Request) -> Response:
        key: ApiKey = request.auth
        now = timezone.now()
        received = request.data
        note_use(key, now)
        if not isinstance(received, Received):
            raise ParseError("The body is empty.")
        name = request.headers.get("Idempotency-Key", "")
        if len(name) > _MOST_KEY:
            raise ParseError(f"The Idempotency-Key is longer than {_MOST_KEY} characters.")
        digest = sha256(f"{request.query_params.urlencode()} {received.sha256}".encode()).hexdigest()
        try:
            given = answer_given(key, name, digest) if name else None
        except KeyReused as error:
            return Response({"detail": str(error)}, status=409)
        if given is not None:
            return Response(given.body, status=given.status, headers={"Idempotent-Replayed": "true"})
        answer = _store(request, key, received.delivery, now)
        if name:
            keep_answer(key, name, digest, answer, now)
        return Response(answer.body, status=answer.status)


def _store(request: Request, key: ApiKey, delivery: Delivery, now: Any) -> Answer:
    stamp = request.query_params.get("issued_at")
    try:
        outcome = ingest(
            request._request.cluster, [delivery.lines], issued_at=parse_instant(stamp) if stamp else now, whole=False,
            now=now, columns=delivery.columns, stamped=bool(stamp), rows_wanted=True, points=points_of_key(key),
            most_faults=MAX_ROWS,
        )  # fmt: skip
    except (CalendarError, ValueError) as error:
        raise ParseError(f"issued_at: {error}") from error
    faults = delivery.faults + [
        ReadingFault("", delivery.places[fault.line - 1], fault.column, fault.text) for fault in outcome.refused
    ]
    return Answer(200 if len(faults) < delivery.count else 422, _answer(outcome, delivery, faults))


def _answer(outcome: Outcome, delivery: Delivery, faults: list[ReadingFault]) -> dict[str, Any]:
    letters = ["x"] * delivery.count
    for place, letter in zip(delivery.places, outcome.status_of_rows or "", strict=True):
        letters[place] = letter
    return {
        "accepted": outcome.accepted,
        "replaced": outcome.replaced,
        "unchanged": outcome.unchanged,
        "superseded": outcome.superseded,
        "refused": [
            {"reading": fault.line, "field": fault.column, "reason": fault.text}
            for fault in sorted(faults, key=lambda fault: fault.line)
        ],
        "results": "".join(letters),
    }
