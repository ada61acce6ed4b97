"""What was looked at of each local day."""

from django.db import models

from participants.tenancy.models import TenantModel


class DayCheck(TenantModel):
    """How far a local day was looked through, for gaps and for what is implausible.

    The changes are the sum of the day's `IntervalInput.changes` at that time: once it differs, the day is due again.
    """

    audited = False

    pk = models.CompositePrimaryKey("cluster_id", "day")
    day = models.DateField()
    estimated_changes = models.PositiveBigIntegerField(default=0)
    #: Gaps before this instant are filled; empty: never looked for.
    estimated_to = models.DateTimeField(null=True)
    validated_changes = models.PositiveBigIntegerField(default=0)
    #: Delivered readings are counted as of these changes; empty: never counted.
    counted_changes = models.PositiveBigIntegerField(null=True)
