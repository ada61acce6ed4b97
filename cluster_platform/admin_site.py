"""The coordinator's admin: one site, the cluster in scope."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cluster_platform.balance_admin import balance
from cluster_platform.completeness_admin import completeness
from cluster_platform.corrections_admin import corrections
from cluster_platform.desk import desk
from cluster_platform.external_admin import external, external_file, external_lines, external_settlement
from cluster_platform.generation_admin import generation
from cluster_platform.margin_admin import margin
from cluster_platform.payments.accounts import account
from cluster_platform.payments.exports import export_file, exports
from cluster_platform.payments.overdue import late
from cluster_platform.payments.payouts import payout_file, payouts
from cluster_platform.payments.queue import payment, payments
from cluster_platform.standard_pages import standard
from cluster_platform.waiting import waiting
from participants.models import Change
from participants.permissions import may
from participants.selectors.history import entries, without_drafts

LATEST_CHANGES = 8


class PlatformAdminSite(AdminSite):
    """Open to coordinators in their cluster and to the operator."""

    site_header = _("Coordinator's desk")
    site_title = _("Cluster Platform")
    index_title = _("What needs doing")
    site_url = None

    def has_permission(self, request: HttpRequest) -> bool:
        access = getattr(request, "access", None)
        if not request.user.is_active:
            return False
        return request.user.is_superuser or may(access, "view_cluster")

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """There is one sign-in for everybody; who is signed in and gets here is not allowed in."""
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME, "/admin/"))

    def get_urls(self) -> list[Any]:
        own = [
            path("corrections/", self.admin_view(corrections), name="corrections"),
            path("standard/", self.admin_view(standard), name="standard"),
            path("completeness/", self.admin_view(completeness), name="completeness"),
            path("external/", self.admin_view(external), name="external"),
            path("external/<int:number>/", self.admin_view(external_settlement), name="external_settlement"),
            path("external/<int:number>/files/<int:file>/", self.admin_view(external_file), name="external_file"),
            path("external/<int:number>/lines.csv", self.admin_view(external_lines), name="external_lines"),
            path("margin/", self.admin_view(margin), name="margin"),
            path("generation/", self.admin_view(generation), name="generation"),
            path("balance/", self.admin_view(balance), name="balance"),
            path("payments/", self.admin_view(payments), name="payments"),
            path("payments/<int:number>/", self.admin_view(payment), name="payment"),
            path("payouts/", self.admin_view(payouts), name="payouts"),
            path("payouts/<int:number>.xml", self.admin_view(payout_file), name="payout_file"),
            path("late/", self.admin_view(late), name="late"),
            path("accounts/<int:number>/", self.admin_view(account), name="account"),
            path("exports/", self.admin_view(exports), name="exports"),
            path("exports/<str:period>/<str:name>", self.admin_view(export_file), name="export_file"),
        ]
        return own + super().get_urls()

    def index(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        cluster = request.cluster  # type: ignore[attr-defined]
        context: dict[str, Any] = {"cluster": cluster, **(extra_context or {})}
        if cluster is not None:
            context["desk"] = desk(cluster, timezone.now())
            context["zone"] = ZoneInfo(cluster.timezone)
            context["waiting"] = waiting(cluster, timezone.now())
            if may(request.access, "view_audit"):  # type: ignore[attr-defined]
                by_people = Change.objects.filter(cluster=cluster).exclude(user=None).select_related("user")
                context["latest_changes"] = entries(without_drafts(by_people)[:LATEST_CHANGES])
        return super().index(request, context)
