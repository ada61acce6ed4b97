"""The coordinator reads applications, asks back, refuses, sends to the distributor and admits."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import BooleanField, Count, ExpressionWrapper, F, Q, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cluster_platform.onboarding.apply import contents
from cluster_platform.onboarding.files import as_download
from cluster_platform.onboarding.forms import TextForm
from cluster_platform.onboarding.status import timeline
from contracts.services.admission import NotAdmissible, admit
from metering.domain.calendar import local_day, time_zone
from metering.models import PointAssignment
from metering.selectors.areas import confirmers
from participants.domain.application_steps import STEPS, StepRefused, steps_from
from participants.mails import tell_distributor
from participants.models import Application, ApplicationDocument, Complaint, Participant
from participants.services.applications import take_step
from participants.services.complaints import answer_complaint
from participants.tenancy.admin import ReadOnlyTenantAdmin, TenantAdmin, request_may

STEP_WORDS = {
    "send": gettext_lazy("Send to the distributor"),
    "admit": gettext_lazy("Admit"),
    "ask": gettext_lazy("Ask the applicant"),
    "refuse": gettext_lazy("Refuse"),
}
TEXT_WORDS = {"ask": gettext_lazy("Your question"), "refuse": gettext_lazy("Reason, as the applicant reads it")}
#: Whose turn it is.
WAITS_FOR_US = ("submitted", "objected", "confirmed")


class TurnFilter(admin.SimpleListFilter):
    """The queue: what waits for the coordinator."""

    title = gettext_lazy("waits for")
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("us", _("you")), ("applicant", _("the applicant")), ("dso", _("the distributor"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        statuses = {"us": WAITS_FOR_US, "applicant": ("questions",), "dso": ("at_dso",)}.get(self.value() or "")
        return queryset.filter(status__in=statuses) if statuses else queryset


@admin.register(Application)
class ApplicationAdmin(ReadOnlyTenantAdmin):
    """The queue, oldest first; a draft is nobody's but the applicant's."""

    change_action = "review_applications"
    list_display = ("name", "kind", "number_of_points", "status", "submitted_at", "start_day")
    list_filter = (TurnFilter, "status", "kind")
    search_fields = ("name", "email", "nip", "points__code")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).exclude(status=Application.Status.DRAFT)
        # Those withdrawn before they were ever sent in stay private as well.
        known = rows.filter(submitted_at__isnull=False, erased_at=None)
        return known.annotate(found_points=Count("points", distinct=True))

    @admin.display(description=gettext_lazy("metering points"), ordering="found_points")
    def number_of_points(self, application: Any) -> int:
        return application.found_points

    def get_urls(self) -> list[Any]:
        file = path(
            "<int:application>/documents/<int:document>/",
            self.admin_site.admin_view(self.document),
            name="application_document",
        )
        return [file, *super().get_urls()]

    def document(self, request: HttpRequest, application: int, document: int) -> FileResponse:
        """A file of an application."""
        if not request_may(request, "review_applications"):
            raise PermissionDenied
        rows = self.get_queryset(request)
        found = get_object_or_404(ApplicationDocument, pk=document, application=get_object_or_404(rows, pk=application))
        return as_download(found)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The whole application with its timeline, and the steps that are open now."""
        application = self.get_object(request, unquote(object_id))
        if application is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        if not self.has_view_permission(request, application):
            raise PermissionDenied
        form = None
        if request.method == "POST":
            if not request_may(request, "review_applications", application):
                raise PermissionDenied
            form = self._take(request, application)
            if form is None:
                return redirect("admin:participants_application_change", application.pk)
        return TemplateResponse(request, "admin/onboarding/application.html", self._context(request, application, form))

    def _take(self, request: HttpRequest, application: Any) -> TextForm | None:
        """Take the step that was asked for; the form again if its text is missing."""
        step = request.POST.get("step", "")
        text = ""
        if step in STEPS and STEPS[step].needs_text:
            form = TextForm(request.POST, prefix=step)
            if not form.is_valid():
                return form
            text = form.cleaned_data["text"]
        cluster: Any = request.cluster  # type: ignore[attr-defined]
        user: Any = request.user
        try:
            if step == "admit":
                participant = admit(cluster, application.pk, user, timezone.now())
                messages.success(request, _("Admitted as %(participant)s.") % {"participant": participant})
            else:
                moved = take_step(cluster, application.pk, step, "coordinator", user, timezone.now(), text)
                if step == "send":
                    tell_distributor(moved, cluster, confirmers(cluster))
        except StepRefused:
            messages.warning(request, _("That was not possible any more: the application has moved on, see below."))
        except NotAdmissible as reason:
            messages.error(request, str(reason))
        return None

    def _context(self, request: HttpRequest, application: Any, refused: TextForm | None) -> dict[str, Any]:
        steps = []
        if request_may(request, "review_applications", application):
            for step in sorted(steps_from(application.status, "coordinator"), key=list(STEP_WORDS).index):
                form = None
                if STEPS[step].needs_text:
                    form = refused if refused and refused.prefix == step else TextForm(prefix=step)
                    form.fields["text"].label = TEXT_WORDS[step]
                steps.append((step, STEP_WORDS[step], form))
        return {
            **self.admin_site.each_context(request),
            **contents(application),
            "title": application.name,
            "subtitle": None,
            "opts": self.opts,
            "application": application,
            "steps": steps,
            "hints": hints(application),
            "timeline": timeline(application, everything=True),
            "zone": time_zone(request.cluster.timezone),  # type: ignore[attr-defined]
        }


