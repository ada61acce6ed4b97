"""How the OpenAPI document describes deliveries of readings."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import serializers

from metering.domain.readings import MAX_WH, QUALITIES


class KeyScheme(OpenApiAuthenticationExtension):
    """`Authorization: Bearer <cluster>.<secret>`."""

    target_class = "participants.api_keys.ApiKeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class DeliveredReading(serializers.Serializer):
    """One quarter-hour of one metering point."""

    metering_point = serializers.RegexField(r"^\d{18}$", help_text="18 digits, a point that the key may write")
    interval_start = serializers.DateTimeField(help_text="UTC start of a quarter-hour that has ended, with Z")
    imported_wh = serializers.IntegerField(min_value=0, max_value=MAX_WH, help_text="drawn from the grid, Wh")
    exported_wh = serializers.IntegerField(min_value=0, max_value=MAX_WH, help_text="fed into the grid, Wh")
    quality = serializers.ChoiceField(QUALITIES)
    issued_at = serializers.DateTimeField(required=False, help_text="when the source issued the value, with Z")


class ReadingsDelivery(serializers.Serializer):
    """The JSON form of a delivery."""

    readings = DeliveredReading(many=True)


class RefusedReading(serializers.Serializer):
    """Why a reading was not stored."""

    reading = serializers.IntegerField(help_text="its place in the delivery, from 0")
    field = serializers.CharField(allow_blank=True)
    reason = serializers.CharField()


class DeliveryAnswer(serializers.Serializer):
    """What became of each reading."""

    accepted = serializers.IntegerField(help_text="first values of their quarter-hours")
    replaced = serializers.IntegerField(help_text="hold now instead of an earlier value, which is kept")
    unchanged = serializers.IntegerField(help_text="said what holds already")
    superseded = serializers.IntegerField(help_text="kept as history: a value issued later holds")
    refused = RefusedReading(many=True)
    results = serializers.CharField(help_text="a letter for each reading, in order: a, r, u, s as above, x refused")
