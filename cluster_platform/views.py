"""The portal's pages: what a user sees after signing in."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from allauth.usersessions.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cluster_platform.portal import charts, cluster_now, directory, energy, missing, money, periods, reading_log, trades
from cluster_platform.portal.bills import newest_unopened
from cluster_platform.portal.standard import parts_of_month
from metering.domain.calendar import each_day, local_day, next_month, time_zone
from metering.selectors.areas import nodes_of
from metering.selectors.retention import aggregated_months
from metering.services.access_log import Reader
from participants.middleware import SESSION_KEY, access_key
from participants.models import Cluster, Participant
from participants.permissions import may
from participants.tenancy.scope import scope

TRADES_A_PAGE = 50


@dataclass(frozen=True)
class Member:
    """Who looks at a member's page, in which cluster, and when."""

    participant: Participant
    cluster: Cluster
    tz: ZoneInfo
    own: energy.OwnPoints
    now: datetime

    @property
    def today(self) -> date:
        return local_day(self.now, self.tz)


MemberView = Callable[..., HttpResponse]


def for_members(view: MemberView) -> MemberView:
    """Lets members in, each to their own participant."""

    @wraps(view)
    @never_cache
    @require_safe
    @login_required
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        access = request.access  # type: ignore[attr-defined]
        if not may(access, "view_own"):
            raise PermissionDenied
        cluster = request.cluster  # type: ignore[attr-defined]
        tz = time_zone(cluster.timezone)
        participant = Participant.objects.get(pk=access.participant_id)
        member = Member(participant, cluster, tz, energy.own_points(participant.pk, tz), timezone.now())
        return view(request, member, *args, **kwargs)

    return guarded


def home(request: HttpRequest) -> HttpResponse:
    """The first page of the user's role."""
    if not request.user.is_authenticated:
        return redirect("account_login")
    access = request.access  # type: ignore[attr-defined]
    if access is None:
        return render(request, "no_access.html")
    if access.role == "member":
        return member_home(request)
    if access.role == "applicant":
        return redirect("apply", request.cluster.slug)  # type: ignore[attr-defined]
    return redirect("dso" if access.role == "dso" else "admin:index")


@for_members
def member_home(request: HttpRequest, member: Member) -> HttpResponse:
    """Saved, drawn and fed in, the day, the cluster now, the latest trades, the statement."""
    statements = money.newest_statements(member.participant.pk)
    day, month = _day_and_month(request, member, next(iter(statements), None))
    statement = statements.get(month.first)
    kept = money.kept_promises(statement) if statement else []
    this_month = periods.month_span(member.today, member.tz)
    context = frame(member, "home") | _day(member, day) | _now(member) | _metered(member, month)
    context |= {
        "new_bill": newest_unopened(member.participant, request.user),  # type: ignore[arg-type]
        "month": month,
        "months": _neighbours(month.first, sorted({*statements, member.today.replace(day=1)})),
        "statement": statement,
        "kept": kept,
        "saved": money.saved(kept),
        "sides": {side.side: side for side in kept},
        "due": abs(statement.amount_exact_pln) if statement else None,
        "flow": _own(member, month),
        "so_far": _own(member, this_month) if this_month != month else None,
        "settled": energy.total(energy.cluster_flows(member.cluster.pk, month, "day", member.tz).values()).settled,
        "quarter_hours": len(month.quarter_hours),
    }
    return render(request, "member/home.html", context)


@for_members
def now(request: HttpRequest, member: Member) -> HttpResponse:
    """The parts of the home page that it fetches again and again: the day, the cluster now and the latest trades."""
    day, _month = _day_and_month(request, member, None)
    return render(request, "member/now.html", frame(member, "home") | _day(member, day) | _now(member))


@for_members
def member_energy(request: HttpRequest, member: Member) -> HttpResponse:
    """The own balance and the cluster's: now, over the month by day, and over one day by quarter-hour."""
    day, month = _day_and_month(request, member, None)
    days = list(each_day(month.first, next_month(month.first)))
    own = energy.own_flows(member.cluster.pk, member.own, month, "day", member.tz)
    together = energy.cluster_flows(member.cluster.pk, month, "day", member.tz)
    latest = _now(member)
    context = frame(member, "energy") | _day(member, day) | _metered(member, month) | latest
    context |= {
        "month": month,
        "month_steps": periods.steps(member.cluster.pk, month, member.tz),
        "flow": energy.total(own.values()),
        "together": energy.total(together.values()),
        "points": cluster_now.trading_points(member.cluster.pk, days),
        "month_chart": charts.month_chart(own, days),
    }
    return render(request, "member/energy.html", context)


