"""Agreements in the coordinator's admin: list, offer, sign, suspend, amend, end."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contracts.agreement_bulk import BULK, AgreementActions
from contracts.agreement_evidence import actor_of, evidence_of
from contracts.agreement_forms import ActForm, AmendForm, OfferForm, PartnerForm, TemplateForm
from contracts.agreement_models import AgreementState
from contracts.agreement_words import TO_DO, declaration
from contracts.domain.agreement_states import STANDING, Act, AgreementError, Kind, State, acts_from, permission
from contracts.models import Agreement, AgreementTemplate, ExternalPartner
from contracts.selectors.agreements import agreements_on, read
from contracts.services import agreements
from contracts.services.agreement_confirmation import confirmation_of
from contracts.services.agreement_papers import add_template
from metering.domain.calendar import local_day, time_zone
from participants.tenancy.admin import TenantAdmin, ViewOnly, request_may

#: Acts whose form asks for a day, for a reason, for a tick.
WITH_DAY = frozenset({Act.SUSPEND, Act.RESUME, Act.TERMINATE, Act.CLOSE})
WITH_REASON = frozenset({Act.WITHDRAW, Act.SUSPEND, Act.TERMINATE, Act.CLOSE})
SIGNING = frozenset({Act.COUNTERSIGN, Act.RECORD_ACCEPTANCE})


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return AgreementState.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() else queryset


@admin.register(Agreement)
class AgreementAdmin(ViewOnly, AgreementActions, TenantAdmin):
    """A row is written by the services only; the page of one shows its text, evidence and what can be done."""

    change_action = "change_people"
    list_display = ("number", "agreed_with", "kind", "state_now", "since", "document_pdf")
    list_display_links = ("number", "agreed_with")
    list_filter = ("kind", StateFilter)
    actions = BULK
    search_fields = ("participant__code", "participant__name", "partner__name", "dso__name")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request_may(request, "change_people")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Agreement]:
        return agreements_on(request.cluster, timezone.now())  # type: ignore[attr-defined]

    @admin.display(description=_("partner"))
    def agreed_with(self, agreement: Agreement) -> str:
        return str(agreement.other_side)

    @admin.display(description=_("state"))
    def state_now(self, agreement: Any) -> str:
        return str(AgreementState(agreement.state).label)

    @admin.display(description=_("from"))
    def since(self, agreement: Any) -> Any:
        return agreement.day

    @admin.display(description=_("PDF"))
    def document_pdf(self, agreement: Agreement) -> SafeString:
        return format_html('<a href="{}">PDF</a>', reverse("admin:contracts_agreement_pdf", args=[agreement.pk]))

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/pdf/", view(self.pdf), name="contracts_agreement_pdf"),
            path("<int:pk>/signatures/", view(self.confirmation), name="contracts_agreement_confirmation"),
            path("<int:pk>/amend/", view(self.amend), name="contracts_agreement_amend"),
            path("<int:pk>/act/<slug:act>/", view(self.act), name="contracts_agreement_act"),
            *super().get_urls(),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Prepare an agreement; its page is where it is looked at and offered."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        cluster, now = request.cluster, timezone.now()  # type: ignore[attr-defined]
        today = local_day(now, time_zone(cluster.timezone))
        form = OfferForm(request.POST or None, cluster=cluster, today=today)
        if request.method == "POST" and form.is_valid():
            chosen = dict(form.cleaned_data)
            dso = cluster.dso if chosen["dso_settlement"] else None
            try:
                made = agreements.prepare(cluster, actor_of(request), now, chosen.pop("start_day"), dso=dso, **chosen)
                return self._to(made.pk)
            except AgreementError as error:
                form.add_error(None, str(error))
        return self._form_page(request, form, gettext("New agreement"), gettext("Prepare the agreement"))

    def amend(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Prepare the version that replaces this one."""
        agreement = self._one(request, pk)
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = AmendForm(request.POST or None, initial={"dso_settlement": agreement.dso_settlement})
        if agreement.kind != Kind.DSO:
            del form.fields["dso_settlement"]
        if request.method == "POST" and form.is_valid():
            try:
                made = agreements.amend(agreement, actor_of(request), timezone.now(), **form.cleaned_data)
                return self._to(made.pk)
            except AgreementError as error:
                form.add_error(None, str(error))
        title = gettext("Amend agreement No. %(number)s") % {"number": agreement.number}
        return self._form_page(request, form, title, gettext("Prepare the amendment"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The agreement with its text, its evidence, its history, and the buttons of what can be done now."""
        if not object_id.isdecimal():
            raise Http404
        agreement = self._one(request, int(object_id))
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Agreement No. %(number)s") % {"number": agreement.number},
            "subtitle": None,
            "opts": self.opts,
            "reading": read(agreement),
            "todo": [_button(agreement, act) for act in _possible(request, agreement)],
            "amendable": State(agreement.state) in STANDING - {State.SIGNED} and self.has_add_permission(request),
            "zone": request.cluster.timezone,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "admin/agreement.html", context)

    def act(self, request: HttpRequest, pk: int, act: str) -> HttpResponse:
        """One act of the office or the coordinator."""
        agreement = self._one(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if act not in TO_DO:
            raise Http404
        form = ActForm(request.POST)
        if not form.is_valid():
            messages.error(request, gettext("That is not a day."))
        elif act in SIGNING and not form.cleaned_data["agreed"]:
            messages.error(request, gettext("Tick the box first: nothing was done."))
        else:
            try:
                self._do(request, agreement, Act(act), form.cleaned_data)
                messages.success(request, gettext("Done: %(act)s") % {"act": TO_DO[act]})
            except AgreementError as error:
                messages.error(request, str(error))
        return self._to(pk)

    def _do(self, request: HttpRequest, agreement: Agreement, act: Act, values: dict[str, Any]) -> None:
        actor, now, day, reason = actor_of(request), timezone.now(), values["day"], values["reason"]
        if act in SIGNING:
            side = "coordinator" if act == Act.COUNTERSIGN else "partner"
            how = evidence_of(request, declaration(agreement, act), request.POST.get("digest", ""))
            agreements.sign(agreement, actor, side, now, how)
        elif act == Act.OFFER:
            agreements.offer(agreement, actor, now)
        elif act == Act.WITHDRAW:
            agreements.withdraw(agreement, actor, now, reason)
        elif act == Act.SUSPEND:
            agreements.suspend(agreement, actor, now, day, reason)
        elif act == Act.RESUME:
            agreements.resume(agreement, actor, now, day)
        elif act == Act.TERMINATE:
            agreements.terminate(agreement, actor, now, day, reason)
        else:
            agreements.end_by_move_or_death(agreement, actor, now, day, reason)

    def pdf(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The document, byte for byte."""
        agreement = self._one(request, pk)
        return HttpResponse(
            bytes(agreement.documents.get().pdf),
            content_type="application/pdf",
            headers={"Content-Disposition": f'attachment; filename="agreement-{agreement.number}.pdf"'},
        )

    def confirmation(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The document with the evidence of its signatures."""
        agreement = self._one(request, pk)
        return HttpResponse(
            confirmation_of(agreement),
            content_type="application/pdf",
            headers={"Content-Disposition": f'attachment; filename="agreement-{agreement.number}-signatures.pdf"'},
        )

    def _one(self, request: HttpRequest, pk: int) -> Any:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return get_object_or_404(self.get_queryset(request), pk=pk)

    def _to(self, pk: int) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:contracts_agreement_change", args=[pk]))

    def _form_page(self, request: HttpRequest, form: Any, title: str, button: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "subtitle": None,
            "opts": self.opts,
            "form": form,
            "button": button,
            "media": self.media + form.media,
        }
        return TemplateResponse(request, "admin/agreement_form.html", context)


@admin.register(AgreementTemplate)
class AgreementTemplateAdmin(TenantAdmin):
    """Versions are added, never changed."""

    form = TemplateForm
    list_display = ("kind", "language", "version", "notice_days", "created_at", "created_by")
    list_filter = ("kind", "language")
    readonly_fields = ("version", "created_at", "created_by")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj else ("version", "created_at", "created_by")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.readonly_fields if obj else ()

    def save_model(self, request: HttpRequest, obj: AgreementTemplate, form: ModelForm, change: bool) -> None:
        made = add_template(
            request.cluster, obj.kind, obj.language, obj.body, obj.notice_days, request.user, timezone.now(),  # type: ignore[arg-type, attr-defined]
        )  # fmt: skip
        obj.pk, obj.version = made.pk, made.version


@admin.register(ExternalPartner)
class ExternalPartnerAdmin(TenantAdmin):
    form = PartnerForm
    change_action = "change_people"
    list_display = ("name", "kind", "nip", "city")
    list_filter = ("kind",)
    search_fields = ("name", "nip")


def _possible(request: HttpRequest, agreement: Any) -> list[Act]:
    kind = Kind(agreement.kind)
    rows = [row for row in acts_from(State(agreement.state), kind) if row.act in TO_DO]
    allowed = [(row.act, permission(row, kind)) for row in rows]
    return [act for act, action in allowed if action and request_may(request, action, agreement)]  # type: ignore[arg-type]


def _button(agreement: Agreement, act: Act) -> dict[str, Any]:
    return {
        "act": act.value,
        "label": TO_DO[act],
        "day": act in WITH_DAY,
        "reason": act in WITH_REASON,
        "declaration": declaration(agreement, act) if act in SIGNING else "",
    }
