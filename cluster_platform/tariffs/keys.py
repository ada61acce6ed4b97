"""The keys of the distributor's machines: made and revoked by its people."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from cluster_platform.tariffs.access import reader_of
from cluster_platform.tariffs.forms import KeyForm
from participants.dso_keys import create_dso_key, revoke_dso_key
from participants.models import DsoKey, User


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def keys(request: HttpRequest) -> HttpResponse:
    """All keys with their last use; a new one is shown once."""
    reader = reader_of(request, changes=True)
    form = KeyForm(request.POST or None)
    token = ""
    if request.method == "POST" and form.is_valid():
        user: User = request.user  # type: ignore[assignment]
        token, _key = create_dso_key(reader.dso, form.cleaned_data["name"], user, timezone.now())
        form = KeyForm()
    rows = DsoKey.objects.filter(dso=reader.dso).select_related("created_by").order_by("-created_at", "-pk")
    context = {"page": "dso_tariffs", "distributor": reader.dso, "form": form, "rows": rows, "token": token}
    return render(request, "tariffs/keys.html", context)


@require_POST
@login_required
def revoke(request: HttpRequest, number: int) -> HttpResponse:
    """One key opens nothing any more."""
    reader = reader_of(request, changes=True)
    key = get_object_or_404(DsoKey, pk=number, dso=reader.dso)
    if revoke_dso_key(key, timezone.now()):
        messages.success(request, gettext("The key %(name)s is revoked.") % {"name": key.name})
    return redirect("dso_tariff_keys")
