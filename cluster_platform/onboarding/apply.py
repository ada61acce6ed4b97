"""The application form, page by page; whatever is saved waits as a draft."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cluster_platform.onboarding.files import as_download
from cluster_platform.onboarding.forms import AddressForm, DocumentForm, PartForm, PointForm, WhoForm
from cluster_platform.onboarding.guards import Applying, for_applicants, in_cluster
from participants.application_words import STATUS
from participants.domain.documents import MOST_BYTES, DocumentRefused
from participants.models import Application, ApplicationDocument, ApplicationPoint, Cluster
from participants.selectors.applications import latest_application, missing_in, open_application
from participants.services.applications import add_document, editable, start_application, take_step

PAGES = {
    "who": _("You"),
    "address": _("Address and account"),
    "points": _("Metering points"),
    "documents": _("Documents"),
    "check": _("Check and send"),
}
FORMS: dict[str, type[PartForm]] = {"who": WhoForm, "address": AddressForm}
REFUSALS = {
    "empty": _("The file is empty."),
    "big": _("The file is larger than 5 MB."),
    "type": _("This is no PDF, PNG or JPEG, whatever its name says."),
    "name": _("The file's name ends in another type than the file is: rename it, for example to .pdf."),
    "many": _("Ten files are the most: remove one first."),
    "together": _("All files together may have 20 MB: remove one first."),
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@in_cluster
def begin(request: HttpRequest, cluster: Cluster) -> HttpResponse:
    """What applying means; sending the form begins a draft, and who has begun goes on."""
    user: Any = request.user
    application = open_application(user)
    if application is None and request.method == "POST":
        application = start_application(cluster, user, get_language() or "pl", timezone.now())
        return redirect("application_who", cluster.slug, application.pk)
    if application is not None:
        return redirect("application", cluster.slug, application.pk)
    last = latest_application(user)
    said = STATUS[last.status] if last else None
    return render(
        request, "onboarding/begin.html", {"cluster": cluster, "pages": PAGES.values(), "last": last, "said": said}
    )


@for_applicants
@require_http_methods(["GET", "HEAD", "POST"])
def part(request: HttpRequest, applying: Applying, page: str) -> HttpResponse:
    """Who applies, and the address: plain forms over the application."""
    if not applying.editable and request.method != "POST":
        return redirect("application", applying.cluster.slug, applying.application.pk)
    if request.method == "POST":
        form = FORMS[page](request.POST, instance=editable(applying.application.pk))
        if form.is_valid():
            form.save()
            return _onward(request, applying, page)
    else:
        form = FORMS[page](instance=applying.application)
    return _page(request, applying, page, {"form": form})


@for_applicants
@require_http_methods(["GET", "HEAD", "POST"])
def points(request: HttpRequest, applying: Applying, point: int | None = None) -> HttpResponse:
    """The metering points: the list, and the form for one more or for the one to change."""
    if not applying.editable and request.method != "POST":
        return redirect("application", applying.cluster.slug, applying.application.pk)
    application = editable(applying.application.pk) if request.method == "POST" else applying.application
    nothing = not any(request.POST.get(name) for name in ("code", "contracted_power_kw", "yearly_use_kwh"))
    if request.method == "POST" and point is None and nothing and "add" not in request.POST:
        return _onward(request, applying, "points")
    changed = get_object_or_404(ApplicationPoint, pk=point, application=application) if point else None
    data = request.POST if request.method == "POST" else None
    form = PointForm(data, instance=changed, application=application, cluster=applying.cluster)
    if data is not None and form.is_valid():
        form.save()
        if "add" in request.POST:
            return redirect("application_points", applying.cluster.slug, application.pk)
        return _onward(request, applying, "points")
    listed = application.points.exclude(pk=changed.pk if changed else 0)
    return _page(request, applying, "points", {"form": form, "points": listed, "changed": changed})


@for_applicants
@require_POST
def remove_point(request: HttpRequest, applying: Applying, point: int) -> HttpResponse:
    """Take a metering point out of the application."""
    application = editable(applying.application.pk)
    get_object_or_404(ApplicationPoint, pk=point, application=application).delete()
    return redirect("application_points", applying.cluster.slug, application.pk)


@for_applicants
@require_http_methods(["GET", "HEAD", "POST"])
def documents(request: HttpRequest, applying: Applying) -> HttpResponse:
    """The files: the list, and the form for one more."""
    application = applying.application
    if not applying.editable and request.method != "POST":
        return redirect("application", applying.cluster.slug, application.pk)
    if request.method == "POST" and not request.FILES and "add" not in request.POST:
        editable(application.pk)
        return _onward(request, applying, "documents")
    form = DocumentForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            # One byte more than is allowed tells that there is more, whatever its size.
            add_document(application.pk, file.name, file.read(MOST_BYTES + 1), applying.now)
            if "add" not in request.POST:
                return _onward(request, applying, "documents")
            return redirect("application_documents", applying.cluster.slug, application.pk)
        except DocumentRefused as refused:
            form.add_error("file", REFUSALS[refused.reason])
    listed = application.documents.defer("content")
    return _page(request, applying, "documents", {"form": form, "documents": listed})


@for_applicants
@require_safe
def document(request: HttpRequest, applying: Applying, document: int) -> HttpResponse:
    """One of the applicant's own files."""
    found = get_object_or_404(ApplicationDocument, pk=document, application=applying.application)
    return cast(HttpResponse, as_download(found))


