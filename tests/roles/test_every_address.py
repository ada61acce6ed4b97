"""Everybody tries every address: what the table does not give is refused, and a refused request changes nothing."""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib import admin
from django.contrib.admin import helpers
from django.contrib.messages import get_messages
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tests.roles.addresses import Address, admin_models, all_addresses, path_of, route_of
from tests.roles.table import ADMIN_MODELS, ADMIN_ROUTES, ROUTES, Route
from tests.roles.world import Person, World, make_world, snapshot, ways_in

pytestmark = pytest.mark.django_db
#: Which addresses may change who may what: with these the changed roles are the point.
GIVE_ROLES = (
    "remove_delegate", "role_invitation", "admin:participants_membership_", "admin:participants_apikey_",
    "admin:participants_user_", "admin:participants_dso", "admin:participants_cluster_", "admin:metering_dsoarea_",
    "admin:auth_",
)  # fmt: skip

EVERY_METHOD = (Client.post, Client.put, Client.patch, Client.delete)


@pytest.fixture
def world(db: None) -> Iterator[World]:
    # Thousands of refusals would each be logged with their traceback.
    logging.disable(logging.CRITICAL)
    yield make_world()
    logging.disable(logging.NOTSET)


def test_every_address_has_an_entry_and_every_entry_an_address() -> None:
    missing = []
    for address in all_addresses():
        try:
            route_of(address)
        except KeyError as error:
            missing.append(f"{address.name}: {error}")
    assert not missing
    names = {address.name for address in all_addresses()}
    assert set(ROUTES) | set(ADMIN_ROUTES) <= names
    assert set(ADMIN_MODELS) == {model._meta.label for model in admin.site._registry}


def test_each_sees_what_the_table_gives_and_nothing_else(world: World) -> None:
    wrong = []
    for person in world.people.values():
        for address, route in tried():
            response = person.client().get(path_of(address, route, world))
            allowed = is_allowed(person, route.get, route)
            if entered(response) != allowed:
                wrong.append((person.name, address.name, response.status_code, "allowed" if allowed else "refused"))
            elif allowed and not person.ours and names_of_ours(response):
                wrong.append((person.name, address.name, response.status_code, "shows our people"))
    assert not wrong, listed(wrong)


def test_what_is_refused_changes_nothing(world: World) -> None:
    wrong = []
    for person in world.people.values():
        before = snapshot(world.ours.cluster), snapshot(world.theirs.cluster)
        for address, route in tried():
            if is_allowed(person, route.post, route):
                continue
            data = forged(world, person) | route.data(person)
            for send in EVERY_METHOD if address.name.startswith("api") else (Client.post,):
                response = send(person.client(), path_of(address, route, world), data, **json_for(address, send))
                # Some pages that one may look at answer to any method; that nothing changes is seen below.
                if entered(response) and not is_allowed(person, route.get, route):
                    wrong.append((person.name, address.name, send.__name__, response.status_code))
        after = snapshot(world.ours.cluster), snapshot(world.theirs.cluster)
        for then, now in zip(before, after, strict=True):
            wrong += [(person.name, "changed", label) for label in then if then[label] != now[label]]
    assert not wrong, listed(wrong)


def test_what_is_allowed_stays_in_the_own_cluster_whatever_is_sent(world: World) -> None:
    """Each allowed form is sent as it stands, then with every id, tenant and role in it replaced by another's."""
    wrong = []
    for person in world.people.values():
        others = world.theirs if person.ours else world.ours
        before = snapshot(others.cluster)
        roles = ways_in(world.ours.cluster, world.theirs.cluster)
        for address, route in tried():
            # A list's form is its bulk actions: tried below.
            if not is_allowed(person, route.post, route) or address.name.endswith("_changelist"):
                continue
            path = path_of(address, route, world)
            page = person.client().get(path)
            form = fields_of(page, path) | route.data(person)
            with undone():
                forms = (form | forged(world, person), forged_fields(form, others, world, person), form)
                responses = [person.client().post(path, data, **json_for(address, Client.post)) for data in forms]
                # What the first one removed, the others don't find.
                if not any(entered(response) for response in responses):
                    wrong.append((person.name, address.name, responses[-1].status_code))
                if not address.name.startswith(GIVE_ROLES):
                    # Whoever belongs to one cluster may apply to another.
                    if address.name != "apply" and snapshot(others.cluster) != before:
                        wrong.append((person.name, address.name, "changed the other cluster"))
                    if ways_in(world.ours.cluster, world.theirs.cluster) != roles:
                        wrong.append((person.name, address.name, "changed roles"))
    assert not wrong, listed(wrong)


def test_bulk_actions_need_the_right_to_change(world: World) -> None:
    """Sent by those who may look, with all rows selected."""
    for person in (world.people["auditor"], world.people["accountant"], world.people["other coordinator"]):
        before = snapshot(world.ours.cluster)
        for middle, model in admin_models().items():
            label = model._meta.label
            if person.ours and label in ADMIN_MODELS and person.who in ADMIN_MODELS[label].change:
                continue
            path = reverse(f"admin:{middle}_changelist")
            actions = [getattr(a, "__name__", a) for a in admin.site._registry[model].actions or ()]
            for name in [*actions, "delete_selected"]:
                data = {"action": name, helpers.ACTION_CHECKBOX_NAME: [str(world.rows[label].pk)], "post": "yes"}
                person.client().post(path, data)
        assert snapshot(world.ours.cluster) == before, person.name


