"""All addresses of the platform, as the URL resolver knows them, each with its entry in the table."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.views.generic import RedirectView

from tests.roles.table import (
    ACCOUNT_PREFIXES,
    ADMIN_MODELS,
    ADMIN_ROUTES,
    NOBODY,
    OPEN_ACCOUNT_PAGES,
    ROUTES,
    SIGNED_IN,
    AdminModel,
    Route,
)
from tests.roles.world import World


@dataclass(frozen=True)
class Address:
    """One pattern of the resolver: its name, and the groups in its address."""

    name: str
    groups: tuple[str, ...]

    @property
    def of_account(self) -> bool:
        return self.name.startswith(ACCOUNT_PREFIXES)

    @property
    def open_account_page(self) -> bool:
        return self.name in OPEN_ACCOUNT_PAGES


def all_addresses() -> list[Address]:
    return list(_walk(get_resolver().url_patterns, "", ()))


def _walk(patterns: Any, namespace: str, groups: tuple[str, ...]) -> Any:
    for pattern in patterns:
        inside = groups + tuple(pattern.pattern.regex.groupindex) + tuple(getattr(pattern.pattern, "converters", ()))
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, pattern.namespace or namespace, inside)
        elif isinstance(pattern, URLPattern) and not _leads_elsewhere(pattern):
            name = f"{namespace}:{pattern.name}" if namespace else str(pattern.name)
            yield Address(name, tuple(dict.fromkeys(inside)))


def _leads_elsewhere(pattern: URLPattern) -> bool:
    """The admin's redirect from a row to its page, and its page for what isn't there, have no name."""
    view = getattr(pattern.callback, "view_class", None)
    return pattern.name is None and (view is RedirectView or "catch_all" in pattern.callback.__qualname__)


def admin_models() -> dict[str, type[models.Model]]:
    """By the middle of the names of their pages."""
    return {f"{m._meta.app_label}_{m._meta.model_name}": m for m in admin.site._registry}


def route_of(address: Address) -> Route:
    """The entry of an address; KeyError names what has none."""
    if address.of_account:
        return Route(SIGNED_IN, SIGNED_IN, _of_an_account)
    route = ROUTES.get(address.name) or ADMIN_ROUTES.get(address.name)
    if route is not None:
        return route
    middle, _, page = address.name.removeprefix("admin:").rpartition("_")
    if middle not in admin_models():
        raise KeyError(address.name)
    label = admin_models()[middle]._meta.label
    return _admin_route(label, ADMIN_MODELS[label], page)


def _of_an_account(world: World) -> dict[str, Any]:
    """The owner's session, and the coordinator's authenticator."""
    session, authenticator = world.rows["usersessions.UserSession"], world.rows["mfa.Authenticator"]
    return {"pk": authenticator.pk, "key": "x", "uidb36": "1", "session_id": session.pk}


def _admin_route(label: str, entry: AdminModel, page: str) -> Route:
    def row(world: World) -> dict[str, Any]:
        return {"object_id": quote(world.rows[label].pk)}

    return {
        "changelist": Route(entry.view, entry.view),
        "add": Route(entry.may_add, entry.may_add),
        "history": Route(entry.view, NOBODY, row, for_each=entry.shared),
        "change": Route(entry.view | entry.change, entry.change, row, for_each=entry.shared),
        "delete": Route(entry.delete, entry.delete, row, for_each=entry.shared),
    }[page]


def path_of(address: Address, route: Route, world: World) -> str:
    known = route.path(world) if route.path else {}
    return reverse(address.name, kwargs={group: known[group] for group in address.groups})
