"""The ZIP of all own data: everything of one's own, nothing of others'."""

import csv
import datetime as dt
import io
import json
import tracemalloc
import zipfile
from decimal import Decimal

import pytest
from allauth.usersessions.models import UserSession
from django.db import connection
from django.test import Client

from billing.models import Bill, InterestDecision, PaymentReminder
from billing.selectors.papers import batches_to_make
from billing.services.bills import BillDraft, issue
from billing.services.deliveries import queue_bills
from billing.services.papers import make_papers
from billing.services.payments import match_payments
from cluster_platform.portal.energy import own_points
from cluster_platform.portal.own_data import Owner, own_data_zip
from cluster_platform.portal.own_readme import FILES
from cluster_platform.portal.own_tables import FILES as FILE_CONTENTS
from cluster_platform.portal.own_tables import TABLES, TRADES
from cluster_platform.portal.reading_log import OWN_ACCESSES
from contracts.models import OfferAssignment, SaleMechanism, StaticKey
from contracts.services.standard import default_offer
from metering.domain.calendar import time_zone
from metering.models import Finding, Meter, MeteringPoint, PointAssignment, Reading, ReadingAccess, Substitution
from participants.models import (
    Application,
    ApplicationDocument,
    ApplicationEvent,
    ApplicationPoint,
    Complaint,
    Membership,
    Participant,
)
from participants.services.consents import decide
from participants.services.role_invitations import invite
from participants.tenancy.ddl import tenant_models
from participants.tenancy.partitions import ensure_month_partitions
from participants.tenancy.scope import clusters_in_scope, scope
from tests.billing.bills import FIRST
from tests.billing.paper_bills import prosumer
from tests.billing.settling import transfer
from tests.cast import DAY, NOON, Cast, add_app, make_cast, make_user
from tests.pages.scenes import add_members, bill, settle, signed_in
from tests.participants.tenant_rows import day_of_readings

pytestmark = pytest.mark.django_db
LATER = dt.date(2026, 9, 1)


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


def download(client: Client) -> dict[str, bytes]:
    response = client.get("/privacy/data.zip")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/zip"
    assert "no-store" in response["Cache-Control"]
    with zipfile.ZipFile(io.BytesIO(b"".join(response))) as archive:  # type: ignore[arg-type]
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def rows(files: dict[str, bytes], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[f"{name}.csv"].decode())))


def live_a_little(cast: Cast) -> list[MeteringPoint]:
    """Trades of several days with several members, statements, and something in every other table."""
    others = add_members(cast, 6)
    with scope(cast.cluster.pk):
        for days in (1, 2, 40):
            start = NOON + dt.timedelta(days=days)
            sold = {cast.seller_point: 500, others[0]: 300}
            settle(cast, start, sold, {cast.buyer_point: 400, others[1]: 200})
        for participant in (cast.seller, cast.buyer):
            bill(cast, participant)
            paid_late(cast, *issue(cast.cluster, [BillDraft(prosumer(), participant, FIRST)], NOON))
            decide(participant, "directory_name", True, cast.owner)
            application = Application.objects.create(
                cluster=cast.cluster, user=cast.owner, status="admitted", participant=participant, language="pl",
                created_at=NOON, name=participant.name, email=participant.email, start_day=DAY, submitted_at=NOON,
            )  # fmt: skip
            ApplicationEvent.objects.create(
                cluster=cast.cluster, application=application, at=NOON, step="ask", actor="coordinator",
                user=cast.coordinator, text=f'A "question", with \\ and\n a line for {participant.name}',
            )  # fmt: skip
            ApplicationDocument.objects.create(
                cluster=cast.cluster, application=application, name="proof.pdf", content_type="application/pdf",
                content=f"%PDF of {participant.name}".encode(), size=9, uploaded_at=NOON,
            )  # fmt: skip
            ApplicationPoint.objects.create(
                cluster=cast.cluster, application=application, code="590000000000000099", tariff_group="G11",
                contracted_power_kw=14, phases=3, yearly_use_kwh=1808,
            )  # fmt: skip
            StaticKey.objects.create(cluster=cast.cluster, participant=participant, share=1, valid_from=DAY)
            OfferAssignment.objects.create(
                cluster=cast.cluster, participant=participant, offer=default_offer(cast.cluster), valid_from=DAY
            )
            SaleMechanism.objects.create(
                cluster=cast.cluster, participant=participant, kind="fixed", pln_mwh=Decimal(300), netting="hour",
                valid_from=DAY,
            )  # fmt: skip
            invite(cast.cluster, f"of-{participant.code}@example.org", "read", participant, cast.owner, NOON)
            Complaint.objects.create(
                cluster=cast.cluster, participant=participant, user=cast.owner, subject=f"From {participant.name}",
                text="x", made_at=NOON, due_on=DAY,
            )  # fmt: skip
        ReadingAccess.objects.create(
            cluster=cast.cluster, user=cast.coordinator, role="coordinator", metering_point=cast.buyer_point,
            readings_from=NOON, readings_to=NOON + dt.timedelta(hours=1), purpose="point",
        )  # fmt: skip
        PointAssignment.objects.filter(metering_point=cast.seller_point).update(valid_from=dt.date(2020, 1, 1))
        day_of_readings(cast, cast.seller_point)
        for point in (cast.seller_point, cast.buyer_point):
            looked_at(cast, point)
        Meter.objects.create(
            cluster=cast.cluster, metering_point=cast.seller_point, serial="E-1", valid_from=dt.date(2019, 1, 1)
        )
        ReadingAccess.objects.create(
            cluster=cast.cluster, role="operator", readings_from=NOON, readings_to=NOON + dt.timedelta(hours=1),
            purpose="dataset",
        )  # fmt: skip
        batches = batches_to_make(cast.cluster.pk)
    for batch in batches:
        make_papers(cast.cluster, batch, NOON)
    with scope(cast.cluster.pk):
        queue_bills(cast.cluster, NOON)
    return others


