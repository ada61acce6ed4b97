"""Two clusters, everybody who could want something of them, and a row of every model to want."""

import datetime as dt
import hashlib
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection, models
from django.test import Client
from django.test.client import ClientHandler
from django.utils import timezone

from billing.models import Bill, BillPaper, Document, InterestRate
from billing.services.bills import BillDraft, issue
from contracts.models import (
    Agreement,
    AgreementDocument,
    AgreementEvent,
    Contract,
    MarketPrice,
    MonthlyMarketPrice,
    TariffBook,
)
from metering.models import Delivery, DsoArea, GridNode
from participants.access import accesses_of
from participants.api_keys import create_api_key
from participants.dso_keys import create_dso_key
from participants.middleware import access_key
from participants.models import (
    ApiKey,
    Application,
    ApplicationDocument,
    ApplicationPoint,
    Cluster,
    Dso,
    DsoKey,
    DsoUser,
    Invitation,
    Membership,
    Participant,
    RoleInvitation,
    User,
)
from participants.services.role_invitations import invite
from participants.tenancy.ddl import tenant_models
from participants.tenancy.scope import scope
from tests.billing.paper_bills import prosumer
from tests.cast import DAY, NOON, Cast, make_cast, make_dso_user, make_user
from tests.participants.tenant_rows import NEW_ROWS, PERIOD, make_row
from tests.tariff import publish

#: One for all requests: each of its own would collect all static files anew.
HANDLER = ClientHandler(enforce_csrf_checks=False)
ACCOUNT_MODELS = (EmailAddress, Authenticator, UserSession)
DELEGATES = (("actor", "act"), ("reader", "read"))


@dataclass(frozen=True)
class Person:
    """Who tries: `who` as in the table, in which of both clusters, and whether for the owner."""

    name: str
    who: str
    user: User | None
    ours: bool = True
    for_owner: bool = False
    token: str = ""
    cookie: str = ""

    def client(self) -> Client:
        """A browser in which the person is signed in."""
        client = Client(headers={"Accept-Language": "en"})
        client.handler = HANDLER
        if self.cookie:
            client.cookies[settings.SESSION_COOKIE_NAME] = self.cookie
        if self.token:
            client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {self.token}"
        return client

    @property
    def access_key(self) -> str:
        accesses = accesses_of(self.user) if self.user else []
        return access_key(accesses[0]) if accesses else ""


@dataclass(frozen=True)
class World:
    ours: Cast
    theirs: Cast
    people: dict[str, Person]
    #: Of our cluster, by model.
    rows: dict[str, models.Model]
    their_rows: dict[str, models.Model]
    delegate: Membership
    invitation: RoleInvitation
    invitation_token: str
    onboarding_token: str
    #: The owner's, to be signed.
    agreement: Agreement
    #: The owner's, with its PDF.
    bill: Bill
    #: The applicant's draft, and what they sent in.
    application: Application
    sent: Application
    point: ApplicationPoint
    document: ApplicationDocument
    sent_document: ApplicationDocument
    #: A published one of a number that only our distributor has.
    book: TariffBook

    def draft(self, **inside: int) -> dict[str, Any]:
        return {"slug": self.ours.cluster.slug, "application": self.application.pk, **inside}


def make_world() -> World:
    ours, theirs = make_cast("ours"), make_cast("theirs", dso_name="Other Distribution")
    outsider = make_user("outsider@example.org")
    with scope(ours.cluster.pk):
        invitation, _token = invite(ours.cluster, "later@example.org", "read", ours.seller, ours.owner, NOON)
    rows, their_rows = rows_of(ours), rows_of(theirs)
    people = {person.name: signed_in(person) for person in everybody(ours, theirs, outsider)}
    with scope(ours.cluster.pk):
        delegate = Membership.objects.get(user=people["reader"].user)
        token = invite(ours.cluster, outsider.email, "read", ours.seller, ours.owner, timezone.now())[1]
        onboarding = invited_to_apply(ours, outsider)
        rows["participants.Membership"] = Membership.objects.get(user=people["accountant"].user)
        agreement = offered_agreement(ours)
        bill = issued_bill(ours)
        rows["contracts.Agreement"] = agreement
        rows["metering.Delivery"] = sent_file(ours, people)
        draft, point, document = apply(ours, people["applicant"].user, "draft")
        sent, _point, sent_document = apply(ours, people["applicant"].user, "at_dso")
        rows["participants.Application"] = sent
    return World(
        ours, theirs, people, rows, their_rows, delegate, invitation, token, onboarding, agreement, bill, draft, sent,
        point, document, sent_document, our_book(ours),
    )  # fmt: skip


