"""Everybody tries every address: what the table does not give is refused, and a refused request changes nothing."""

import logging
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from html.parser import HTMLParser
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit
from zipfile import ZipFile

import pytest
from django.contrib import admin
from django.contrib.admin import helpers
from django.contrib.messages import get_messages
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tests.roles.addresses import Address, admin_models, all_addresses, path_of, route_of
from tests.roles.table import ADMIN_MODELS, ADMIN_ROUTES, COORDINATORS, DSOS, MEMBERS, PUBLIC, ROUTES, Route
from tests.roles.world import Person, World, accounts_of_others, make_world, rows_naming, snapshot, ways_in

pytestmark = pytest.mark.django_db
#: Which addresses may change who may what: with these the changed roles are the point.
GIVE_ROLES = (
    "remove_delegate", "role_invitation", "admin:participants_membership_", "admin:participants_apikey_",
    "admin:participants_user_", "admin:participants_dso", "admin:participants_cluster_", "admin:metering_dsoarea_",
    "admin:auth_", "dso_tariff_key",
)  # fmt: skip
#: These have no form and show the same to any method.
SHOWN_BY_ANY_METHOD = (
    "home", "_history", "admin:index", "admin:app_list", "agreement_pdf", "agreement_confirmation", "agreement_change",
    "admin:application_document",
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
            elif allowed and (seen := not_theirs(person, address, world, response)):
                wrong.append((person.name, address.name, response.status_code, f"shows {seen}"))
    assert not wrong, listed(wrong)


def test_ids_in_the_address_open_nothing_of_others(world: World) -> None:
    """Each page that one may open, asked for as if another one were its owner."""
    wrong = []
    asked = {"cluster": world.ours.cluster.pk, "participant": world.ours.seller.pk, "user": world.ours.owner.pk}
    asked |= {f"{name}_id": key for name, key in asked.items()} | {"access": world.people["coordinator"].access_key}
    for person in world.people.values():
        for address, route in tried():
            if address.name.startswith("admin:") or not is_allowed(person, route.get, route):
                continue
            path = path_of(address, route, world)
            for sent in (asked, {**asked, "role": "coordinator", "level": "full", "dso": world.ours.cluster.dso_id}):
                response = person.client().get(path, sent, headers={"X-Cluster": str(sent["cluster"])})
                if seen := not_theirs(person, address, world, response):
                    wrong.append((person.name, address.name, response.status_code, f"shows {seen}"))
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
                looked = is_allowed(person, route.get, route) and address.name.endswith(SHOWN_BY_ANY_METHOD)
                if entered(response) and not looked:
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
            victim = world.ours.seller if person.name == "colleague" else world.ours.buyer
            untouched = rows_naming(victim) if person.who in MEMBERS and person.ours else None
            with undone():
                forms = (
                    form | forged(world, person), forged_fields(form, others, world, person),
                    form | {"participant": victim.pk, "participant_id": victim.pk}, form,
                )  # fmt: skip
                responses = [person.client().post(path, data, **json_for(address, Client.post)) for data in forms]
                if untouched is not None and rows_naming(victim) != untouched:
                    wrong.append((person.name, address.name, "changed another member's rows"))
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


def test_another_ones_way_in_cannot_be_chosen(world: World) -> None:
    for person in world.people.values():
        for other in map(world.people.get, ("owner", "coordinator", "other owner", "other coordinator")):
            assert other is not None
            with undone():
                person.client().post(reverse("choose_access"), {"access": other.access_key})
                seen = entered_elsewhere(person, world)
            assert not seen, (person.name, other.name, seen)


def test_bulk_actions_are_for_those_the_table_names(world: World) -> None:
    """Sent by everybody, with a row selected and all that the action's own page asks for."""
    wrong = []
    asked = {"apply": "1", "post": "yes", "day": "2027-01-01", "reason": "x", "subject": "x", "text": "x"}
    for person in world.people.values():
        before = snapshot(world.ours.cluster)
        for middle, model in admin_models().items():
            label = model._meta.label
            entry = ADMIN_MODELS[label]
            path = reverse(f"admin:{middle}_changelist")
            actions = {getattr(a, "__name__", a) for a in admin.site._registry[model].actions or ()}
            assert actions == set(entry.actions), label
            for name, who in (entry.actions | {"delete_selected": entry.delete}).items():
                allowed = person.ours and person.who in who
                data = asked | {"action": name, helpers.ACTION_CHECKBOX_NAME: [str(world.rows[label].pk)]}
                with undone() if allowed else nullcontext():
                    response = person.client().post(path, data)
                    # Who acts in the other cluster acts on nothing; the sign-in's own action says nothing.
                    told = name not in ("delete_selected", "make_verified") and (allowed or person.who not in who)
                    if told and acted(response) != allowed:
                        wrong.append((person.name, label, name, "allowed" if allowed else "refused"))
        after = snapshot(world.ours.cluster)
        wrong += [(person.name, "changed", label) for label in before if before[label] != after[label]]
    assert not wrong, listed(wrong)


def test_the_sign_in_pages_show_and_change_nothing_of_a_cluster(world: World) -> None:
    for person in world.people.values():
        before = snapshot(world.ours.cluster), snapshot(world.theirs.cluster)
        for address in (address for address in all_addresses() if address.of_account):
            path = path_of(address, route_of(address), world)
            for send in (Client.get, Client.post):
                with undone():
                    others = accounts_of_others(person.user)
                    response = send(person.client(), path, forged(world, person) if send is Client.post else {})
                    assert accounts_of_others(person.user) == others, (person.name, path)
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


def acted(response: HttpResponse) -> bool:
    """Whether a list's action did something or asked for more, rather than leading back to the list."""
    if response.status_code != 302:
        return entered(response) and 'id="changelist"' not in text_of(response)
    done = [message.level_tag for message in get_messages(response.wsgi_request)]  # type: ignore[attr-defined]
    return "success" in done or "error" in done


def entered_elsewhere(person: Person, world: World) -> str:
    """What a person sees after asking for another's way in, of what is not theirs."""
    if entered(person.client().get(reverse("admin:index"))) != (person.who in ADMIN_ROUTES["admin:index"].get):
        return "entered the desk"
    response = person.client().get(reverse("home"), follow=True)
    return not_theirs(person, Address("home", ()), world, response)


def not_theirs(person: Person, address: Address, world: World, response: HttpResponse) -> str:
    """What a page shows that is not for this person: our cluster's for others, the owner's for our other members."""
    text = text_of(response)
    if not person.ours:
        marks = ["of ours", "ours.example.org", *(["Cluster ours"] if address.name not in PUBLIC else [])]
    elif person.for_owner or person.who in COORDINATORS or address.name == "role_invitation":
        marks = []
    else:
        marks = [world.ours.seller.name, world.ours.owner.email, world.ours.seller.code]
        # The distributor knows its metering points, and not whose they are.
        marks += [] if person.who in DSOS else [world.ours.seller_point.code]
    return next((mark for mark in marks if mark in text), "")


def text_of(response: HttpResponse) -> str:
    """The body, of an archive all its files."""
    body = b"".join(response)
    if response.get("Content-Type") != "application/zip":
        return body.decode(errors="replace")
    with ZipFile(BytesIO(body)) as archive:
        return "\n".join(archive.read(name).decode(errors="replace") for name in archive.namelist())


def names_of_ours(response: HttpResponse) -> bool:
    text = text_of(response)
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
