"""Consents, and requests to be forgotten, in the coordinator's admin."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contracts.services.erasure import ErasureRefused, erase_participant
from participants.models import Consent, ErasureRequest
from participants.tenancy.admin import ReadOnlyTenantAdmin, request_may


@admin.register(Consent)
class ConsentAdmin(ReadOnlyTenantAdmin):
    """Every decision, newest first; only members make them."""

    list_display = ("decided_at", "participant", "purpose", "given", "decided_by")
    list_filter = ("purpose", "given")
    search_fields = ("participant__code", "participant__name")
    list_select_related = ("participant", "decided_by")
    fields = ("participant", "purpose", "given", "decided_at", "decided_by")


@admin.register(ErasureRequest)
class ErasureRequestAdmin(ReadOnlyTenantAdmin):
    """Who asked to be forgotten; carried out here, once what stands against it has ended."""

    list_display = ("participant", "requested_at", "requested_by", "erased_at", "erased_by")
    list_filter = (("erased_at", admin.EmptyFieldListFilter),)
    search_fields = ("participant__code", "participant__name")
    list_select_related = ("participant", "requested_by", "erased_by")
    fields = ("participant", "requested_at", "requested_by", "erased_at", "erased_by")
    actions = ("erase",)

    def has_people_permission(self, request: HttpRequest) -> bool:
        return request_may(request, "change_people")

    @admin.action(description=_("Erase the personal data for good"), permissions=["people"])
    def erase(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        wanted = list(queryset.filter(erased_at=None).select_related("participant"))
        if "apply" not in request.POST:
            context = {
                **self.admin_site.each_context(request),
                "title": gettext("Erase the personal data for good"),
                "wanted": wanted,
                "checkbox": ACTION_CHECKBOX_NAME,
                "opts": self.opts,
            }
            return TemplateResponse(request, "admin/erase.html", context)
        done = []
        for row in wanted:
            code = row.participant.code
            try:
                if erase_participant(row.participant, request.user, timezone.now()):  # type: ignore[arg-type]
                    done.append(code)
            except ErasureRefused as refused:
                against = refused.obstacles
                text = gettext(
                    "%(number)s can't be erased yet: contracts in force %(contracts)s, "
                    "metering points held %(points)s, complaints to be answered %(complaints)s."
                )
                counts = {"contracts": against.contracts, "points": against.points, "complaints": against.complaints}
                messages.error(request, text % {"number": code, **counts})
        if done:
            messages.success(request, gettext("Erased: %(numbers)s") % {"numbers": ", ".join(done)})
        return None