def our_book(cast: Cast) -> TariffBook:
    rate = {"group": "G11", "component": "network_variable", "zone": "flat", "rate_net": 1}
    return publish(cast.cluster.dso, [rate], number=77)


def sent_file(cast: Cast, people: dict[str, Person]) -> Delivery:
    """A file of readings that everybody who may send files has a reason to look at."""
    key = ApiKey.objects.get(name="meters")
    senders = {"api_key": key, "user": people["area distributor"].user, "dso": cast.cluster.dso}
    return Delivery.objects.create(cluster=cast.cluster, **NEW_ROWS[Delivery](cast) | senders)


def apply(cast: Cast, user: User | None, status: str) -> tuple[Application, ApplicationPoint, ApplicationDocument]:
    """An application with a metering point and a document."""
    application = Application.objects.create(
        cluster=cast.cluster, user=user, language="en", created_at=NOON, status=status, name="Applicant of ours",
        submitted_at=None if status == "draft" else NOON,
    )  # fmt: skip
    inside = {"cluster": cast.cluster, "application": application}
    point = ApplicationPoint.objects.create(**NEW_ROWS[ApplicationPoint](cast) | inside)
    return application, point, ApplicationDocument.objects.create(**NEW_ROWS[ApplicationDocument](cast) | inside)


def offered_agreement(cast: Cast) -> Agreement:
    agreement = Agreement.objects.create(
        cluster=cast.cluster, **NEW_ROWS[Agreement](cast) | {"participant": cast.seller, "number": 77}
    )
    document = AgreementDocument.objects.all()[0]
    document.pk, document.agreement = None, agreement
    document.save(force_insert=True)
    note(agreement, 1, "prepare", "new", "draft")
    note(agreement, 2, "offer", "draft", "offered")
    return agreement


def issued_bill(cast: Cast) -> Bill:
    (bill,) = issue(cast.cluster, [BillDraft(prosumer(), cast.seller, dt.date(2026, 6, 1))], NOON)
    BillPaper.objects.create(cluster=cast.cluster, **NEW_ROWS[BillPaper](cast) | {"bill": bill})
    return bill


def note(agreement: Agreement, position: int, act: str, source: str, target: str) -> None:
    AgreementEvent.objects.create(
        cluster_id=agreement.cluster_id, agreement=agreement, position=position, act=act, source=source,
        target=target, day=DAY, at=NOON,
    )  # fmt: skip


def invited_to_apply(cast: Cast, user: User) -> str:
    """The secret of the link that leads the user to an application."""
    row = NEW_ROWS[Invitation](cast) | {"email": user.email, "token_sha256": hashlib.sha256(b"secret").hexdigest()}
    Invitation.objects.create(cluster=cast.cluster, **row | {"expires_at": timezone.now() + dt.timedelta(days=1)})
    return "secret"


def signed_in(person: Person) -> Person:
    if person.user is None:
        return person
    client = Client()
    client.force_login(person.user)
    return replace(person, cookie=client.cookies[settings.SESSION_COOKIE_NAME].value)


