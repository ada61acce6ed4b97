"""How the OpenAPI document describes tariff books."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import serializers

from contracts.tariff_models import TariffBook, TariffRate

RATE_DIGITS: Any = {"max_digits": 12, "decimal_places": 6}

#: Named in the schema.
STATES = TariffBook.State.values


class DsoKeyScheme(OpenApiAuthenticationExtension):
    """`Authorization: Bearer dso:<secret>`."""

    target_class = "participants.dso_keys.DsoKeyAuthentication"
    name = "distributor's key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class SentBook(serializers.Serializer):
    """A book as files, and what they don't say."""

    files = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True),
        min_length=1,
        help_text="one .xlsx with the sheets tariff, zones, discounts; or a .csv for each of them",
    )
    name = serializers.CharField(max_length=100, default="", help_text="by default the year of the first day")
    valid_from = serializers.DateField(default=None, help_text="by default the first day in the rates")


class Fault(serializers.Serializer):
    """What is wrong or to be confirmed, and where."""

    file = serializers.CharField(allow_blank=True)
    row = serializers.IntegerField(help_text="from 1, the header included; 0: the file as a whole")
    column = serializers.CharField(allow_blank=True)
    reason = serializers.CharField()


class Faults(serializers.Serializer):
    """Why nothing was done."""

    mistakes = Fault(many=True)


class BookHead(serializers.Serializer):
    """A book without its rows."""

    number = serializers.IntegerField()
    name = serializers.CharField()
    state = serializers.ChoiceField(STATES)
    valid_from = serializers.DateField()
    holds_from = serializers.DateField(allow_null=True, help_text="null: a draft, or replaced on all its days")
    holds_to = serializers.DateField(allow_null=True, help_text="exclusive; null: open")
    created_at = serializers.DateTimeField()
    published_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class BookList(serializers.Serializer):
    """All books, newest first."""

    books = BookHead(many=True)


class RateDifference(serializers.Serializer):
    """A rate on the days from `from` to `to` (exclusive); `old` null: added, `new` null: removed."""

    group = serializers.CharField()
    component = serializers.CharField()
    zone = serializers.CharField(allow_blank=True)
    phases = serializers.IntegerField(allow_null=True)
    use_from_kwh = serializers.IntegerField(allow_null=True)
    use_to_kwh = serializers.IntegerField(allow_null=True)
    to = serializers.DateField(allow_null=True)
    old = serializers.DecimalField(allow_null=True, **RATE_DIGITS)
    new = serializers.DecimalField(allow_null=True, **RATE_DIGITS)
    unit = serializers.ChoiceField(TariffRate.Unit.values)


# `from` is a word of Python.
RateDifference._declared_fields["from"] = serializers.DateField()


class DiscountDifference(serializers.Serializer):
    """The discount at a sharing level."""

    level = serializers.CharField()
    old = serializers.DecimalField(max_digits=7, decimal_places=6, allow_null=True)
    new = serializers.DecimalField(max_digits=7, decimal_places=6, allow_null=True)


class BookDifference(serializers.Serializer):
    """What the book says otherwise than what holds without it."""

    rates = RateDifference(many=True)
    zones_added = serializers.IntegerField()
    zones_removed = serializers.IntegerField()
    discounts = DiscountDifference(many=True)
    unchanged = serializers.IntegerField(help_text="rates that stay as they are")


class BookAnswer(BookHead):
    """A book and, of a draft, what is to be looked at before it is published."""

    mistakes = Fault(many=True, required=False, help_text="of a draft: they stop it")
    questions = Fault(many=True, required=False, help_text="of a draft: publishing confirms them")
    needs_reason = serializers.BooleanField(required=False, help_text="days that have begun are charged otherwise")
    seen = serializers.CharField(required=False, help_text="names all this; publishing sends it back")
    quarter_hours_settled_anew = serializers.IntegerField(required=False, help_text="after publication")
    difference = BookDifference()


class RateRow(serializers.Serializer):
    """A row of tariff.csv."""

    group = serializers.CharField()
    phases = serializers.IntegerField(allow_null=True)
    use_from_kwh = serializers.IntegerField(allow_null=True)
    use_to_kwh = serializers.IntegerField(allow_null=True)
    component = serializers.CharField()
    zone = serializers.CharField(allow_blank=True)
    unit = serializers.ChoiceField(TariffRate.Unit.values)
    rate_net = serializers.DecimalField(**RATE_DIGITS)
    local_treatment = serializers.ChoiceField(TariffRate.Treatment.values)
    valid_from = serializers.DateField()
    valid_to = serializers.DateField(allow_null=True)


class ZoneRow(serializers.Serializer):
    """A row of tariff_zones.csv."""

    group = serializers.CharField()
    zone = serializers.CharField()
    months = serializers.CharField()
    day_type = serializers.CharField()
    to = serializers.CharField(allow_blank=True)


ZoneRow._declared_fields["from"] = serializers.CharField(allow_blank=True)


class DiscountRow(serializers.Serializer):
    """A row of tariff_discounts.csv."""

    level = serializers.CharField()
    discount = serializers.DecimalField(max_digits=7, decimal_places=6)


class BookContent(BookAnswer):
    """A book with its rows."""

    rates = RateRow(many=True)
    zones = ZoneRow(many=True)
    discounts = DiscountRow(many=True)


class Publication(serializers.Serializer):
    """That what was looked at is to hold."""

    seen = serializers.CharField(help_text="as the draft's answer gave it: what was looked at, questions confirmed")
    reason = serializers.CharField(default="", allow_blank=True, max_length=500, help_text="see `needs_reason`")
