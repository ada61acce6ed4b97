"""Files of readings in the coordinator's admin: uploaded, looked at, stored; and what columns of spreadsheets mean."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cluster_platform.delivery_forms import MappingForm, UploadForm
from cluster_platform.delivery_pages import act, page_of, take
from metering.models import ColumnMapping, Delivery
from metering.services.deliveries import Sender
from participants.tenancy.admin import TenantAdmin


@admin.register(Delivery)
class DeliveryAdmin(TenantAdmin):
    """All files of the cluster, whichever way they came."""

    change_action = "deliver_readings"
    list_display = ("name", "received_at", "via", "sender", "format", "state", "readings", "refused")
    list_filter = ("state", "via", "format", ("received_at", admin.DateFieldListFilter))
    search_fields = ("name", "sha256", "point")
    list_select_related = ("user", "api_key")

    @admin.display(description=_("sent by"))
    def sender(self, row: Delivery) -> str:
        return str(row.user.email if row.user else row.api_key or "–")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Upload a file."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        cluster = request.cluster  # type: ignore[attr-defined]
        sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
        form = UploadForm(*sent, clusters=[cluster])
        if request.method == "POST" and form.is_valid():
            sender = Sender(Delivery.Via.PAGE, user_id=request.user.pk)
            delivery = take(request, cluster, form.cleaned_data["file"], sender, timezone.now())
            return redirect("admin:metering_delivery_change", delivery.pk)
        context = self._context(request, gettext("Upload a file of readings")) | {"form": form}
        return TemplateResponse(request, "admin/delivery_upload.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """What is in a file, and the buttons."""
        delivery: Delivery | None = self.get_object(request, object_id)
        if delivery is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        may_decide = self.has_change_permission(request, delivery)
        if not self.has_view_permission(request, delivery) or (request.method == "POST" and not may_decide):
            raise PermissionDenied
        answered = act(request, delivery, timezone.now()) if request.method == "POST" else None
        if answered is not None and answered.done:
            return redirect("admin:metering_delivery_change", delivery.pk)
        page = page_of(request, request.cluster, delivery, answered)  # type: ignore[attr-defined]
        context = self._context(request, delivery.name) | page | {"may_decide": may_decide}
        part = "part" in request.GET
        return TemplateResponse(request, "parts/delivery.html" if part else "admin/delivery.html", context)

    def _context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "title": title, "subtitle": None, "opts": self.opts}


@admin.register(ColumnMapping)
class ColumnMappingAdmin(TenantAdmin):
    """Column mappings of the sources of spreadsheets, by name."""

    change_action = "deliver_readings"
    form = MappingForm
    list_display = ("name",)
    search_fields = ("name",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        # The fields of the columns are made by the form; only the name is the model's.
        return super().get_form(request, obj, change, **kwargs | {"fields": ("name",)})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return [(None, {"fields": list(MappingForm.ALL)})]