def everybody(ours: Cast, theirs: Cast, outsider: User) -> list[Person]:
    dso = ours.cluster.dso
    area_user = make_dso_user(dso, "area@example.org")
    DsoUser.objects.filter(user=area_user).update(whole_grid=False)
    applicant = make_user("applicant@example.org")
    operator = make_user("operator@example.org", is_staff=True, is_superuser=True)
    with scope(ours.cluster.pk):
        DsoArea.objects.create(cluster=ours.cluster, user=area_user, grid_node=GridNode.objects.get(code="ST-1"))
        key = create_api_key(ours.cluster, "meters")[0]
    with scope(theirs.cluster.pk):
        other_key = create_api_key(theirs.cluster, "meters")[0]
    actor, reader = (member(ours, name, level=level, participant=ours.seller) for name, level in DELEGATES)
    return [
        Person("owner", "member", ours.owner, for_owner=True),
        Person("actor", "delegate_act", actor, for_owner=True),
        Person("reader", "delegate_read", reader, for_owner=True),
        Person("colleague", "member", ours.colleague),
        Person("coordinator", "coordinator_admin", ours.coordinator),
        Person("accountant", "coordinator_accountant", member(ours, "accountant", level="accounts")),
        Person("auditor", "coordinator_readonly", member(ours, "auditor", level="read")),
        Person("distributor", "dso", make_dso_user(dso)),
        Person("area distributor", "dso_area", area_user),
        Person("applicant", "applicant", applicant),
        Person("operator", "operator", operator),
        Person("outsider", "nobody", outsider),
        Person("other owner", "member", theirs.owner, ours=False),
        Person("other coordinator", "coordinator_admin", theirs.coordinator, ours=False),
        Person("other distributor", "dso", make_dso_user(theirs.cluster.dso, "other@example.org"), ours=False),
        Person("stranger", "anonymous", None),
        Person("meters", "machine", None, token=key),
        Person("other meters", "machine", None, ours=False, token=other_key),
        Person("tariff desk", "dso_machine", None, token=create_dso_key(dso, "tariff desk", None, NOON)[0]),
        Person(
            "other tariff desk",
            "dso_machine",
            None,
            ours=False,
            token=create_dso_key(theirs.cluster.dso, "tariff desk", None, NOON)[0],
        ),
    ]


def member(cast: Cast, name: str, **fields: Any) -> User:
    role = "member" if "participant" in fields else "coordinator"
    user = make_user(f"{name}@example.org", with_app=role == "coordinator")
    with scope(cast.cluster.pk):
        Membership.objects.create(cluster=cast.cluster, user=user, role=role, **fields)
    return user


def rows_of(cast: Cast) -> dict[str, models.Model]:
    """A row of each model, by label: in the cluster, or else what belongs to it."""
    dso = cast.cluster.dso
    book = publish(
        dso, [{"group": "G11", "component": "network_variable", "zone": "flat", "rate_net": 1}],
        [{"group": "G11", "zone": "day", "months": "1-12", "day_type": "all", "starts": "00:00", "ends": "24:00"}],
    )  # fmt: skip
    rows: dict[str, models.Model] = {
        "participants.Cluster": cast.cluster,
        "participants.Dso": dso,
        "participants.User": cast.owner,
        "participants.DsoKey": create_dso_key(dso, "old desk", None, NOON)[1],
        "participants.DsoUser": make_dso_user(dso, f"desk@{cast.cluster.slug}.example.org").dso_user,
        "contracts.TariffBook": book,
        "contracts.TariffRate": book.rates.get(),
        "contracts.TariffZone": book.zones.get(),
        "billing.InterestRate": InterestRate.objects.create(
            kind="statutory", valid_from=NOON.date() + dt.timedelta(days=cast.cluster.pk), percent=9
        ),
        "contracts.MarketPrice": MarketPrice.objects.create(
            interval_start=NOON, version=MarketPrice.objects.count() + 1, pln_mwh=400, received_at=NOON, via="operator",
            source="test",
        ),
        "contracts.MonthlyMarketPrice": MonthlyMarketPrice.objects.get_or_create(
            month=DAY, version=1, defaults={"pln_mwh": 1, "source": "as published"}
        )[0],
        "auth.Group": Group.objects.create(name=cast.cluster.slug),
        "account.EmailAddress": cast.owner.emailaddress_set.get(),
        "mfa.Authenticator": Authenticator.objects.get(user=cast.coordinator),
        "usersessions.UserSession": UserSession.objects.create(
            user=cast.owner, session_key=f"of {cast.cluster.slug}", ip="127.0.0.1", user_agent="browser"
        ),
    }  # fmt: skip
    with scope(cast.cluster.pk):
        for model in tenant_models():
            if model is not Membership:
                rows[model._meta.label] = make_row(model, cast)
        grid = Bill.objects.create(
            cluster=cast.cluster, dso=dso, **NEW_ROWS[Bill](cast) | {"reference": "R/3", "period": PERIOD}
        )
        rows["grid document"] = Document.objects.create(
            cluster=cast.cluster,
            **NEW_ROWS[Document](cast) | {"bill": grid, "position": 1, "number": "FD/1", "kind": "grid"},
        )
        # Whoever has an agreement is settled by it: these have none.
        rows["contracts.Contract"] = Contract.objects.create(
            cluster=cast.cluster, participant=rows["participants.Participant"], scheme="p2p", valid_from=DAY
        )
        for agreement in Agreement.objects.filter(events=None):
            note(agreement, 1, "prepare", "new", "draft")
        rows["participants.RoleInvitation"] = invite(
            cast.cluster, "accounts@example.org", "accounts", None, cast.coordinator, NOON
        )[0]
    return rows