def paid_late(cast: Cast, bill: Bill) -> None:
    """A part payment, a reminder, and interest that was waived."""
    amount = 1 if bill.payable_pln > 0 else -1
    transfer(cast, f"{amount}.00", bill.reference)
    match_payments(cast.cluster, NOON)
    PaymentReminder.objects.create(
        cluster=cast.cluster, bill=bill, step=1, sent_on=DAY, addresses=bill.participant.email, open_pln=1
    )
    InterestDecision.objects.create(
        cluster=cast.cluster, bill=bill, valid_from=DAY, valid_to=LATER, amount_pln=1, what="waived", reason="ours",
        at=NOON,
    )  # fmt: skip


def looked_at(cast: Cast, point: MeteringPoint) -> None:
    """A finding about a point, and a substitution because of it."""
    span = {"cluster": cast.cluster, "metering_point": point, "starts": NOON, "ends": NOON + dt.timedelta(minutes=15)}
    Finding.objects.create(
        **span, rule="spike", day=NOON.date(), quarter_hours=1, value_wh=2, limit_wh=1, severity="warning",
        owner="dso", found_at=NOON,
    )  # fmt: skip
    Substitution.objects.create(
        **span, how="values", reason=f"Meter of {point}", issued_at=NOON, issued_by=cast.coordinator, readings=1,
        imported_wh=0, exported_wh=400,
    )  # fmt: skip


def test_everything_is_there_twice(cast: Cast) -> None:
    live_a_little(cast)
    add_app(cast.owner)
    UserSession.objects.create(user=cast.owner, session_key="x", ip="10.1.2.3", user_agent="browser")
    files = download(signed_in(cast.owner))
    assert set(FILES) == {*TABLES, "trades"}
    tables = {f"{name}.{kind}" for name in FILES for kind in ("csv", "json")}
    documents = {name for name in files if name.startswith("documents/")}
    assert set(files) == tables | {"README.txt", "bills/R-2026-00001.pdf"} | documents
    assert files["bills/R-2026-00001.pdf"].startswith(b"%PDF")
    assert [files[name] for name in documents] == [f"%PDF of {cast.seller.name}".encode()]
    for name in FILES:
        records = json.loads(files[f"{name}.json"])
        texts = [{key: as_text(value) for key, value in record.items()} for record in records]
        assert texts == [{key: number(value) for key, value in row.items()} for row in rows(files, name)], name
        if not name.startswith("agreement"):
            assert records, name


