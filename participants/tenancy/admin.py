"""The admin over tenant rows: the cluster in scope is the only one that exists there."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django.utils.translation import gettext

from participants.models import Change
from participants.permissions import Action, may
from participants.selectors.history import entries

HISTORY_A_PAGE = 100


class TenantForm(ModelForm):
    """Checks a row together with its cluster, which no form shows."""

    cluster_id: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.cluster_id is None:
            self.instance.cluster_id = self.cluster_id

    def _get_validation_exclusions(self) -> set[str]:
        # Unique constraints include the cluster: excluded, they would only be found by the database.
        return super()._get_validation_exclusions() - {"cluster"}  # type: ignore[misc]

    def _update_errors(self, errors: ValidationError) -> None:
        # The form has no field for the cluster to show what is wrong with it.
        if hasattr(errors, "error_dict") and "cluster" in errors.error_dict:
            errors.error_dict.setdefault(NON_FIELD_ERRORS, []).extend(errors.error_dict.pop("cluster"))
        super()._update_errors(errors)  # type: ignore[misc]


def request_may(request: HttpRequest, action: Action, obj: Any = None) -> bool:
    """What `may` says of the access that the request works with."""
    return may(request.access, action, obj)  # type: ignore[attr-defined]


def may_operate(request: HttpRequest) -> bool:
    """The user runs the platform."""
    return bool(request.user.is_active and request.user.is_superuser)


class CoordinatorPermissions:
    """Who may view and change rows of the cluster in scope; nothing that was settled is ever deleted here.

    A page names the actions of `participants.permissions` that it needs.
    """

    view_action: Action = "view_cluster"
    change_action: Action = "change_settings"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request_may(request, self.view_action)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request_may(request, self.view_action, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request_may(request, self.change_action, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request_may(request, self.change_action, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ViewOnly:
    """Nothing can be added or changed by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OperatorOnly:
    """Rows of the installation rather than of a cluster."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_operate(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_operate(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_operate(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_operate(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TenantAdmin(CoordinatorPermissions, admin.ModelAdmin):
    """A page over the rows of one tenant model."""

    form = TenantForm
    list_per_page = 50
    show_full_result_count = False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.cluster_id = request.cluster.pk  # type: ignore[attr-defined]
        return form

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        title = capfirst(self.opts.verbose_name)
        return super().changeform_view(request, object_id, form_url, {"title": title, **(extra_context or {})})

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """What the database noted of this row, instead of what the admin says it did."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        if not (self.has_view_permission(request, row) and request_may(request, "view_audit", row)):
            raise PermissionDenied
        changes = Change.objects.filter(
            cluster=row.cluster_id, table_name=self.opts.db_table, row_id=row.pk
        ).select_related("user")
        page = Paginator(changes, HISTORY_A_PAGE).get_page(request.GET.get("p"))
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("History of changes: %(row)s") % {"row": row},
            "subtitle": None,
            "entries": entries(page.object_list),
            "page": page,
            "audited": self.model.audited,
            "zone": request.cluster.timezone,  # type: ignore[attr-defined]
            "object": row,
            "opts": self.opts,
            "module_name": str(self.opts.verbose_name_plural),
            "preserved_filters": self.get_preserved_filters(request),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/tenant_history.html", context)

    # The database notes every change, so the admin does not: its log knows no clusters.
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any: ...

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any: ...

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any: ...


class TenantInline(CoordinatorPermissions, admin.TabularInline):
    """Rows of one tenant model below another."""

    extra = 0

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        form = type("InlineForm", (TenantForm,), {"cluster_id": request.cluster.pk})  # type: ignore[attr-defined]
        return super().get_formset(request, obj, form=form, **kwargs)


class ReadOnlyTenantAdmin(ViewOnly, TenantAdmin):
    """What was settled can be looked at."""


class ReadOnlyTenantInline(ViewOnly, TenantInline):
    """What was settled can be looked at, below what it belongs to."""

    can_delete = False
