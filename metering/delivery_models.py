"""Files of readings: what was delivered, what is in it, and how far it is stored."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from participants.models import ApiKey
from participants.tenancy.models import TenantForeignKey, TenantModel


class ColumnMapping(TenantModel):
    """Where things stand in the spreadsheets of one source (metering/formats/columns.py)."""

    name = models.CharField(_("name"), max_length=60)
    columns = models.JSONField(_("columns"))

    class Meta:
        verbose_name = _("column mapping")
        verbose_name_plural = _("column mappings")
        ordering = ("name",)
        constraints: ClassVar = [models.UniqueConstraint(fields=["cluster", "name"], name="one_mapping_a_name")]

    def __str__(self) -> str:
        return self.name


class Delivery(TenantModel):
    """A file of readings on its way into the database: received, read, looked at, stored.

    Counts of readings are those of the preview until it is stored, then of what was stored so far. `attempt` names the
    worker that is at it: one that was taken for dead and goes on all the same finds another number, and stops.
    """

    audited = False

    class State(models.TextChoices):
        WAITING = "waiting", _("waits to be told more")
        RECEIVED = "received", _("is being read")
        PREVIEWED = "previewed", _("read, not stored")
        STORING = "storing", _("is being stored")
        STORED = "stored", _("stored")
        REFUSED = "refused", _("refused")
        CANCELLED = "cancelled", _("cancelled")

    class Via(models.TextChoices):
        PAGE = "page", _("page")
        API = "api", _("API")
        FOLDER = "folder", _("watched folder")

    name = models.CharField(_("file"), max_length=200)
    size = models.PositiveBigIntegerField(_("size (bytes)"), default=0)
    sha256 = models.CharField(max_length=64)
    received_at = models.DateTimeField(_("received"))
    via = models.CharField(_("by way of"), max_length=10, choices=Via)
    api_key = TenantForeignKey(ApiKey, null=True, blank=True, verbose_name=_("API key"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        verbose_name=_("sent by"),
    )  # fmt: skip
    #: The distributor on whose pages it was sent.
    dso = models.ForeignKey("participants.Dso", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    #: Ids of the metering points that the sender may write; None: all.
    points = models.JSONField(null=True)
    format = models.CharField(_("format"), max_length=20, blank=True)
    point = models.CharField(_("metering point"), max_length=18, blank=True)
    direction = models.CharField(_("direction"), max_length=6, default="import")
    mapping = TenantForeignKey(ColumnMapping, null=True, blank=True, verbose_name=_("column mapping"))
    issued_at = models.DateTimeField(_("issued"))
    #: Whether the file itself says when it was issued.
    stamped = models.BooleanField(default=False)
    #: Whether somebody decides after the preview; else what is good is stored.
    asks = models.BooleanField(default=True)
    state = models.CharField(_("state"), max_length=10, choices=State)
    reason = models.TextField(_("reason"), blank=True)
    #: The same file, stored earlier with some readings refused.
    same_as = TenantForeignKey("self", null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        verbose_name=_("decided by"),
    )  # fmt: skip
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    attempt = models.PositiveIntegerField(default=0)
    #: Attempts since anything came of one.
    tries = models.PositiveSmallIntegerField(default=0)
    #: When the worker that is at it was last heard of; None: nobody is.
    worked_at = models.DateTimeField(null=True)
    read_bytes = models.PositiveBigIntegerField(default=0)
    readings = models.PositiveIntegerField(_("readings"), default=0)
    accepted = models.PositiveIntegerField(_("new"), default=0)
    replaced = models.PositiveIntegerField(_("changed"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    superseded = models.PositiveIntegerField(_("older than what holds"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    #: Findings of the reader, beside the refused readings.
    unread = models.PositiveIntegerField(_("not read"), default=0)
    batches_done = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("file of readings")
        verbose_name_plural = _("files of readings")
        ordering = ("-received_at", "-id")
        indexes: ClassVar = [models.Index(fields=["cluster", "sha256"], name="delivery_by_content")]

    def __str__(self) -> str:
        return self.name

    @property
    def good(self) -> int:
        """How many of its readings are right."""
        return self.readings - self.refused

    @property
    def faulty(self) -> bool:
        """Whether anything of it could not be read or was refused."""
        return bool(self.refused or self.unread)

    @property
    def moving(self) -> bool:
        """Whether a worker has it, or will."""
        return self.state in (self.State.RECEIVED, self.State.STORING)


class DeliveryChunk(TenantModel):
    """A part of the file as it came."""

    audited = False

    delivery = TenantForeignKey(Delivery, db_index=False)
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "delivery", "number"], name="one_chunk_a_number")
        ]


class DeliveryBatch(TenantModel):
    """Readings that the preview found right, still to be stored: canonical CSV, deflated, and the lines of the file
    that they come from: two columns of 8-byte numbers, import and export, deflated."""

    audited = False

    delivery = TenantForeignKey(Delivery, db_index=False)
    number = models.PositiveIntegerField()
    #: With those that the preview refused.
    readings = models.PositiveIntegerField()
    rows = models.BinaryField()
    lines = models.BinaryField(default=b"")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "delivery", "number"], name="one_batch_a_number")
        ]


class DeliveryDay(TenantModel):
    """What a file holds of a metering point and a local day."""

    audited = False

    delivery = TenantForeignKey(Delivery, db_index=False)
    point = models.CharField(_("metering point"), max_length=18)
    day = models.DateField(_("day"))
    accepted = models.PositiveSmallIntegerField()
    replaced = models.PositiveSmallIntegerField()
    unchanged = models.PositiveSmallIntegerField()
    superseded = models.PositiveSmallIntegerField()
    refused = models.PositiveSmallIntegerField()
    imported_wh = models.PositiveBigIntegerField()
    exported_wh = models.PositiveBigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "delivery", "point", "day"], name="one_day_a_delivery")
        ]

    @property
    def readings(self) -> int:
        """How many quarter-hours the file has of it."""
        return self.accepted + self.replaced + self.unchanged + self.superseded + self.refused


class DeliveryFault(TenantModel):
    """What is wrong, in which line of the file first, and in how many."""

    audited = False

    delivery = TenantForeignKey(Delivery, db_index=False)
    number = models.PositiveIntegerField()
    line = models.PositiveIntegerField(_("line"))
    column = models.CharField(_("column"), max_length=100)
    text = models.TextField()
    lines = models.PositiveIntegerField(_("lines"))

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "delivery", "number"], name="one_fault_a_number")
        ]