def test_every_table_that_names_a_participant_is_taken_along(cast: Cast) -> None:
    """A new model with a person's data must be added to the archive."""
    text = " ".join([*TABLES.values(), TRADES, FILE_CONTENTS, OWN_ACCESSES])
    owners = {"participant", "metering_point", "application", "agreement"}
    kept = {m._meta.db_table for m in tenant_models() if owners & {field.name for field in m._meta.fields}}
    # That one asked to be forgotten is on the page until it is done; a machine's key is the machine's; what lacks is
    # counted from the readings, which are there; terms of external agreements are about the partners outside.
    left = {"participants_erasurerequest", "metering_keyscope", "metering_readinggap", "contracts_externalterms"}
    assert {table for table in kept if table not in text} == left


def test_former_data_and_delegates_are_ones_own(cast: Cast) -> None:
    live_a_little(cast)
    with scope(cast.cluster.pk):
        for participant in (cast.seller, cast.buyer):
            Participant.objects.filter(pk=participant.pk).update(street=f"Old street of {participant.code}")
            Participant.objects.filter(pk=participant.pk).update(street="New street")
        Membership.objects.create(
            cluster=cast.cluster, user=make_user("helper@example.org"), role="member", level="read",
            participant=cast.seller,
        )  # fmt: skip
        # A row that changed hands shows each owner its own side.
        key = StaticKey.objects.create(cluster=cast.cluster, participant=cast.buyer, share="0.123", valid_from=LATER)
        StaticKey.objects.filter(pk=key.pk).update(participant=cast.seller, share="0.456")
    files = download(signed_in(cast.owner))
    former = files["former_data.csv"].decode()
    assert "Old street of P0001" in former and "Old street of P0002" not in former
    assert "0.456" in former and "0.123" not in former
    assert {row["email"] for row in rows(files, "delegates")} == {cast.owner.email, "helper@example.org"}
    assert [row["email"] for row in rows(files, "invitations_of_delegates")] == ["of-p0001@example.org"]


def as_text(value: object) -> str:
    if isinstance(value, bool):
        return "t" if value else "f"
    return "" if value is None else number(str(value))


def number(text: str) -> str:
    """JSON writes 0.10 as PostgreSQL does, Python reads it as 0.1."""
    try:
        return str(Decimal(text).normalize()) if "." in text else text
    except ArithmeticError:
        return text


def test_what_is_in_it_is_true(cast: Cast) -> None:
    live_a_little(cast)
    files = download(signed_in(cast.owner))
    assert rows(files, "profile")[0]["name"] == cast.seller.name
    assert rows(files, "login")[0]["email"] == cast.owner.email
    assert [row["code"] for row in rows(files, "metering_points")] == [cast.seller_point.code]
    assert rows(files, "meters") == [
        {"metering_point": cast.seller_point.code, "serial": "E-1", "valid_from": "2020-01-01", "valid_to": ""}
    ]
    assert [row["reason"] for row in rows(files, "substitutions")] == [f"Meter of {cast.seller_point}"]
    assert [(row["metering_point"], row["rule"]) for row in rows(files, "findings")] == [
        (cast.seller_point.code, "spike")
    ]
    assert rows(files, "contracts") == [{"scheme": "p2p", "valid_from": "2026-01-01", "valid_to": ""}]
    assert rows(files, "readings") == [
        {
            "metering_point": cast.seller_point.code, "interval_start": "2026-06-11T10:00:00Z",
            "issued_at": "2026-06-12T10:00:00Z", "imported_wh": "0", "exported_wh": "400", "quality": "measured",
        }
    ]  # fmt: skip
    assert [row["net_wh"] for row in rows(files, "positions")] == ["400", "500", "500", "500"]
    trades = rows(files, "trades")
    assert [row["interval_start"][:10] for row in trades] == ["2026-06-11", "2026-06-12", "2026-06-13", "2026-07-21"]
    assert [row["wh"] for row in trades] == ["300", "600", "600", "600"]
    assert {row["side"] for row in trades} == {"sold"}
    assert {row["grid_fee_pln_kwh"] for row in trades} == {""}
    assert rows(files, "statements")[0]["amount_exact_pln"] == "3.500000000"
    assert len(rows(files, "statement_lines")) == 4
    assert [row["purpose"] for row in rows(files, "accesses_to_readings")] == ["dataset"]
    assert "line for Household P0001" in json.loads(files["application_steps.json"])[0]["text"]


def test_a_buyer_reads_the_grid_fee_of_what_was_bought(cast: Cast) -> None:
    files = download(signed_in(cast.colleague))
    assert [(row["side"], row["grid_fee_pln_kwh"]) for row in rows(files, "trades")] == [("bought", "0.217960")]