def test_the_sign_in_pages_show_and_change_nothing_of_a_cluster(world: World) -> None:
    for person in world.people.values():
        before = snapshot(world.ours.cluster), snapshot(world.theirs.cluster)
        for address in (address for address in all_addresses() if address.of_account):
            path = path_of(address, route_of(address), world)
            for send in (Client.get, Client.post):
                with undone():
                    response = send(person.client(), path, {})
                assert response.status_code < 500, (person.name, path)
                if person.user is None and not address.open_account_page:
                    assert not entered(response), (person.name, path)
                assert person.ours or not names_of_ours(response), (person.name, path)
        after = snapshot(world.ours.cluster), snapshot(world.theirs.cluster)
        assert after == before, person.name


def tried() -> list[tuple[Address, Route]]:
    """All addresses with an entry, but the sign-in's."""
    found = []
    for address in all_addresses():
        with suppress(KeyError):
            found.append((address, route_of(address)))
    return [(address, route) for address, route in found if not address.of_account]


def listed(wrong: list[tuple[Any, ...]]) -> str:
    return "\n" + "\n".join(" · ".join(map(str, row)) for row in wrong)


def is_allowed(person: Person, who: frozenset[str], route: Route) -> bool:
    if person.who not in who:
        return False
    return route.path is None or route.for_each or (person.ours and (person.for_owner or not route.of_owner))


def entered(response: HttpResponse) -> bool:
    """Whether the view did its work, rather than refusing or sending to the sign-in."""
    if response.status_code in (301, 302):
        path = urlsplit(response["Location"]).path
        asked = response.request["PATH_INFO"]  # type: ignore[attr-defined]
        if "/login/" in path:
            return False
        # The admin answers so about a row that isn't there.
        done = [message.level_tag for message in get_messages(response.wsgi_request)]  # type: ignore[attr-defined]
        return not (path == "/admin/" and asked.startswith("/admin/") and "success" not in done)
    assert response.status_code < 500
    return response.status_code not in (401, 403, 404, 405)


def names_of_ours(response: HttpResponse) -> bool:
    text = b"".join(response).decode(errors="replace")
    return "of ours" in text or "ours.example.org" in text


def forged(world: World, person: Person) -> dict[str, Any]:
    """Fields that no form has, or has for others."""
    return {
        "cluster": world.theirs.cluster.pk, "cluster_id": world.theirs.cluster.pk, "tenant": world.theirs.cluster.pk,
        "role": "coordinator", "level": "full", "participant": world.theirs.seller.pk, "who": "coordinator_admin",
        "participant_id": world.theirs.seller.pk, "user": person.user.pk if person.user else 1, "user_id": 1, "id": 1,
        "pk": 1, "is_superuser": "on", "is_staff": "on", "dso": world.ours.cluster.dso_id, "whole_grid": "on",
        "access": f"{world.ours.cluster.pk}:coordinator:", "email": "forged@example.org",
    }  # fmt: skip


def forged_fields(form: dict[str, Any], others: Any, world: World, person: Person) -> dict[str, Any]:
    """The form with other people's ids wherever it names a row."""
    theirs = world.their_rows if person.ours else world.rows
    ids = {label.rpartition(".")[2].lower(): row.pk for label, row in theirs.items()}
    replaced = {name: ids.get(name.rpartition("-")[2].replace("_", ""), value) for name, value in form.items()}
    return replaced | {"cluster": others.cluster.pk, "cluster_id": others.cluster.pk, "participant": others.seller.pk}


def json_for(address: Address, send: Callable[..., Any]) -> dict[str, str]:
    return {"content_type": "application/json"} if address.name.startswith("api") or send is not Client.post else {}


class Fields(HTMLParser):
    """What a browser would send of the forms of a page to its own address."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path, self.inside, self.select, self.found = path, False, "", dict[str, str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        name = names.get("name") or ""
        if tag == "form":
            self.inside = names.get("method") == "post" and (names.get("action") or self.path) == self.path
        elif self.inside and tag == "input" and name and names.get("type") != "submit":
            if names.get("type") not in ("checkbox", "radio") or "checked" in names:
                self.found[name] = names.get("value") or ""
        elif self.inside and tag == "select":
            self.select = name
        elif self.select and tag == "option" and ("selected" in names or self.select not in self.found):
            self.found[self.select] = names.get("value") or ""
        elif self.inside and tag == "textarea":
            self.found[name] = ""


def fields_of(page: HttpResponse, path: str) -> dict[str, Any]:
    parser = Fields(path)
    if page.status_code == 200 and "html" in page.get("Content-Type", ""):
        parser.feed(page.content.decode())
    return parser.found


class undone:
    """Takes back what was done inside, also for the browser."""

    def __enter__(self) -> None:
        self.atomic = transaction.atomic()
        self.atomic.__enter__()

    def __exit__(self, *error: Any) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(*error)
