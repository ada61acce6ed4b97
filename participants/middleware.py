"""Each request works in one cluster, or in none; and in the reader's language."""

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language

from participants.access import Access, accesses_of
from participants.api_keys import ApiKeyRefused, find_api_key
from participants.models import Cluster, User
from participants.tenancy.scope import acting_as, scope

SESSION_KEY = "access"


class ClusterMiddleware:
    """Opens the scope of the cluster that the user, or the API key, works in.

    Sets `request.access` (None without a cluster), `request.accesses`, `request.cluster` and `request.api_key`.
    The choice in the session is only believed while it is among what the user may enter now.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.access = request.cluster = request.api_key = None  # type: ignore[attr-defined]
        request.accesses = []  # type: ignore[attr-defined]
        header = request.headers.get("Authorization", "")
        if header.startswith("Bearer "):
            request.user = AnonymousUser()  # A request is a machine's or a person's, never both.
            return self._by_api_key(request, header.removeprefix("Bearer ").strip())
        if not request.user.is_authenticated:
            return self.get_response(request)
        with acting_as(request.user.pk):
            return self._by_user(request)

    def _by_user(self, request: HttpRequest) -> HttpResponse:
        accesses = accesses_of(request.user)  # type: ignore[arg-type]
        request.accesses = accesses  # type: ignore[attr-defined]
        if not accesses:
            return self.get_response(request)
        access = chosen_access(accesses, request.session.get(SESSION_KEY))
        request.access = access  # type: ignore[attr-defined]
        with scope(access.cluster_id):
            request.cluster = Cluster.objects.select_related("dso").get(pk=access.cluster_id)  # type: ignore[attr-defined]
            return self.get_response(request)

    def _by_api_key(self, request: HttpRequest, token: str) -> HttpResponse:
        cluster = Cluster.objects.filter(slug=token.partition(".")[0]).first()
        if cluster is None:
            return self.get_response(request)
        with scope(cluster.pk):
            try:
                request.api_key = find_api_key(token)  # type: ignore[attr-defined]
                request.cluster = cluster  # type: ignore[attr-defined]
            except ApiKeyRefused:
                pass  # The view's authentication answers 401.
            return self.get_response(request)


def chosen_access(accesses: list[Access], choice: object) -> Access:
    """The access that the session names, if the user still has it; else the first."""
    return next((access for access in accesses if access_key(access) == choice), accesses[0])


def access_key(access: Access) -> str:
    """How the session and the switcher name an access."""
    return f"{access.cluster_id}:{access.role}:{access.participant_id or ''}"


class LanguageMiddleware:
    """Keeps the language that a user reads in, for the e-mails to come. Needs authentication and LocaleMiddleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        language = get_language()
        if isinstance(user, User) and language and user.language != language:
            User.objects.filter(pk=user.pk).update(language=language)
            user.language = language
        return self.get_response(request)
