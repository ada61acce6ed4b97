"""The coordinator writes what the cluster's public page says."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.widgets import AdminTextareaWidget
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from participants.models import ClusterPage
from participants.tenancy.admin import TenantAdmin


@admin.register(ClusterPage)
class ClusterPageAdmin(TenantAdmin):
    """One page a cluster; the list leads to it."""

    fields = ("text_pl", "text_en", "contact", "address")
    readonly_fields = ("address",)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        page = self.get_queryset(request).first()
        if page is not None and self.has_view_permission(request, page):
            return redirect("admin:participants_clusterpage_change", page.pk)
        if page is None and self.has_add_permission(request):
            return redirect("admin:participants_clusterpage_add")
        return super().changelist_view(request, extra_context)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request, obj) and not ClusterPage.objects.exists()

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        only_one = {"show_save_and_add_another": False}
        return super().changeform_view(request, object_id, form_url, {**only_one, **(extra_context or {})})

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        widgets = {f"text_{name}": AdminTextareaWidget({"rows": 8, "lang": name}) for name in ("pl", "en")}
        return super().get_form(request, obj, change, widgets=widgets, **kwargs)

    @admin.display(description=_("public page"))
    def address(self, page: ClusterPage) -> str:
        return format_html('<a href="{0}">{0}</a>', reverse("cluster_public", args=[page.cluster.slug]))
