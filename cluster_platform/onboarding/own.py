"""What an applicant who was not admitted wrote: to take along, and to have removed. Members have their Privacy page."""

import csv
import io
import json
from tempfile import SpooledTemporaryFile
from typing import Any, cast
from zipfile import ZIP_DEFLATED, ZipFile

from django.contrib import messages
from django.contrib.auth import logout
from django.core.serializers.json import DjangoJSONEncoder
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from cluster_platform.onboarding.guards import Applying, for_applicants
from participants.models import Application
from participants.services.forgetting import erase_applications

_APPLICATION = (
    "id", "status", "language", "created_at", "submitted_at", "legal_form", "kind", "name", "email", "nip", "regon",
    "vat_payer", "street", "postcode", "city", "country", "iban", "start_day",
)  # fmt: skip
_POINT = (
    "code", "tariff_group", "contracted_power_kw", "phases", "yearly_use_kwh", "generation_source",
    "generation_capacity_kw", "grid_node",
)  # fmt: skip
#: Archives beyond this size are put together on disk (bytes).
_IN_MEMORY = 2**20
WORDS = {
    "application": _("what you wrote"),
    "metering_points": _("your metering points"),
    "steps": _("what happened, with what was asked and answered"),
    "documents": _("the files that you sent in"),
    "login": _("the login that asked for these data"),
}


@for_applicants
@require_safe
def data(request: HttpRequest, applying: Applying) -> HttpResponse:
    """All that is stored about the application, as a ZIP of CSV and JSON and the documents."""
    file = SpooledTemporaryFile(max_size=_IN_MEMORY)
    application = applying.application
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _readme(applying))
        for name, rows in _tables(application).items():
            archive.writestr(f"{name}.csv", _csv(rows))
            archive.writestr(f"{name}.json", json.dumps(rows, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1))
        for document in application.documents.all().iterator(chunk_size=1):
            archive.writestr(f"documents/{document.pk}-{document.name}", bytes(document.content))
    file.seek(0)
    name = f"{applying.cluster.slug}-application-{application.pk}.zip"
    response = FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")
    response["Cache-Control"] = "private, no-store"
    return cast(HttpResponse, response)


@for_applicants
@require_POST
def erase(request: HttpRequest, applying: Applying) -> HttpResponse:
    """Remove all that the user wrote to the cluster without being admitted, and the login if it is wished."""
    application = applying.application
    if request.POST.get("sure") != "yes" or application.status == Application.Status.ADMITTED:
        messages.error(request, gettext("Tick that you know that it can't be undone."))
        return redirect("application", applying.cluster.slug, application.pk)
    user: Any = request.user
    if erase_applications(applying.cluster, user, request.POST.get("login") == "yes", applying.now):
        logout(request)
        messages.success(request, gettext("What you wrote is deleted, and your account is closed."))
    else:
        messages.success(request, gettext("What you wrote is deleted."))
    return redirect("cluster_public", applying.cluster.slug)


def _tables(application: Application) -> dict[str, list[dict[str, Any]]]:
    user = application.user
    return {
        "application": [{name: getattr(application, name) for name in _APPLICATION}],
        "metering_points": list(application.points.values(*_POINT)),
        "steps": list(application.events.values("at", "step", "actor", "text")),
        "documents": list(application.documents.values("id", "name", "content_type", "size", "uploaded_at")),
        "login": [{"email": user.email, "joined": user.date_joined, "last_login": user.last_login}],
    }


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        # Times as in the JSON.
        writer.writerows(json.loads(json.dumps(rows, cls=DjangoJSONEncoder)))
    return text.getvalue()


def _readme(applying: Applying) -> str:
    lines = [
        gettext("All that %(cluster)s has stored about you.") % {"cluster": applying.cluster.name},
        gettext("Each file is there as CSV and as JSON with the same content. Times are UTC."),
        "",
        *(f"{name} – {words}" for name, words in WORDS.items()),
    ]
    return "\n".join(lines) + "\n"
