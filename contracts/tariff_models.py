"""A distributor's tariff books. They belong to no cluster: published, they are read by every cluster on the grid."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from participants.models import Dso
from participants.tenancy.dated import ends_after_start


class TariffBook(models.Model):
    """One version of a distributor's tariff: a draft, or published and never changed again (the database sees to it).

    On each local day the published book with the latest `valid_from` not after it holds; of two from the same day the
    one with the higher number.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("published")

    dso = models.ForeignKey(Dso, on_delete=models.PROTECT, related_name="books", verbose_name=_("distributor"))
    number = models.PositiveIntegerField(_("number"))
    name = models.CharField(_("name"), max_length=100)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    valid_from = models.DateField(_("from"))
    #: {"station": "0.25", …}: discounts for the clusters whose own settings name none for the level.
    sharing_discount = models.JSONField(_("discount by sharing level"), default=dict, blank=True)
    #: {"tariff.csv": {"file": "book.xlsx, sheet tariff", "lines": [2, 3, …]}, …}: where the rows stood when they came,
    #: in their order, so that what is found later names the sender's own rows.
    places = models.JSONField(_("rows of the files"), default=dict, blank=True)
    #: Where the figures come from, and what a draft still lacks.
    note = models.TextField(_("note"), blank=True)
    created_at = models.DateTimeField(_("created"))
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("published by"),
    )  # fmt: skip
    #: The book that held on `valid_from` when this one was published.
    replaces = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("replaces")
    )
    #: Why days that have begun are charged by another book than they were.
    reason = models.TextField(_("reason of the correction"), blank=True)

    class Meta:
        verbose_name = _("tariff book")
        verbose_name_plural = _("tariff books")
        ordering = ("dso", "-number")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dso", "number"], name="one_book_number"),
            models.CheckConstraint(
                name="book_published_at",
                condition=Q(state="draft", published_at=None) | Q(state="published", published_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.number})"

    @property
    def is_draft(self) -> bool:
        return self.state == self.State.DRAFT


class TariffRate(models.Model):
    """One rate of a book."""

    class Unit(models.TextChoices):
        KWH = "PLN/kWh", "PLN/kWh"
        MONTH = "PLN/month", "PLN/month"
        KW_MONTH = "PLN/kW/month", "PLN/kW/month"

    class Treatment(models.TextChoices):
        FULL = "full", _("charged in full")
        DISCOUNTED = "discounted", _("discounted by sharing level")
        WAIVED = "waived", _("waived")
        HOURLY = "hourly", _("relieved by the hour")

    book = models.ForeignKey(TariffBook, on_delete=models.CASCADE, related_name="rates", verbose_name=_("tariff book"))
    group = models.CharField(_("tariff group"), max_length=20)
    phases = models.PositiveSmallIntegerField(_("phases"), null=True, blank=True)
    use_from_kwh = models.PositiveIntegerField(_("yearly use from (kWh)"), null=True, blank=True)
    use_to_kwh = models.PositiveIntegerField(_("yearly use to (kWh)"), null=True, blank=True)
    component = models.CharField(_("component"), max_length=40)
    zone = models.CharField(_("zone"), max_length=40, blank=True)
    unit = models.CharField(_("unit"), max_length=12, choices=Unit)
    rate_net = models.DecimalField(_("rate, net"), max_digits=12, decimal_places=6)
    local_treatment = models.CharField(_("for local energy"), max_length=10, choices=Treatment)
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to (exclusive)"), null=True, blank=True)

    class Meta:
        verbose_name = _("tariff rate")
        verbose_name_plural = _("tariff rates")
        ordering = ("book", "group", "component", "zone", "use_from_kwh", "valid_from")
        constraints: ClassVar = [
            ends_after_start("rate_dates"),
            models.UniqueConstraint(
                fields=["book", "group", "phases", "use_from_kwh", "component", "zone", "valid_from"],
                name="one_rate",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.group} {self.component} {self.zone} {self.rate_net} {self.unit}"


class TariffZone(models.Model):
    """When a zone of a tariff group applies, in local time."""

    book = models.ForeignKey(TariffBook, on_delete=models.CASCADE, related_name="zones", verbose_name=_("tariff book"))
    group = models.CharField(_("tariff group"), max_length=20)
    zone = models.CharField(_("zone"), max_length=40)
    months = models.CharField(_("months"), max_length=5)
    day_type = models.CharField(_("day type"), max_length=10)
    starts = models.CharField(_("from"), max_length=5, blank=True)
    ends = models.CharField(_("to"), max_length=5, blank=True)

    class Meta:
        verbose_name = _("tariff zone")
        verbose_name_plural = _("tariff zones")
        ordering = ("book", "group", "zone", "months", "day_type", "starts")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["book", "group", "zone", "months", "day_type", "starts"], name="one_zone_row"
            )
        ]

    def __str__(self) -> str:
        return f"{self.group} {self.zone} {self.months} {self.day_type} {self.starts}–{self.ends}"
