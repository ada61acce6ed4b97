"""Page of the coordinator's admin: which readings are there, who owes the others, and what can be done about it."""

from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from cluster_platform.completeness import Page, context, page
from cluster_platform.portal.periods import asked_day
from metering.domain.calendar import each_day, next_month
from metering.models import ReminderSetting
from metering.selectors.matrix import due_by_day
from metering.selectors.owed import silent_days
from metering.tasks import estimate_days_of_cluster
from participants.models import Cluster
from participants.permissions import may

MOST_DAYS = 31


class ReminderForm(ModelForm):
    class Meta:
        model = ReminderSetting
        fields = ("on", "hour")


def completeness(request: HttpRequest) -> HttpResponse:
    """The matrix of a month; a POST has silent days estimated (`what=estimate`) or sets the reminders."""
    cluster = request.cluster  # type: ignore[attr-defined]
    if cluster is None:
        raise Http404
    now = timezone.now()
    setting = ReminderSetting.objects.filter(cluster=cluster).first() or ReminderSetting(cluster=cluster)
    form = ReminderForm(instance=setting)
    if request.method == "POST":
        if request.POST.get("what") == "estimate":
            return _estimate(request, cluster)
        _allow(request, "change_settings")
        form = ReminderForm(request.POST, instance=setting)
        if form.is_valid():
            form.save()
            messages.success(request, gettext("Stored."))
            return redirect(request.get_full_path())
    access = request.access  # type: ignore[attr-defined]
    shown = page(request, cluster, now)
    return TemplateResponse(request, "admin/completeness.html", {
        **admin.site.each_context(request),
        **context(shown),
        "title": gettext("Completeness of readings"),
        "silent": _silent(shown, now),
        "form": form,
        "may_estimate": may(access, "substitute_readings"),
        "may_set": may(access, "change_settings"),
    })  # fmt: skip


def _estimate(request: HttpRequest, cluster: Cluster) -> HttpResponse:
    """Have the days estimated in the background: a large cluster takes longer than a page may."""
    _allow(request, "substitute_readings")
    asked = {day for text in request.POST.getlist("day")[:MOST_DAYS] if (day := asked_day(text))}
    days = [day.isoformat() for day in sorted(asked)]
    if days:
        transaction.on_commit(partial(estimate_days_of_cluster.delay, cluster.pk, days), robust=True)
        text = ngettext("%(n)s day is being estimated.", "%(n)s days are being estimated.", len(days))
        messages.success(request, text % {"n": len(days)})
    else:
        messages.warning(request, gettext("Tick at least one day."))
    return redirect(request.get_full_path())


def _silent(shown: Page, now: datetime) -> list[tuple[Any, int]]:
    days = list(each_day(shown.month.first, next_month(shown.month.first)))
    return silent_days(shown.cluster.pk, days, due_by_day(days, shown.tz, now))


def _allow(request: HttpRequest, action: Any) -> None:
    if not may(request.access, action):  # type: ignore[attr-defined]
        raise PermissionDenied
