"""To be forgotten: the person goes, what was settled stays as it was."""

import datetime as dt
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from clearing.models import Position, Trade
from contracts.models import Contract
from contracts.services.erasure import ErasureRefused, erase_participant
from metering.models import PointAssignment, Reading
from participants.models import (
    Application,
    ApplicationDocument,
    ApplicationEvent,
    Complaint,
    ErasureRequest,
    Membership,
    Participant,
    RoleInvitation,
    User,
)
from participants.tenancy.ddl import tenant_models
from participants.tenancy.scope import scope
from tests.cast import DAY, NOON, PASSWORD, Cast, make_cast, make_user
from tests.pages.conftest import NOW
from tests.pages.scenes import bill, signed_in, text_of

pytestmark = pytest.mark.django_db
PERSONAL = {
    "name": "Zuzanna Zażółć",
    "email": "zuzanna@example.org",
    "street": "ul. Tajna 7",
    "postcode": "99-777",
    "city": "Nigdzieburg",
    "nip": "5260250274",
    "iban": "PL10105000997603123456789123",
}


@pytest.fixture
def cast() -> Cast:
    """The owner has told much about herself; her account has the same address."""
    cast = make_cast("alfa")
    with scope(cast.cluster.pk):
        Participant.objects.filter(pk=cast.seller.pk).update(**PERSONAL)
        bill(cast, cast.seller)
        application = Application.objects.create(
            cluster=cast.cluster, user=cast.owner, status="admitted", participant=cast.seller, language="pl",
            created_at=NOON, submitted_at=NOON, start_day=DAY, country="PL", **PERSONAL,
        )  # fmt: skip
        ApplicationEvent.objects.create(
            cluster=cast.cluster, application=application, at=NOON, step="ask", actor="applicant", user=cast.owner,
            text=f"I am {PERSONAL['name']}",
        )  # fmt: skip
        ApplicationDocument.objects.create(
            cluster=cast.cluster, application=application, name="Tajna.pdf", content_type="application/pdf",
            content=PERSONAL["name"].encode(), size=9, uploaded_at=NOON,
        )  # fmt: skip
        Complaint.objects.create(
            cluster=cast.cluster, participant=cast.seller, user=cast.owner, subject="Nigdzieburg", text="ul. Tajna 7",
            made_at=NOON, due_on=DAY, answer="Dear Zuzanna", answered_at=NOON, answered_by=cast.coordinator,
        )  # fmt: skip
        RoleInvitation.objects.create(
            cluster=cast.cluster, email=PERSONAL["email"], level="read", participant=cast.seller,
            secret_sha256="a" * 64, invited_by=cast.owner, created_at=NOON,
        )  # fmt: skip
        # Both were taken back long ago: only the history of changes still knows them.
        RoleInvitation.objects.create(
            cluster=cast.cluster, email="tajna@nigdzieburg.example.org", level="read", participant=cast.seller,
            secret_sha256="b" * 64, invited_by=cast.owner, created_at=NOON,
        ).delete()  # fmt: skip
        ApplicationDocument.objects.create(
            cluster=cast.cluster, application=application, name="Dowod-Zuzanny.pdf", content_type="application/pdf",
            content=b"x", size=1, uploaded_at=NOON,
        ).delete()  # fmt: skip
    User.objects.filter(pk=cast.owner.pk).update(email=PERSONAL["email"], first_name="Zuzanna")
    EmailAddress.objects.filter(user=cast.owner).update(email=PERSONAL["email"])
    cast.owner.refresh_from_db()
    LogEntry.objects.create(
        user=cast.coordinator, content_type=ContentType.objects.get_for_model(Participant), object_id=cast.seller.pk,
        object_repr=f"P0001 {PERSONAL['name']}", action_flag=CHANGE, change_message="Zuzanna",
    )  # fmt: skip
    return cast