@for_members
def member_trades(request: HttpRequest, member: Member) -> HttpResponse:
    """The trades of one day, newest first."""
    day, _month = _day_and_month(request, member, None)
    page = _page(request)
    found = trades.day_of_trades(member.cluster.pk, member.own, day, member.tz, page, TRADES_A_PAGE)
    pages = max(1, -(-found.count // TRADES_A_PAGE))
    if page > pages:
        raise Http404
    context = frame(member, "trades") | {
        "day": day,
        "steps": periods.steps(member.cluster.pk, day, member.tz),
        "found": found,
        "number": page,
        "pages": pages,
    }
    return render(request, "member/trades.html", context)


@for_members
def member_money(request: HttpRequest, member: Member) -> HttpResponse:
    """A month's statement by component, and the two promises."""
    statements = money.newest_statements(member.participant.pk)
    wanted = periods.asked_month(request.GET.get("month")) or next(iter(statements), member.today.replace(day=1))
    statement = statements.get(wanted)
    kept = money.kept_promises(statement) if statement else []
    parts = money.components(statement) if statement else []
    context = frame(member, "money") | {
        "month": periods.month_span(wanted, member.tz),
        "months": _neighbours(wanted, sorted({*statements, wanted})),
        "statement": statement,
        "kept": kept,
        "saved": money.saved(kept),
        "due": abs(statement.amount_exact_pln) if statement else None,
        "compared": parts_of_month(member.cluster, member.participant, wanted) if statement else [],
        "relief": money.relief_of(parts),
        "components": parts,
        "several_points": len({line.metering_point_id for part in parts for line in part.lines} - {None}) > 1,
    }
    return render(request, "member/money.html", context)


@for_members
def statement_csv(request: HttpRequest, member: Member, period: str) -> HttpResponse:
    """The lines of a month's statement, in the columns of statements.csv."""
    wanted = periods.asked_month(period)
    statement = money.newest_statements(member.participant.pk).get(wanted) if wanted else None
    if statement is None:
        raise Http404
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="statement-{period}.csv"'
    writer = csv.writer(response, lineterminator="\n")
    writer.writerow(money.CSV_COLUMNS)
    writer.writerows(money.csv_rows(statement, member.participant))
    return response


@for_members
def member_cluster(request: HttpRequest, member: Member) -> HttpResponse:
    """The cluster as a whole: sums over its trading members, the prices of a day, and who is in it."""
    page = _page(request)
    day, month = _day_and_month(request, member, None)
    days = list(each_day(month.first, next_month(month.first)))
    flows = energy.cluster_flows(member.cluster.pk, month, "day", member.tz)
    runs = cluster_now.runs_in_force(member.cluster.pk, day.start, day.end)
    context = (
        frame(member, "cluster")
        | _now(member)
        | {
            "day": day,
            "steps": periods.steps(member.cluster.pk, day, member.tz),
            "month": month,
            "month_steps": periods.steps(member.cluster.pk, month, member.tz),
            "points": cluster_now.trading_points(member.cluster.pk, days),
            "flow": energy.total(flows.values()),
            "month_chart": charts.month_chart(flows, days),
            "price_chart": charts.price_chart(runs, day.quarter_hours, member.tz),
            "directory": directory.directory(member.cluster.pk, member.today, page),
            "number": page,
        }
    )
    return render(request, "member/cluster.html", context)


@never_cache
@require_safe
@login_required
def dso(request: HttpRequest) -> HttpResponse:
    """The distributor's page: readings that are missing in its clusters, and its tariff book in force."""
    access = request.access  # type: ignore[attr-defined]
    if not may(access, "view_missing"):
        raise PermissionDenied
    now = timezone.now()
    distributor = request.cluster.dso  # type: ignore[attr-defined]
    clusters = list(Cluster.objects.filter(dso=distributor).order_by("name"))
    wanted = periods.asked_month(request.GET.get("month"))
    opened = periods.asked_day(request.GET.get("day"))
    with scope(*(cluster.pk for cluster in clusters)):
        parts = {cluster: nodes_of(access, request.user, cluster.pk) for cluster in clusters}  # type: ignore[arg-type]
        reports = [
            missing.report(cluster, wanted, opened, now, nodes)
            for cluster, nodes in parts.items()
            if nodes is None or nodes
        ]
        for report in reports:
            reading_log.note_opened_day(report, Reader(request.user.pk, access.role))
    if not reports:
        raise PermissionDenied
    first = reports[0].month.first
    context = {
        "page": "dso",
        "distributor": distributor,
        "reports": reports,
        "month": reports[0].month,
        "before": periods.previous_month(first),
        "after": next_month(first) if next_month(first) <= now.date() else None,
        "points_missing": sum(report.whole.points_missing for report in reports),
        "points": sum(report.whole.points for report in reports),
        "rates": missing.rates_in_force(distributor, now.date()),
    }
    return render(request, "dso.html", context)


@require_POST
@login_required
def choose_access(request: HttpRequest) -> HttpResponse:
    """Go on as another of the user's accesses."""
    wanted = request.POST.get("access")
    if wanted not in {access_key(access) for access in request.accesses}:  # type: ignore[attr-defined]
        raise PermissionDenied
    request.session[SESSION_KEY] = wanted
    return redirect("home")


@require_POST
@login_required
def end_session(request: HttpRequest, session_id: int) -> HttpResponse:
    """Sign out in one other place."""
    session = get_object_or_404(UserSession, pk=session_id, user=request.user)
    get_adapter().end_sessions([session])
    return redirect("usersessions_list")


def frame(member: Member, page: str) -> dict[str, Any]:
    """What every page of a member's shows around its content."""
    return {
        "page": page,
        "participant": member.participant,
        "cluster": member.cluster,
        "node": member.own.node,
        "tz": member.tz,
        "today": member.today,
    }


def _day_and_month(request: HttpRequest, member: Member, billed: date | None) -> tuple[periods.Span, periods.Span]:
    """The day and the month that were asked for.

    Asked for only one of them, the other follows. Without either: the last day that has anything, and the month
    `billed`, or else that of the day.
    """
    day = periods.asked_day(request.GET.get("day"))
    month = periods.asked_month(request.GET.get("month"))
    if day is not None:
        return periods.day_span(day, member.tz), periods.month_span(day, member.tz)
    if month is not None:
        span = periods.month_span(month, member.tz)
        last = periods.last_settled(member.cluster.pk, before=span.end)
        inside = last is not None and last >= span.start
        return periods.day_span(local_day(last, member.tz) if inside and last else month, member.tz), span
    last = periods.last_settled(member.cluster.pk)
    day = local_day(last, member.tz) if last else member.today
    return periods.day_span(day, member.tz), periods.month_span(billed or day, member.tz)


def _day(member: Member, day: periods.Span) -> dict[str, Any]:
    flows = energy.own_flows(member.cluster.pk, member.own, day, "quarter_hour", member.tz)
    return {
        "day": day,
        "steps": periods.steps(member.cluster.pk, day, member.tz),
        "day_chart": charts.day_chart(flows, day.quarter_hours, member.tz),
        "day_flow": energy.total(flows.values()),
    }


def _metered(member: Member, month: periods.Span) -> dict[str, Any]:
    """What the meters of a member counted that did not trade in the month."""
    trades_here = energy.has_contract(member.participant.pk, month.first, next_month(month.first))
    metered = None if trades_here else energy.own_readings(member.cluster.pk, member.own, month, member.tz)
    return {
        "trades_here": trades_here,
        "metered": metered if metered and metered.settled else None,
        "daily_sums": metered is not None and month.first in aggregated_months(member.cluster),
    }


def _now(member: Member) -> dict[str, Any]:
    run = cluster_now.latest_run(member.cluster.pk)
    latest = cluster_now.Now(run) if run else None
    found = []
    shown = local_day(run.interval_start, member.tz) if run else member.today
    if run:
        week = periods.week_up_to(run.interval_start)
        found = trades.latest_trades(member.cluster.pk, member.own, week, member.tz)
    return {
        "latest": latest,
        "points_now": cluster_now.trading_points(member.cluster.pk, [shown]),
        "minutes": cluster_now.minutes_to_next_clearing(member.now),
        "trades": found,
        "own_now": _own(member, periods.quarter_hour_span(run.interval_start)) if run else None,
    }


def _own(member: Member, span: periods.Span) -> energy.Flow:
    return energy.total(energy.own_flows(member.cluster.pk, member.own, span, "quarter_hour", member.tz).values())


def _neighbours(month: date, months: list[date]) -> dict[str, date | None]:
    return {
        "before": max((other for other in months if other < month), default=None),
        "after": min((other for other in months if other > month), default=None),
    }


def _page(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    return max(1, int(text)) if text.isdecimal() and len(text) < 7 else 1
