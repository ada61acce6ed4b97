"""Keys of a distributor's machines."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class DsoKey(models.Model):
    """A machine that keeps a distributor's tariff books. It opens no cluster. Only the hash of its secret is kept."""

    dso = models.ForeignKey(
        "participants.Dso", on_delete=models.PROTECT, related_name="keys", verbose_name=_("distributor")
    )
    name = models.CharField(_("name"), max_length=100)
    secret_sha256 = models.CharField(_("hash of the secret"), max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("created by")
    )
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    #: To the minute.
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    class Meta:
        verbose_name = _("distributor's API key")
        verbose_name_plural = _("distributors' API keys")
        ordering = ("dso", "-created_at")

    def __str__(self) -> str:
        return self.name
