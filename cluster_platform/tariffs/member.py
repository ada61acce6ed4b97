"""The week of a member's own tariff group."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from cluster_platform.tariffs.calendar import calendar_of
from cluster_platform.views import Member, for_members
from contracts.domain.zones import ANY_GROUP
from contracts.selectors.book import book_on, content
from contracts.services.book_review import Place
from metering.models import PointAssignment


@for_members
def calendar(request: HttpRequest, member: Member) -> HttpResponse:
    """When the grid is cheap and when it is dear for one of the member's metering points."""
    rows = PointAssignment.objects.filter(participant=member.participant, cluster=member.cluster)
    used = {
        row.tariff_group
        for row in rows
        if row.valid_from <= member.today and (row.valid_to is None or member.today < row.valid_to)
    }
    held = book_on(member.cluster.dso, member.today)
    inside = content(held) if held else None
    groups = sorted(used & {rate.group for rate in inside.rates} - {ANY_GROUP}) if inside else []
    group = request.GET.get("group") or next(iter(groups), "")
    if group and group not in groups:
        raise Http404
    context = {
        "page": "money",
        "participant": member.participant,
        "cluster": member.cluster,
        "book": held,
        "groups": groups,
        "distributor": member.cluster.dso,
    }
    if inside and group:
        context |= calendar_of(
            group, inside.rates, inside.zones, member.today, Place(member.tz, member.cluster.holidays)
        )
    return render(request, "member/tariff.html", context)
