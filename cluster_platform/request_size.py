"""Requests that are too long are refused before anything of them is parsed or written to disk."""

from collections.abc import Callable
from contextlib import suppress

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

BLOCK = 64 * 1024
#: Where files of readings and deliveries of them arrive: as long as FILES_MAX_MB, and what stands around a file.
OF_READINGS = ("/api/v1/readings", "/api/v1/files", "/admin/metering/delivery/", "/dso/deliveries/")
AROUND_A_FILE = 2**20
#: A browser shows the answer only after it has sent everything, so this much is read and thrown away.
MOST_DRAINED = 256 * 2**20


class RequestSizeMiddleware:
    """Answers 413 with a page that says so, or JSON to a machine. Comes before whatever reads the body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = _length(request)
        limit = settings.LARGEST_REQUEST_BYTES
        if request.path.startswith(OF_READINGS):
            limit = (settings.FILES_MAX_MB << 20) + AROUND_A_FILE
        if length <= limit:
            return self.get_response(request)
        _drain(request, length)
        most = limit // 2**20
        if request.path.startswith("/api/"):
            return JsonResponse({"detail": f"The request is longer than {most} MB."}, status=413)
        return render(request, "413.html", {"most": most, "sent": length // 2**20}, status=413)


def _length(request: HttpRequest) -> int:
    # A request without a length has no body to Django.
    with suppress(ValueError):
        return int(request.META.get("CONTENT_LENGTH") or 0)
    return 0


def _drain(request: HttpRequest, length: int) -> None:
    left = min(length, MOST_DRAINED)
    with suppress(OSError):
        while left > 0 and (block := request.read(min(BLOCK, left))):
            left -= len(block)
