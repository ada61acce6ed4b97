"""Settings put in by hand: their discounts, with those of the tariff book, must suit the grid."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from contracts.domain.fees import DiscountProblem, discount_problems
from contracts.selectors.book import discounts, tariff_book
from metering.admin import DatedForm
from metering.models import GridNode
from participants.models import Cluster


class ClusterSettingsForm(DatedForm):
    def clean_sharing_discount(self) -> dict[str, str]:
        """Shares as texts, so that none loses a digit."""
        found = self.cleaned_data["sharing_discount"] or {}
        try:
            shares = {str(level): str(Decimal(str(share))) for level, share in found.items()}
        except (AttributeError, InvalidOperation) as error:
            text = _('Give a share from 0 to 1 for each sharing level, such as {"station": "0.25"}.')
            raise ValidationError(text) from error
        return shares

    def clean(self) -> dict[str, Any] | None:
        cleaned: dict[str, Any] | None = super().clean()
        if cleaned and "sharing_discount" in cleaned and "valid_from" in cleaned:
            cluster = Cluster.objects.select_related("dso").get(pk=self.instance.cluster_id)
            nodes = list(GridNode.objects.filter(cluster=cluster).values_list("code", "parent__code", "level"))
            parents: dict[str, str | None] = {code: above for code, above, _level in nodes}
            levels = {code: level for code, _above, level in nodes}
            book = tariff_book(cluster)
            days = [cleaned["valid_from"], *(day for day in book.discount_days if day > cleaned["valid_from"])]
            found = (book.discounts_on(day, discounts(cleaned["sharing_discount"])) for day in days)
            problems = {p for shares in found for p in discount_problems(parents, levels, shares)}
            for problem in sorted(problems, key=str):
                self.add_error("sharing_discount", _told(problem))
        return cleaned


def _told(problem: DiscountProblem) -> ValidationError:
    values = {
        "level": problem.level, "discount": problem.discount, "above": problem.above, "other": problem.above_discount,
    }  # fmt: skip
    if problem.discount is None:
        text = _("Level %(level)s of the grid has no discount, neither here nor in the tariff book.")
    elif not problem.above:
        text = _("The discount of level %(level)s is %(discount)s; it must lie between 0 and 1.")
    else:
        text = _("The discount grows with distance: %(discount)s at %(level)s, but %(other)s at %(above)s above it.")
    return ValidationError(text, params=values)
