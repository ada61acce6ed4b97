"""REST: files of readings are delivered, looked at, and stored."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from metering.api import KeyThrottle
from metering.domain.calendar import format_instant
from metering.formats.registry import FORMATS
from metering.models import ColumnMapping, Delivery, DeliveryFault
from metering.selectors.keys import points_of_key
from metering.services.deliveries import CHUNK_BYTES, AlreadyReceived, Sender, Told, begin_storing, cancel, receive
from metering.services.keys import note_use
from metering.tasks import start_work
from participants.models import ApiKey

#: Named in the schema.
STATES = Delivery.State.values


class FileTooLarge(APIException):
    status_code = 413
    default_detail = f"The file is larger than {settings.FILES_MAX_MB} MB; send it in parts."


class SentFile(serializers.Serializer):
    """A file and what it does not say itself."""

    file = serializers.FileField(allow_empty_file=True)
    format = serializers.ChoiceField(list(FORMATS), default="", help_text="by default told from its first bytes")
    metering_point = serializers.RegexField(r"^\d{18}$", default="", help_text="where the file names none")
    direction = serializers.ChoiceField(("import", "export"), default="import", help_text="of an Energa file")
    mapping = serializers.CharField(default="", help_text="name of the column mapping of a spreadsheet")
    preview = serializers.BooleanField(default=False, help_text="store nothing before you say so")

    def validate_mapping(self, name: str) -> ColumnMapping | None:
        """The mapping of this name, in the cluster in scope."""
        found = ColumnMapping.objects.filter(name=name).first()
        if name and found is None:
            raise serializers.ValidationError("There is no column mapping of this name.")
        return found


class FileFault(serializers.Serializer):
    """What is wrong, in which line first, and in how many."""

    line = serializers.IntegerField(help_text="from 1, the header included; 0: the file as a whole")
    column = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(source="text")
    lines = serializers.IntegerField()


class FileAnswer(serializers.Serializer):
    """What a file is and what became of it; counts are those of the preview until it is stored."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    sha256 = serializers.CharField()
    received_at = serializers.DateTimeField()
    issued_at = serializers.DateTimeField()
    format = serializers.CharField()
    metering_point = serializers.CharField(source="point")
    state = serializers.ChoiceField(STATES)
    reason = serializers.CharField(allow_blank=True)
    readings = serializers.IntegerField()
    accepted = serializers.IntegerField()
    replaced = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    superseded = serializers.IntegerField()
    refused = serializers.IntegerField()
    unread = serializers.IntegerField(help_text="faults of lines that are no readings")
    faults = FileFault(many=True)


class Decision(serializers.Serializer):
    """What is to become of a previewed file."""

    do = serializers.ChoiceField(("store", "cancel"))


class FilesView(APIView):
    """Takes a file of readings; what is good in it is stored by a worker."""

    parser_classes = (MultiPartParser,)
    throttle_classes = (KeyThrottle,)

    @extend_schema(
        operation_id="deliver_file", request={"multipart/form-data": SentFile},
        responses={200: FileAnswer, 202: FileAnswer, 422: FileAnswer},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """202: being read; 200: the same file was here before; 422: it is no file of readings, see `reason`."""
        key: ApiKey = request.auth
        now = timezone.now()
        note_use(key, now)
        sent = SentFile(data=request.data)
        sent.is_valid(raise_exception=True)
        clean = sent.validated_data
        if clean["file"].size > settings.FILES_MAX_MB << 20:
            raise FileTooLarge
        told = Told(clean["format"], clean["metering_point"], clean["direction"], clean["mapping"] or None)
        sender = Sender(
            Delivery.Via.API, api_key_id=key.pk, points=points_of_key(key), asks=clean["preview"]
        )  # fmt: skip
        cluster = request._request.cluster
        try:
            delivery = receive(cluster, clean["file"].name, clean["file"].chunks(CHUNK_BYTES), sender, told, now)
        except AlreadyReceived as error:
            return _already(error.delivery, key)
        if delivery.state == Delivery.State.REFUSED:
            return Response(_answer(delivery), status=422)
        start_work(delivery)
        return Response(_answer(delivery), status=202, headers={"Location": f"/api/v1/files/{delivery.pk}"})


class FileView(APIView):
    """A file that the key has delivered."""

    parser_classes = (JSONParser,)
    throttle_classes = (KeyThrottle,)

    @extend_schema(operation_id="file", responses={200: FileAnswer})
    def get(self, request: Request, number: int) -> Response:
        """How far it is, what it holds, what is wrong."""
        return Response(_answer(get_object_or_404(_theirs(request.auth), pk=number)))

    @extend_schema(operation_id="decide_file", request=Decision, responses={202: FileAnswer, 409: FileAnswer})
    def post(self, request: Request, number: int) -> Response:
        """Store what is good of a previewed file, or nothing; 409: it is not waiting for that."""
        delivery = get_object_or_404(_theirs(request.auth), pk=number)
        decision = Decision(data=request.data)
        decision.is_valid(raise_exception=True)
        if decision.validated_data["do"] == "store":
            done = begin_storing(delivery, None)
        else:
            done = cancel(delivery, None, timezone.now())
        delivery.refresh_from_db()
        if done and delivery.moving:
            start_work(delivery)
        return Response(_answer(delivery), status=202 if done else 409)


def _theirs(key: ApiKey) -> QuerySet[Delivery]:
    return Delivery.objects.filter(cluster=key.cluster_id, api_key=key)


def _answer(delivery: Delivery) -> dict[str, Any]:
    delivery.faults = DeliveryFault.objects.filter(delivery=delivery).order_by("number")  # type: ignore[attr-defined]
    return dict(FileAnswer(delivery).data)


def _already(delivery: Delivery, key: ApiKey) -> Response:
    if delivery.api_key_id == key.pk:
        return Response({**_answer(delivery), "already_received": True})
    received = format_instant(delivery.received_at.replace(microsecond=0))
    return Response({"already_received": True, "received_at": received, "state": delivery.state})
