"""API keys in the coordinator's admin: what each may write, when it was last used, revoked at once."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Max, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from metering.models import KeyScope
from participants.api_keys import create_api_key
from participants.models import ApiKey
from participants.tenancy.admin import TenantAdmin, TenantInline


class KeyScopeInline(TenantInline):
    model = KeyScope
    autocomplete_fields = ("metering_point", "grid_node")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)


@admin.register(ApiKey)
class ApiKeyAdmin(TenantAdmin):
    list_display = ("name", "created_at", "last_used", "revoked_at")
    fields = ("name", "created_at", "last_used", "revoked_at")
    readonly_fields = ("created_at", "last_used")
    inlines = (KeyScopeInline,)
    actions = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        return super().get_queryset(request).annotate(last_used_at=Max("uses__last_used_at"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields if obj else ("name",)

    @admin.display(description=_("last used"), ordering="last_used_at")
    def last_used(self, key: Any) -> Any:
        return key.last_used_at or gettext("never")

    @admin.action(description=_("Revoke the chosen keys"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        number = queryset.filter(revoked_at=None).update(revoked_at=timezone.now())
        text = ngettext("%(n)s key was revoked.", "%(n)s keys were revoked.", number)
        self.message_user(request, text % {"n": number}, messages.SUCCESS)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: ModelForm, change: bool) -> None:
        if change:
            obj.save()
            return
        token, stored = create_api_key(request.cluster, obj.name)  # type: ignore[attr-defined]
        obj.pk, obj.created_at = stored.pk, stored.created_at
        text = gettext("The key, shown only now: %(token)s") % {"token": token}
        messages.warning(request, text)
