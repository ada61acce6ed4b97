"""What the coordinator does for several participants at once."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.mail import EmailMessage, get_connection
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cluster_platform.member_tables_admin import MemberTables, table_response
from contracts.services.agreements import Actor
from contracts.services.ending import end_trading
from metering.domain.calendar import local_day, time_zone
from participants.tenancy.admin import request_may

ACTIONS = (
    "end_contracts", "send_message", "participants_xlsx", "participants_csv", "points_xlsx", "points_csv",
)  # fmt: skip


class EndForm(forms.Form):
    """From which local day on the selected do not trade."""

    day = forms.DateField(label=_("First day without it"), widget=forms.DateInput({"type": "date"}))
    reason = forms.CharField(label=_("Reason"), max_length=300)


class MessageForm(forms.Form):
    """A text to each of the selected."""

    subject = forms.CharField(label=_("Subject"), max_length=150)
    text = forms.CharField(label=_("Text"), max_length=5000, widget=forms.Textarea({"rows": 10, "cols": 70}))

    def clean_subject(self) -> str:
        return " ".join(str(self.cleaned_data["subject"]).split())


class ParticipantActions(MemberTables):
    """Actions of the list of participants, each behind the permission that it needs."""

    def has_people_permission(self, request: HttpRequest) -> bool:
        return request_may(request, "change_people")

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request_may(request, "export_cluster")

    @admin.action(description=_("End the contract of the selected…"), permissions=["people"])
    def end_contracts(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        cluster = request.cluster  # type: ignore[attr-defined]
        now = timezone.now()
        tomorrow = local_day(now, time_zone(cluster.timezone)) + dt.timedelta(days=1)
        form = EndForm(request.POST if "apply" in request.POST else None, initial={"day": tomorrow})
        if not form.is_valid():
            return self._ask(request, queryset, form, "end_contracts", gettext("End contracts"))
        actor = Actor(request.user, request.access)  # type: ignore[attr-defined, arg-type]
        day, reason = form.cleaned_data["day"], form.cleaned_data["reason"]
        outcomes = end_trading(cluster, queryset, day, actor, now, reason)
        ended = sum(not outcome.refused for outcome in outcomes)
        if ended:
            text = ngettext("%(n)s contract ends.", "%(n)s contracts end.", ended) % {"n": ended}
            messages.success(request, text)
        for outcome in outcomes:
            if outcome.refused:
                messages.error(request, f"{outcome.participant}: {outcome.refused}")
        return None

    @admin.action(description=_("Send a message to the selected…"), permissions=["people"])
    def send_message(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        form = MessageForm(request.POST if "apply" in request.POST else None)
        if not form.is_valid():
            return self._ask(request, queryset, form, "send_message", gettext("Send a message"))
        people = list(queryset)
        addresses = sorted({person.email for person in people if person.email})
        subject, text = form.cleaned_data["subject"], form.cleaned_data["text"]
        # One each: nobody sees the others' addresses.
        mails = [EmailMessage(subject, text, to=[address]) for address in addresses]
        try:
            sent = get_connection().send_messages(mails) or 0
        except OSError:
            messages.error(request, gettext("The mail server can't be reached; try again later."))
            return None
        messages.success(request, ngettext("%(n)s message sent.", "%(n)s messages sent.", sent) % {"n": sent})
        silent = [str(person) for person in people if not person.email]
        if silent:
            messages.warning(request, gettext("Without an e-mail address: %(names)s") % {"names": ", ".join(silent)})
        return None

    @admin.action(description=_("Export participants (XLSX)"), permissions=["export"])
    def participants_xlsx(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return table_response(request, "participants", "xlsx", queryset)

    @admin.action(description=_("Export participants (CSV)"), permissions=["export"])
    def participants_csv(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return table_response(request, "participants", "csv", queryset)

    @admin.action(description=_("Export their metering points (XLSX)"), permissions=["export"])
    def points_xlsx(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return table_response(request, "metering_points", "xlsx", queryset)

    @admin.action(description=_("Export their metering points (CSV)"), permissions=["export"])
    def points_csv(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return table_response(request, "metering_points", "csv", queryset)

    def _ask(
        self, request: HttpRequest, queryset: QuerySet[Any], form: forms.Form, action: str, title: str
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "form": form,
            "people": list(queryset),
            "action": action,
            "checkbox": ACTION_CHECKBOX_NAME,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/participants/participant/action.html", context)