def leave(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        Contract.objects.filter(participant=cast.seller).update(valid_to=dt.date(2026, 7, 1))
        PointAssignment.objects.filter(participant=cast.seller).update(valid_to=dt.date(2026, 7, 1))


def erase(cast: Cast) -> bool:
    with scope(cast.cluster.pk):
        return erase_participant(cast.seller, cast.coordinator, NOW)


def everything(cast: Cast) -> str:
    """All text of the cluster's rows and of the tables of logins."""
    tables = [model._meta.db_table for model in tenant_models()]
    tables += ["participants_user", "account_emailaddress", "django_admin_log", "participants_dsouser"]
    with scope(cast.cluster.pk), connection.cursor() as cursor:
        found = []
        for table in tables:
            cursor.execute(f'SELECT coalesce(string_agg(t::text, chr(10)), $$$$) FROM "{table}" t')
            found.append(cursor.fetchone()[0])
    return "\n".join(found)


def test_nothing_names_the_person_any_more(cast: Cast) -> None:
    leave(cast)
    before = everything(cast)
    secrets = [*PERSONAL.values(), "Zuzanna", "Nigdzieburg", "Tajna", "nigdzieburg", "Zuzanny"]
    assert all(secret in before for secret in secrets)
    assert erase(cast)
    after = everything(cast)
    assert [secret for secret in secrets if secret in after] == []
    assert PERSONAL["name"].encode().hex() not in after
    assert cast.colleague.email in after
    assert cast.buyer.name in after


def test_the_login_is_closed(cast: Cast) -> None:
    leave(cast)
    client = signed_in(cast.owner)
    assert client.get("/money/").status_code == 200
    erase(cast)
    assert client.get("/money/")["Location"].startswith("/accounts/login/")
    fresh = Client(headers={"Accept-Language": "en"})
    answer = fresh.post("/accounts/login/", {"login": PERSONAL["email"], "password": PASSWORD})
    assert "not correct" in text_of(answer)
    with scope(cast.cluster.pk):
        assert not Membership.objects.filter(user=cast.owner).exists()


def test_a_login_that_opens_more_stays(cast: Cast) -> None:
    theirs = make_cast("beta")
    with scope(theirs.cluster.pk):
        Membership.objects.create(
            cluster=theirs.cluster, user=cast.owner, role="member", participant=theirs.buyer, level="read"
        )
    leave(cast)
    erase(cast)
    cast.owner.refresh_from_db()
    assert cast.owner.is_active
    assert cast.owner.email == PERSONAL["email"]
    assert "P0002 of beta" in text_of(signed_in(cast.owner).get("/"))


def test_a_delegate_loses_the_way_in_and_keeps_the_login(cast: Cast) -> None:
    delegate = make_user("delegate@example.org")
    with scope(cast.cluster.pk):
        Membership.objects.create(
            cluster=cast.cluster, user=delegate, role="member", participant=cast.seller, level="act"
        )
    leave(cast)
    erase(cast)
    delegate.refresh_from_db()
    assert (delegate.is_active, delegate.email) == (True, "delegate@example.org")
    assert signed_in(delegate).get("/money/").status_code == 403


def results(cast: Cast) -> list[object]:
    with scope(cast.cluster.pk):
        return [list(model.objects.order_by("pk").values_list()) for model in (Reading, Position, Trade)]


def test_statements_and_settlement_stay_to_the_byte(cast: Cast, tmp_path: Path) -> None:
    leave(cast)
    before = results(cast)
    for name in ("before", "after"):
        call_command("export_statements", "alfa", "2026-06", "--out", str(tmp_path / name))
        span = ["--from", "2026-06-11", "--to", "2026-06-12"]
        call_command("export_results", "alfa", *span, "--out", str(tmp_path / f"package-{name}"))
        if name == "before":
            erase(cast)
    assert results(cast) == before
    for folder in ("", "package-"):
        one, other = tmp_path / f"{folder}before", tmp_path / f"{folder}after"
        files = sorted(path.name for path in one.iterdir())
        assert files == sorted(path.name for path in other.iterdir())
        for file in files:
            if file != "manifest.json":
                assert (one / file).read_bytes() == (other / file).read_bytes(), file


def test_a_second_time_nothing_happens(cast: Cast) -> None:
    leave(cast)
    assert erase(cast)
    before = everything(cast)
    assert not erase(cast)
    assert everything(cast) == before


@pytest.mark.parametrize("tie", ["contract", "later contract", "point", "complaint"])
def test_it_is_refused_while_something_is_in_force(cast: Cast, tie: str) -> None:
    leave(cast)
    with scope(cast.cluster.pk):
        if tie == "contract":
            Contract.objects.filter(participant=cast.seller).update(valid_to=None)
        elif tie == "later contract":
            Contract.objects.create(
                cluster=cast.cluster, participant=cast.seller, scheme="standard", valid_from=dt.date(2027, 1, 1)
            )
        elif tie == "point":
            PointAssignment.objects.filter(participant=cast.seller).update(valid_to=dt.date(2026, 11, 23))
        else:
            Complaint.objects.create(
                cluster=cast.cluster, participant=cast.seller, user=cast.owner, subject="Open", text="x", made_at=NOON,
                due_on=DAY,
            )  # fmt: skip
    before = everything(cast)
    with pytest.raises(ErasureRefused):
        erase(cast)
    assert everything(cast) == before


@pytest.mark.parametrize(("legal_form", "vat_payer", "kept"), [
    ("person", False, ""), ("person", True, PERSONAL["nip"]), ("company", False, PERSONAL["nip"]),
])  # fmt: skip
def test_the_tax_number_stays_where_documents_must_bear_it(
    cast: Cast, legal_form: str, vat_payer: bool, kept: str
) -> None:
    leave(cast)
    with scope(cast.cluster.pk):
        Participant.objects.filter(pk=cast.seller.pk).update(legal_form=legal_form, vat_payer=vat_payer)
        erase_participant(cast.seller, None, NOW)
        seller = Participant.objects.get(pk=cast.seller.pk)
    assert (seller.name, seller.email, seller.iban, seller.nip) == ("—", "", "", kept)


def test_the_coordinator_carries_it_out_after_being_asked_again(cast: Cast) -> None:
    signed_in(cast.owner).post("/privacy/erasure/", {"sure": "yes"})
    with scope(cast.cluster.pk):
        row = ErasureRequest.objects.get()
    client = signed_in(cast.coordinator)
    page = reverse("admin:participants_erasurerequest_changelist")
    data = {"action": "erase", ACTION_CHECKBOX_NAME: row.pk}
    assert "It can't be undone" in text_of(client.post(page, data))
    assert "contracts in force 1" in text_of(client.post(page, data | {"apply": "yes"}, follow=True))
    leave(cast)
    assert "Erased: P0001" in text_of(client.post(page, data | {"apply": "yes"}, follow=True))
    with scope(cast.cluster.pk):
        row.refresh_from_db()
        assert row.erased_by == cast.coordinator
        assert Participant.objects.get(code="P0001").name == "—"


def test_nobody_else_carries_it_out(cast: Cast) -> None:
    leave(cast)
    signed_in(cast.owner).post("/privacy/erasure/", {"sure": "yes"})
    with scope(cast.cluster.pk):
        row = ErasureRequest.objects.get()
        reader = make_user("reader@example.org", with_app=True)
        Membership.objects.create(cluster=cast.cluster, user=reader, role="coordinator", level="read")
    data = {"action": "erase", ACTION_CHECKBOX_NAME: row.pk, "apply": "yes"}
    for user in (cast.owner, cast.colleague, reader, make_cast("beta").coordinator):
        signed_in(user).post(reverse("admin:participants_erasurerequest_changelist"), data)
    with scope(cast.cluster.pk):
        row.refresh_from_db()
        assert row.erased_at is None
        assert Participant.objects.get(code="P0001").name == PERSONAL["name"]


def test_the_command(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="contracts in force: 1, metering points held: 1"):
        call_command("erase_participant", "alfa", "P0001")
    leave(cast)
    call_command("erase_participant", "alfa", "P0001")
    call_command("erase_participant", "alfa", "P0001")
    assert capsys.readouterr().out.splitlines() == [
        "P0001: personal data erased.",
        "P0001: was erased before; nothing to do.",
    ]
    for arguments in (("alfa", "P0404"), ("nowhere", "P0001")):
        with pytest.raises(CommandError, match="There is no"):
            call_command("erase_participant", *arguments)


def test_the_database_forgets_texts_of_applications_in_scope_only(cast: Cast) -> None:
    theirs = make_cast("beta")
    with scope(cast.cluster.pk):
        application = Application.objects.get()
    with scope(theirs.cluster.pk), connection.cursor() as cursor:
        cursor.execute("SELECT forget_application_texts(%s)", [[application.pk]])
    with scope(cast.cluster.pk):
        assert "Zuzanna" in ApplicationEvent.objects.get().text
