"""Page of the coordinator's admin: a participant's bills and statement of account."""

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from billing.domain.errors import BillingError
from billing.selectors.late import late_interest
from billing.selectors.ledger import statement_of_account
from billing.selectors.payments import credits, standings
from cluster_platform.fault_words import finding_in_words
from cluster_platform.payments.queue import cluster_of
from metering.domain.calendar import local_day, time_zone
from participants.models import Participant


@require_safe
def account(request: HttpRequest, number: int) -> HttpResponse:
    """What the participant owes or is owed, bill by bill and posting by posting."""
    cluster = cluster_of(request)
    participant = get_object_or_404(Participant, cluster=cluster, pk=number)
    today = local_day(timezone.now(), time_zone(cluster.timezone))
    lines = statement_of_account(cluster.pk, participant.pk)
    try:
        interest = late_interest(cluster, today, participant=participant)
    except BillingError as error:
        messages.error(request, finding_in_words(str(error)))
        interest = []
    return TemplateResponse(
        request,
        "admin/account.html",
        {
            **admin.site.each_context(request),
            "title": gettext("Statement of account: %(participant)s") % {"participant": participant},
            "participant": participant,
            "lines": [(line, finding_in_words(line.text)) for line in reversed(lines)],
            "balance_pln": lines[-1].balance_pln if lines else 0,
            "owed_pln": -lines[-1].balance_pln if lines else 0,
            "bills": standings(cluster, today, participant=participant, dso=None),
            "credit_pln": sum(each.amount_pln for each in credits(cluster.pk, [participant.pk])),
            "interest_pln": sum(each.amount_pln for each in interest),
        },
    )
