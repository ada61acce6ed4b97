"""The coordinator invites people, one by one or from a list."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from cluster_platform.onboarding.invitation_list import COLUMNS, MOST_BYTES, ListRefused, decode, read_list
from participants.models import Invitation
from participants.services.invitations import Invited, send_invitations
from participants.tenancy.admin import TenantAdmin, request_may


class ListForm(forms.Form):
    """A file with people to invite."""

    file = forms.FileField(label=gettext_lazy("File (CSV)"), widget=forms.FileInput(attrs={"accept": ".csv,.txt"}))
    language = forms.ChoiceField(
        label=gettext_lazy("Language of the e-mail, where the file names none"), choices=settings.LANGUAGES
    )


class UseFilter(admin.SimpleListFilter):
    """What came of the invitations."""

    title = gettext_lazy("invitation")
    parameter_name = "use"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("not used yet")), ("used", _("used")), ("expired", _("expired"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = timezone.now()
        wanted = {
            "open": Q(used_at=None, expires_at__gt=now),
            "used": Q(used_at__isnull=False),
            "expired": Q(used_at=None, expires_at__lte=now),
        }
        return queryset.filter(wanted.get(self.value() or "", Q()))


@admin.register(Invitation)
class InvitationAdmin(TenantAdmin):
    """Adding an invitation sends it; it is never changed afterwards."""

    change_action = "review_applications"
    change_list_template = "admin/onboarding/invitations.html"
    list_display = ("email", "name", "kind", "language", "created_at", "expires_at", "used_at")
    list_filter = (UseFilter,)
    search_fields = ("email", "name")
    fields = ("email", "name", "kind", "legal_form", "language")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        person = Invited(obj.email, obj.name, obj.kind, obj.legal_form)
        obj.pk = self._send(request, [person], obj.language)[0].pk

    def get_urls(self) -> list[Any]:
        whole = path("import/", self.admin_site.admin_view(self.import_list), name="participants_invitation_import")
        return [whole, *super().get_urls()]

    def import_list(self, request: HttpRequest) -> HttpResponse:
        """A file first, then what would be sent, line by line, then sending what has no fault."""
        if not request_may(request, "review_applications"):
            raise PermissionDenied
        form = ListForm(request.POST or None, request.FILES or None, initial={"language": get_language()})
        context: dict[str, Any] = {"form": form, "columns": COLUMNS}
        if request.method == "POST":
            try:
                text, language = self._text(request, form)
                if text is not None:
                    lines = read_list(text)
                    good = [line.person for line in lines if not line.faults]
                    if "send" in request.POST:
                        count = len(self._send(request, good, language))
                        sent = ngettext("%(n)s invitation is sent.", "%(n)s invitations are sent.", count)
                        messages.success(request, sent % {"n": count})
                        return redirect("admin:participants_invitation_changelist")
                    context |= {"lines": lines, "good": len(good), "text": text, "language": language}
            except ListRefused as refused:
                form.add_error(None, str(refused))
        frame = {**self.admin_site.each_context(request), "title": _("Invite from a list"), "opts": self.opts}
        return TemplateResponse(request, "admin/onboarding/import.html", frame | context)

    def _text(self, request: HttpRequest, form: ListForm) -> tuple[str | None, str]:
        """What was uploaded, or what was shown before and is now sent; and the language for it."""
        if "send" in request.POST:
            form.is_bound = False
            language = request.POST.get("language", "")
            known = language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
            return decode(request.POST.get("list", "").encode()), known
        if not form.is_valid():
            return None, ""
        return decode(form.cleaned_data["file"].read(MOST_BYTES + 1)), form.cleaned_data["language"]

    def _send(self, request: HttpRequest, people: list[Invited], language: str) -> list[Invitation]:
        cluster: Any = request.cluster  # type: ignore[attr-defined]
        user: Any = request.user
        return send_invitations(cluster, people, user, timezone.now(), language)