def test_names_in_the_trades_are_those_of_the_pages(cast: Cast) -> None:
    live_a_little(cast)
    trades = rows(download(signed_in(cast.owner)), "trades")
    assert len({row["neighbour"] for row in trades}) == 4
    for row in trades:
        page = signed_in(cast.owner).get(f"/trades/?day={row['interval_start'][:10]}").content.decode()
        assert row["neighbour"] in page


def test_nothing_of_others_is_in_any_byte(cast: Cast) -> None:
    others = live_a_little(cast)
    theirs = make_cast("beta")
    with scope(cast.cluster.pk):
        delegate = make_user("delegate@example.org")
        Membership.objects.create(
            cluster=cast.cluster, user=delegate, role="member", participant=cast.seller, level="read"
        )
        neighbours = Participant.objects.exclude(pk=cast.seller.pk)
        secrets = [value for row in neighbours for value in (row.name, row.code)]
    secrets += [point.code for point in (cast.buyer_point, *others)]
    secrets += [user.email for user in (cast.colleague, cast.coordinator, theirs.owner, theirs.coordinator)]
    secrets += [theirs.cluster.name, theirs.seller.name, theirs.buyer.name]
    for name, content in download(signed_in(cast.owner)).items():
        # Whom the member let in stands on its page of delegates, and there only.
        for secret in secrets if name.startswith("delegates.") else [*secrets, delegate.email]:
            assert secret.encode() not in content, (name, secret)


def test_a_point_is_ones_own_only_for_its_time(cast: Cast) -> None:
    live_a_little(cast)
    with scope(cast.cluster.pk):
        PointAssignment.objects.filter(participant=cast.seller).update(valid_to=dt.date(2026, 6, 13))
    files = download(signed_in(cast.owner))
    assert [row["net_wh"] for row in rows(files, "positions")] == ["400", "500"]
    assert len(rows(files, "trades")) == 2


def test_who_has_nothing_gets_whole_files_all_the_same(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        bare = Participant.objects.create(
            cluster=cast.cluster, code="P0009", kind="consumer", legal_form="person", name="Bare", vat_payer=False
        )
        user = make_user("bare@example.org")
        Membership.objects.create(cluster=cast.cluster, user=user, role="member", participant=bare)
    files = download(signed_in(user))
    assert json.loads(files["trades.json"]) == json.loads(files["readings.json"]) == []
    assert rows(files, "trades") == []
    assert files["trades.csv"].startswith(b"metering_point,interval_start,")


def test_delegates_do_not_take_it_along(cast: Cast) -> None:
    for level in ("act", "read"):
        delegate = make_user(f"{level}@example.org")
        with scope(cast.cluster.pk):
            Membership.objects.create(
                cluster=cast.cluster, user=delegate, role="member", participant=cast.seller, level=level
            )
        assert signed_in(delegate).get("/privacy/data.zip").status_code == 403
        assert "Only the member itself" in signed_in(delegate).get("/privacy/").content.decode()
    assert Client().get("/privacy/data.zip")["Location"].startswith("/accounts/login/")
    assert signed_in(cast.owner).post("/privacy/data.zip").status_code == 405


def test_memory_stays_flat_and_a_broken_off_download_leaves_no_scope(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        ensure_month_partitions(Reading._meta.db_table, NOON, NOON + dt.timedelta(days=400))
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO metering_reading (cluster_id, metering_point_id, interval_start, version, imported_wh, "
                "exported_wh, quality) SELECT %s, %s, at, 1, (random() * 1e9)::int, (random() * 1e9)::int, 1 "
                "FROM generate_series(%s::timestamptz, %s, interval '15 minutes') AS at",
                [cast.cluster.pk, cast.seller_point.pk, NOON + dt.timedelta(days=1), NOON + dt.timedelta(days=366)],
            )
        owner = Owner(
            cast.cluster, cast.seller, cast.owner, own_points(cast.seller.pk, time_zone("Europe/Warsaw")),
            time_zone("Europe/Warsaw"),
        )  # fmt: skip
    tracemalloc.start()
    sizes = [len(piece) for piece in own_data_zip(owner, "")]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(sizes) > 700_000
    assert max(sizes) < 400_000
    assert peak < 4_000_000
    begun = own_data_zip(owner, "")
    next(begun)
    begun.close()
    assert clusters_in_scope() == ()