def hints(application: Application) -> list[str]:
    """What the coordinator should look at before deciding."""
    found = []
    codes = application.points.values("code")
    taken = PointAssignment.objects.filter(metering_point__code__in=codes, valid_to=None)
    if application.participant_id:
        taken = taken.exclude(participant=application.participant_id)
    for row in taken.select_related("metering_point", "participant"):
        values = {"point": row.metering_point, "owner": row.participant or "–"}
        found.append(_("The metering point %(point)s belongs to %(owner)s now.") % values)
    same = Q(name__iexact=application.name)
    for name in ("nip", "iban"):
        if getattr(application, name):
            same |= Q(**{name: getattr(application, name)})
    others = Participant.objects.filter(same)
    if application.participant_id:
        others = others.exclude(pk=application.participant_id)
    found += [_("%(other)s has the same name, tax number or account.") % {"other": other} for other in others]
    return found


class WaitFilter(admin.SimpleListFilter):
    """What is to be answered, and what should have been by now."""

    title = gettext_lazy("answer")
    parameter_name = "answer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("late", _("late")), ("open", _("not answered")), ("done", _("answered"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = {"late": Q(is_late=True), "open": Q(answered_at=None), "done": Q(answered_at__isnull=False)}
        return queryset.filter(wanted.get(self.value() or "", Q()))


@admin.register(Complaint)
class ComplaintAdmin(TenantAdmin):
    """Complaints, those without an answer first; an answer is written once."""

    view_action = "view_cluster"
    change_action = "answer_complaints"
    list_display = ("subject", "participant", "made_at", "due_on", "state")
    list_filter = (WaitFilter,)
    search_fields = ("subject", "text", "participant__name", "participant__code")
    list_select_related = ("participant",)
    fields = ("participant", "user", "made_at", "due_on", "subject", "text", "answer")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        today = local_day(timezone.now(), time_zone(request.cluster.timezone))  # type: ignore[attr-defined]
        late = Q(answered_at=None, due_on__lt=today)
        rows = super().get_queryset(request).annotate(is_late=ExpressionWrapper(late, BooleanField()))
        return rows.order_by(F("answered_at").desc(nulls_first=True), "due_on")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or not obj.answer)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields[:-1] if obj is None or not obj.answer else self.fields

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if "answer" in form.base_fields:
            form.base_fields["answer"].required = True
        return form

    @admin.display(description=gettext_lazy("status"), ordering="answered_at")
    def state(self, complaint: Any) -> Any:
        if complaint.answered_at is not None:
            return _("answered")
        if complaint.is_late:
            return format_html('<strong class="late">{}</strong>', _("late"))
        return _("waits for your answer")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        cluster: Any = request.cluster  # type: ignore[attr-defined]
        user: Any = request.user
        answer_complaint(cluster, obj.pk, form.cleaned_data["answer"], user, timezone.now())
