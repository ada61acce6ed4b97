"""What the coordinator has agreed with its supplier and its buyer outside of the cluster."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from contracts.agreement_models import Agreement, ExternalPartner, PartnerKind
from contracts.domain import external_terms as domain
from participants.tenancy.dated import ends_after_start
from participants.tenancy.models import TenantForeignKey, TenantModel


class ExternalTerms(TenantModel):
    """At what the coordinator buys from a seller, or sells to a buyer, from one local midnight to another.

    On each day there is one partner at most in each direction. Prices of quarter-hours are made of both directions'.
    """

    class Direction(models.TextChoices):
        BUY = domain.BUY, _("purchase")
        SELL = domain.SELL, _("sale")

    class Kind(models.TextChoices):
        FIXED = domain.FIXED, _("fixed price")
        INDEXED = domain.INDEXED, _("follows the market price")

    partner = TenantForeignKey(ExternalPartner, related_name="terms", verbose_name=_("external partner"))
    agreement = TenantForeignKey(Agreement, null=True, blank=True, verbose_name=_("agreement"))
    #: Of a seller one buys, to a buyer one sells.
    direction = models.CharField(_("direction"), max_length=4, choices=Direction, editable=False)
    kind = models.CharField(_("price"), max_length=8, choices=Kind)
    price_pln_mwh = models.DecimalField(
        _("fixed price (PLN/MWh)"), max_digits=10, decimal_places=3, null=True, blank=True
    )
    factor = models.DecimalField(
        _("factor"),
        max_digits=8,
        decimal_places=6,
        null=True,
        blank=True,
        help_text=_("price = market × factor + margin"),
    )
    margin_pln_mwh = models.DecimalField(
        _("margin (PLN/MWh)"), max_digits=10, decimal_places=3, null=True, blank=True,
        help_text=_("negative: below the market"),
    )  # fmt: skip
    balancing_pln_mwh = models.DecimalField(_("balancing cost (PLN/MWh)"), max_digits=10, decimal_places=3, default=0)
    balancing_in_price = models.BooleanField(
        _("balancing cost is in the price"), default=True,
        help_text=_("In the price the members bear it; else it is a line of its own on the partner's invoice."),
    )  # fmt: skip
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to (exclusive)"), null=True, blank=True)

    class Meta:
        verbose_name = _("external terms")
        verbose_name_plural = _("external terms")
        ordering = ("direction", "-valid_from")
        constraints: ClassVar = [
            ends_after_start("external_terms_dates"),
            models.CheckConstraint(name="external_terms_direction", condition=Q(direction__in=["buy", "sell"])),
            models.CheckConstraint(
                name="external_terms_kind",
                condition=Q(kind="fixed", price_pln_mwh__isnull=False, factor=None, margin_pln_mwh=None)
                | Q(kind="indexed", price_pln_mwh=None, factor__isnull=False, margin_pln_mwh__isnull=False),
            ),
            models.CheckConstraint(name="external_terms_factor", condition=Q(factor=None) | Q(factor__gt=0)),
            models.CheckConstraint(name="external_terms_balancing", condition=Q(balancing_pln_mwh__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.partner} · {self.valid_from}"

    @property
    def domain(self) -> domain.Terms:
        """As the pricing rule takes them."""
        return domain.Terms(
            self.direction, self.kind, self.price_pln_mwh, self.factor, self.margin_pln_mwh, self.balancing_pln_mwh,
            self.balancing_in_price,
        )  # fmt: skip

    def clean(self) -> None:
        """Sets the direction and takes away what the kind of price does not have."""
        if self.partner_id is None:
            return
        self.direction = self.Direction.BUY if self.partner.kind == PartnerKind.SELLER else self.Direction.SELL
        if self.agreement is not None and self.agreement.partner_id != self.partner_id:
            raise ValidationError({"agreement": say("This agreement is with somebody else.")})
        if self.kind == self.Kind.FIXED:
            self.factor = self.margin_pln_mwh = None
            needed = ["price_pln_mwh"]
        else:
            self.price_pln_mwh = None
            needed = ["factor", "margin_pln_mwh"]
        lacking = {
            name: say("Fill this in: the price is made of it.") for name in needed if getattr(self, name) is None
        }
        if lacking:
            raise ValidationError(lacking)
        self._refuse_overlap()

    def _refuse_overlap(self) -> None:
        if self.valid_from is None:
            return
        others = ExternalTerms.objects.filter(cluster=self.cluster_id, direction=self.direction).exclude(pk=self.pk)
        others = others.filter(Q(valid_to=None) | Q(valid_to__gt=self.valid_from))
        if self.valid_to is not None:
            others = others.filter(valid_from__lt=self.valid_to)
        other = others.select_related("partner").first()
        if other is not None:
            raise ValidationError(say("Overlaps “%(other)s”: end that one first.") % {"other": other})