def snapshot(cluster: Cluster) -> dict[str, Any]:
    """A digest of all tenant rows of a cluster, by model, and all roles outside of clusters."""
    with scope(cluster.pk), connection.cursor() as cursor:
        cursor.execute(digests())
        return roles_outside() | dict(cursor.fetchall())


@cache
def digests() -> str:
    return " UNION ALL ".join(
        f"SELECT '{model._meta.label}', md5(string_agg(t::text, ';' ORDER BY t::text)) FROM {model._meta.db_table} t"
        for model in tenant_models()
    )


def rows_naming(participant: Participant) -> dict[str, list[tuple[Any, ...]]]:
    """A participant's row and all that names it."""
    found = {}
    with scope(participant.cluster_id):
        found["itself"] = list(Participant.objects.filter(pk=participant.pk).values_list())
        for model in tenant_models():
            if any(field.name == "participant" for field in model._meta.fields):
                rows = model._base_manager.filter(participant=participant)
                found[model._meta.label] = sorted(rows.values_list(), key=repr)
    return found


def accounts_of_others(user: User | None) -> list[list[tuple[Any, ...]]]:
    """Logins, addresses, second factors and sessions of everybody else."""
    key = user.pk if user else None
    rows = (User.objects.exclude(pk=key), *(m.objects.exclude(user=key) for m in ACCOUNT_MODELS))
    return [sorted(found.values_list(), key=repr) for found in rows]


def ways_in(*clusters: Cluster) -> dict[str, list[tuple[Any, ...]]]:
    """Who may enter what, as what."""
    found = roles_outside()
    with scope(*(cluster.pk for cluster in clusters)):
        for model in (Membership, ApiKey, DsoArea):
            found[model._meta.label] = sorted(model._base_manager.values_list(), key=repr)
    return found


def roles_outside() -> dict[str, list[tuple[Any, ...]]]:
    return {
        "operators": sorted(User.objects.values_list("pk", "email", "is_superuser", "is_staff", "is_active")),
        "distributors": sorted(DsoUser.objects.values_list()),
        "clusters": sorted(Cluster.objects.values_list(), key=repr),
        "grids": sorted(Dso.objects.values_list()),
        "keys of distributors": sorted(DsoKey.objects.values_list("pk", "dso", "name", "revoked_at"), key=repr),
        "tariff books": sorted(TariffBook.objects.values_list("pk", "dso", "number", "state")),
    }