@for_applicants
@require_POST
def remove_document(request: HttpRequest, applying: Applying, document: int) -> HttpResponse:
    """Take a file out of the application."""
    application = editable(applying.application.pk)
    get_object_or_404(ApplicationDocument, pk=document, application=application).delete()
    return redirect("application_documents", applying.cluster.slug, application.pk)


@for_applicants
@require_http_methods(["GET", "HEAD", "POST"])
def check(request: HttpRequest, applying: Applying) -> HttpResponse:
    """Everything once more, what is missing, and sending in."""
    application = applying.application
    if request.method == "POST":
        # Which page was open counts for nothing: an application under a question goes back with its answer.
        take_step(applying.cluster, application.pk, "submit", "applicant", application.user, applying.now)
        messages.success(request, _("Your application is on its way."))
        return redirect("application", applying.cluster.slug, application.pk)
    if not applying.editable:
        return redirect("application", applying.cluster.slug, application.pk)
    return _page(request, applying, "check", {"missing": missing_in(application), **contents(application)})


def contents(application: Application) -> dict[str, Any]:
    """What an application says, for every page that shows it whole."""
    return {"points": application.points.all(), "documents": application.documents.defer("content")}


def _onward(request: HttpRequest, applying: Applying, page: str) -> HttpResponse:
    slug, key = applying.cluster.slug, applying.application.pk
    if "later" in request.POST:
        messages.success(request, _("Saved. You can go on at any time."))
        return redirect("application", slug, key)
    order = list(PAGES)
    return redirect(f"application_{order[order.index(page) + 1]}", slug, key)


def _page(request: HttpRequest, applying: Applying, page: str, context: dict[str, Any]) -> HttpResponse:
    order = list(PAGES)
    frame = {
        "cluster": applying.cluster,
        "application": applying.application,
        "pages": [(name, label, _address(applying, name)) for name, label in PAGES.items()],
        "current": page,
        "number": order.index(page) + 1,
        "title": PAGES[page],
        "before": _address(applying, order[order.index(page) - 1]) if page != order[0] else None,
    }
    return render(request, f"onboarding/page_{page if page not in FORMS else 'part'}.html", {**frame, **context})


def _address(applying: Applying, page: str) -> str:
    return reverse(f"application_{page}", args=[applying.cluster.slug, applying.application.pk])
