"""What the coordinator does to several agreements at once; each succeeds or is refused for itself."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from contracts.agreement_evidence import actor_of, evidence_of
from contracts.agreement_forms import Day
from contracts.agreement_words import declaration
from contracts.domain.agreement_states import Act, AgreementError
from contracts.models import AgreementDocument
from contracts.services import agreements
from participants.tenancy.admin import request_may

BULK = ("sign_selected", "withdraw_selected", "amend_selected", "notice_selected")
#: An agreement and the values of the form.
Doing = Callable[[Any, dict[str, Any]], Any]


class SignForm(forms.Form):
    """What the coordinator declares for all."""

    agreed = forms.BooleanField(label=_("I have read these agreements and accept them."))


class WithdrawForm(forms.Form):
    """Why, as the partners read it."""

    reason = forms.CharField(label=_("Reason"), max_length=400)


class AmendAllForm(forms.Form):
    """From when the new versions hold."""

    start_day = forms.DateField(label=_("In force from"), widget=Day)


class NoticeForm(forms.Form):
    """When it ends, and why."""

    day = forms.DateField(
        label=_("First day without it"), widget=Day, required=False,
        help_text=_("Empty: as soon as the notice period of each allows."),
    )  # fmt: skip
    reason = forms.CharField(label=_("Reason"), max_length=400)


class AgreementActions(admin.ModelAdmin):
    """Actions of the list of agreements, each behind the permission that it needs."""

    def has_people_permission(self, request: HttpRequest) -> bool:
        return request_may(request, "change_people")

    def has_sign_permission(self, request: HttpRequest) -> bool:
        return request_may(request, "sign_for_coordinator")

    @admin.action(description=_("Sign the selected for the coordinator…"), permissions=["sign"])
    def sign_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        now = timezone.now()

        def sign(agreement: Any, values: dict[str, Any]) -> None:
            shown = request.POST.get(f"digest-{agreement.pk}", "")
            how = evidence_of(request, declaration(agreement, Act.COUNTERSIGN), shown)
            agreements.sign(agreement, actor_of(request), "coordinator", now, how)

        return self._each(request, queryset, "sign_selected", SignForm, gettext("Sign for the coordinator"), sign)

    @admin.action(description=_("Withdraw the selected offers…"), permissions=["people"])
    def withdraw_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        now = timezone.now()

        def withdraw(agreement: Any, values: dict[str, Any]) -> None:
            agreements.withdraw(agreement, actor_of(request), now, values["reason"])

        return self._each(
            request, queryset, "withdraw_selected", WithdrawForm, gettext("Withdraw the offers"), withdraw
        )

    @admin.action(description=_("Amend the selected and offer the amendments…"), permissions=["people"])
    def amend_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        now = timezone.now()

        def amend(agreement: Any, values: dict[str, Any]) -> None:
            made = agreements.amend(agreement, actor_of(request), now, values["start_day"])
            agreements.offer(made, actor_of(request), now)

        return self._each(request, queryset, "amend_selected", AmendAllForm, gettext("Offer the amendments"), amend)

    @admin.action(description=_("Give notice of the selected…"), permissions=["sign"])
    def notice_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        now = timezone.now()

        def end(agreement: Any, values: dict[str, Any]) -> None:
            agreements.terminate(agreement, actor_of(request), now, values["day"], values["reason"])

        return self._each(request, queryset, "notice_selected", NoticeForm, gettext("Give notice"), end)

    def _each(
        self, request: HttpRequest, queryset: QuerySet[Any], action: str, form_class: type[forms.Form], title: str,
        act: Doing,
    ) -> HttpResponse | None:  # fmt: skip
        form = form_class(request.POST if "apply" in request.POST else None)
        if not form.is_valid():
            return self._ask(request, queryset, action, form, title)
        done = 0
        for agreement in queryset:
            try:
                act(agreement, form.cleaned_data)
                done += 1
            except AgreementError as error:
                messages.error(request, f"{agreement}: {error}")
            except PermissionDenied:
                messages.error(request, f"{agreement}: {gettext('You may not do this.')}")
        if done:
            text = ngettext("%(n)s agreement: done.", "%(n)s agreements: done.", done)
            messages.success(request, text % {"n": done})
        return None

    def _ask(
        self, request: HttpRequest, queryset: QuerySet[Any], action: str, form: forms.Form, title: str
    ) -> HttpResponse:
        documents = AgreementDocument.objects.filter(agreement__in=[row.pk for row in queryset])
        digests = dict(documents.values_list("agreement", "pdf_sha256"))
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "subtitle": None,
            "form": form,
            "rows": [(agreement, digests.get(agreement.pk, "")) for agreement in queryset],
            "action": action,
            "checkbox": ACTION_CHECKBOX_NAME,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/agreement_bulk.html", context)
