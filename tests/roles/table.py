"""Who may open which address and send to it: what the generated test tries, and docs/roles.md shows.

An address without an entry here fails the test. Roles are those of `participants.access.Who`, and `nobody`: signed in
without a role; `anonymous`; `machine`: with an API key.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

MEMBER = frozenset({"member"})
ACTING = MEMBER | {"delegate_act"}
MEMBERS = ACTING | {"delegate_read"}
ADMIN = frozenset({"coordinator_admin", "operator"})
ACCOUNTS = ADMIN | {"coordinator_accountant"}
COORDINATORS = ACCOUNTS | {"coordinator_readonly"}
DSO = frozenset({"dso"})
DSOS = DSO | {"dso_area"}
OPERATOR = frozenset({"operator"})
APPLICANT = frozenset({"applicant"})
MACHINE = frozenset({"machine"})
#: With a key of the distributor.
DSO_MACHINE = frozenset({"dso_machine"})
BOOK_READERS = COORDINATORS | DSOS
SIGNED_IN = MEMBERS | COORDINATORS | DSOS | APPLICANT | {"nobody"}
ANYONE = SIGNED_IN | MACHINE | DSO_MACHINE | {"anonymous"}
NOBODY: frozenset[str] = frozenset()
ROLES = (
    "member", "delegate_act", "delegate_read", "coordinator_admin", "coordinator_accountant", "coordinator_readonly",
    "dso", "dso_area", "applicant", "operator", "nobody", "anonymous", "machine", "dso_machine",
)  # fmt: skip


@dataclass(frozen=True)
class Route:
    """Who may GET and who may POST; `path` takes the test's world and gives the address's arguments.

    What the arguments name belongs to the cluster, or to the owner alone (`of_owner`).
    """

    get: frozenset[str]
    post: frozenset[str] = NOBODY
    path: Callable[[Any], dict[str, Any]] | None = None
    of_owner: bool = False
    #: Everybody finds their own, or what is public, at this address.
    for_each: bool = False
    #: What an allowed POST sends beside the fields of the page's own form.
    data: Callable[[Any], dict[str, Any]] = field(default=lambda person: {})


@dataclass(frozen=True)
class AdminModel:
    """Who may look at a model's rows in the admin, change or add them, and delete them."""

    view: frozenset[str] = COORDINATORS
    change: frozenset[str] = NOBODY
    delete: frozenset[str] = NOBODY
    add: frozenset[str] | None = None
    #: Its rows belong to no cluster: those of another one see them too.
    shared: bool = False
    #: Who may do which bulk action of its list.
    actions: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def may_add(self) -> frozenset[str]:
        return self.change if self.add is None else self.add


#: Of a point that both clusters have.
READING = {
    "metering_point": "590000000000000013", "interval_start": "2026-06-11T10:00:00Z", "imported_wh": 0,
    "exported_wh": 390, "quality": "measured",
}  # fmt: skip
#: What everybody may read names the cluster.
PUBLIC = ("clusters", "cluster_public", "cluster_public_now", "apply", "set_language")

ROUTES: dict[str, Route] = {
    "home": Route(SIGNED_IN),
    "now": Route(MEMBERS),
    "energy": Route(MEMBERS),
    "trades": Route(MEMBERS),
    "money": Route(MEMBERS),
    "statement_csv": Route(MEMBERS, path=lambda w: {"period": "2026-06"}, for_each=True),
    "cluster": Route(MEMBERS),
    "bills": Route(MEMBERS),
    "bills_account": Route(MEMBERS),
    "bill": Route(MEMBERS, path=lambda w: {"number": w.bill.pk}, of_owner=True),
    "bill_pdf": Route(MEMBERS, path=lambda w: {"number": w.bill.pk}, of_owner=True),
    "privacy": Route(MEMBERS),
    "change_consent": Route(NOBODY, MEMBER, data=lambda person: {"purpose": "directory_name", "given": "yes"}),
    "own_data": Route(MEMBER),
    "request_erasure": Route(NOBODY, MEMBER, data=lambda person: {"sure": "yes"}),
    "withdraw_erasure": Route(NOBODY, MEMBER),
    "dso": Route(DSOS),
    "dso_completeness": Route(DSOS),
    "dso_findings": Route(DSOS),
    "dso_finding": Route(DSOS, DSOS, lambda w: {"slug": "ours", "number": w.rows["metering.Finding"].pk}),
    "dso_deliveries": Route(DSOS, DSOS),
    "dso_delivery": Route(DSOS, DSOS, lambda w: {"slug": "ours", "number": w.rows["metering.Delivery"].pk}),
    "dso_tariffs": Route(BOOK_READERS, DSO),
    "dso_tariff_example": Route(BOOK_READERS),
    "dso_tariff_keys": Route(DSO, DSO, data=lambda person: {"name": "tariff desk"}),
    "dso_tariff_key_revoke": Route(NOBODY, DSO, lambda w: {"number": w.rows["participants.DsoKey"].pk}),
    "dso_tariff": Route(
        BOOK_READERS, DSO, lambda w: {"number": w.book.number}, data=lambda person: {"publish": "1", "seen": "x"}
    ),
    "dso_tariff_xlsx": Route(BOOK_READERS, path=lambda w: {"number": w.book.number}),
    "dso_tariff_csv": Route(BOOK_READERS, path=lambda w: {"number": w.book.number, "name": "tariff"}),
    "dso_tariff_calendar": Route(BOOK_READERS, path=lambda w: {"number": w.book.number, "group": "G11"}),
    "dso_statements": Route(DSO),
    "dso_document": Route(DSO, path=lambda w: {"slug": "ours", "number": w.rows["grid document"].pk}),
    "api-grid-fee-months": Route(DSO_MACHINE),
    "api-grid-fees": Route(DSO_MACHINE, path=lambda w: {"slug": "ours", "month": "2026-06"}),
    "tariff": Route(MEMBERS),
    "api-tariff-books": Route(DSO_MACHINE, DSO_MACHINE),
    "api-tariff-book": Route(DSO_MACHINE, path=lambda w: {"number": w.book.number}),
    "api-tariff-book-discard": Route(NOBODY, DSO_MACHINE, lambda w: {"number": w.book.number}),
    "api-tariff-book-publish": Route(
        NOBODY, DSO_MACHINE, lambda w: {"number": w.book.number}, data=lambda person: {"seen": "x"}
    ),
    "choose_access": Route(NOBODY, SIGNED_IN - {"nobody"}, data=lambda person: {"access": person.access_key}),
    "delegates": Route(MEMBER, MEMBER),
    "remove_delegate": Route(NOBODY, MEMBER, lambda w: {"number": w.delegate.pk}, of_owner=True),
    "withdraw_invitation": Route(NOBODY, MEMBER, lambda w: {"number": w.invitation.pk}, of_owner=True),
    "role_invitation": Route(
        frozenset({"nobody"}), frozenset({"nobody"}), lambda w: {"token": w.invitation_token}
    ),
    "api-files": Route(NOBODY, MACHINE),
    "api-file": Route(MACHINE, MACHINE, lambda w: {"number": w.rows["metering.Delivery"].pk}),
    "api-schema": Route(ANYONE),
    "api-readings": Route(NOBODY, MACHINE, data=lambda person: {"readings": [READING]}),
    "set_language": Route(ANYONE, ANYONE),
    "contract": Route(MEMBERS | DSO),
    "contract_number": Route(MEMBERS, path=lambda w: {"number": w.agreement.number}, of_owner=True),
    "contract_confirmation": Route(MEMBERS, path=lambda w: {"number": w.agreement.number}, of_owner=True),
    "contract_pdf": Route(MEMBERS, path=lambda w: {"number": w.agreement.number}, of_owner=True),
    "contract_act": Route(
        NOBODY, ACTING, lambda w: {"number": w.agreement.number, "act": "sign"}, of_owner=True,
        data=lambda person: {"agreed": "yes"},
    ),
    "complaints": Route(MEMBERS, ACTING),
    "clusters": Route(ANYONE),
    "cluster_public": Route(ANYONE, path=lambda w: {"slug": "ours"}, for_each=True),
    "cluster_public_now": Route(ANYONE, path=lambda w: {"slug": "ours"}, for_each=True),
    "apply": Route(SIGNED_IN, SIGNED_IN, lambda w: {"slug": "ours"}, for_each=True),
    "invitation": Route(
        frozenset({"nobody"}), frozenset({"nobody"}), lambda w: {"slug": "ours", "token": w.onboarding_token}
    ),
    "application": Route(APPLICANT, APPLICANT, lambda w: w.draft()),
    "application_withdraw": Route(NOBODY, APPLICANT, lambda w: w.draft()),
    "application_data": Route(APPLICANT, NOBODY, lambda w: w.draft()),
    "application_erase": Route(NOBODY, APPLICANT, lambda w: w.draft(), data=lambda person: {"sure": "yes"}),
    "application_who": Route(APPLICANT, APPLICANT, lambda w: w.draft()),
    "application_address": Route(APPLICANT, APPLICANT, lambda w: w.draft()),
    "application_points": Route(APPLICANT, APPLICANT, lambda w: w.draft()),
    "application_documents": Route(APPLICANT, APPLICANT, lambda w: w.draft()),
    "application_check": Route(APPLICANT, APPLICANT, lambda w: w.draft()),
    "application_point": Route(APPLICANT, APPLICANT, lambda w: w.draft(point=w.point.pk)),
    "application_point_remove": Route(NOBODY, APPLICANT, lambda w: w.draft(point=w.point.pk)),
    "application_document": Route(APPLICANT, NOBODY, lambda w: w.draft(document=w.document.pk)),
    "application_document_remove": Route(NOBODY, APPLICANT, lambda w: w.draft(document=w.document.pk)),
    "dso_applications": Route(DSOS),
    "dso_application": Route(DSOS, DSOS, lambda w: {"slug": "ours", "application": w.sent.pk}),
}  # fmt: skip

#: The sign-in's own pages (django-allauth): they show and change nothing but the user's own account.
ACCOUNT_PREFIXES = ("account_", "mfa_", "usersessions_", "end_session", "admin:logout", "admin:password_change")
OPEN_ACCOUNT_PAGES = {
    "account_login", "account_logout", "account_inactive", "account_signup", "account_email_verification_sent",
    "account_reset_password", "account_reset_password_done", "account_reset_password_from_key",
    "account_reset_password_from_key_done", "account_confirm_email", "account_confirm_login_code", "mfa_authenticate",
    "mfa_login_webauthn", "mfa_signup_webauthn", "mfa_trust", "account_request_login_code",
}  # fmt: skip

#: The admin beside its models.
ADMIN_ROUTES: dict[str, Route] = {
    "admin:index": Route(COORDINATORS),
    "admin:login": Route(NOBODY),
    "admin:corrections": Route(COORDINATORS),
    "admin:standard": Route(COORDINATORS),
    "admin:completeness": Route(COORDINATORS, ADMIN, data=lambda person: {"what": "reminders", "hour": "9"}),
    "admin:balance": Route(COORDINATORS),
    "admin:external": Route(COORDINATORS, ACCOUNTS),
    "admin:margin": Route(COORDINATORS),
    "admin:generation": Route(COORDINATORS),
    "admin:external_settlement": Route(
        COORDINATORS,
        ACCOUNTS,
        lambda w: {"number": w.rows["clearing.ExternalSettlement"].pk},
        data=lambda person: {"what": "recompute"},
    ),
    "admin:external_file": Route(
        COORDINATORS,
        path=lambda w: {
            "number": w.rows["clearing.ExternalInvoiceFile"].settlement_id,
            "file": w.rows["clearing.ExternalInvoiceFile"].pk,
        },
    ),
    "admin:external_lines": Route(ACCOUNTS, path=lambda w: {"number": w.rows["clearing.ExternalSettlement"].pk}),
    "admin:periods": Route(COORDINATORS),
    "admin:period": Route(
        COORDINATORS, ACCOUNTS, lambda w: {"month": "2026-06"}, for_each=True, data=lambda person: {"what": "compute"}
    ),
    "admin:documents": Route(COORDINATORS),
    "admin:document": Route(COORDINATORS, path=lambda w: {"number": w.rows["billing.Document"].pk}),
    "admin:billing_corrections": Route(
        COORDINATORS, ACCOUNTS, data=lambda person: {"what": "compute", "month": "2026-06"}
    ),
    "admin:ledger": Route(COORDINATORS),
    "admin:ledger_account": Route(COORDINATORS, path=lambda w: {"number": w.rows["billing.Account"].pk}),
    "admin:grid_fees": Route(COORDINATORS, ACCOUNTS),
    "admin:payments": Route(COORDINATORS, ACCOUNTS),
    "admin:payment": Route(COORDINATORS, ACCOUNTS, lambda w: {"number": w.rows["billing.BankTransaction"].pk}),
    "admin:payouts": Route(COORDINATORS, ACCOUNTS, data=lambda person: {"approve": "1"}),
    "admin:payout_file": Route(ACCOUNTS, path=lambda w: {"number": 2}, for_each=True),
    "admin:late": Route(COORDINATORS, ACCOUNTS),
    "admin:account": Route(COORDINATORS, path=lambda w: {"number": w.rows["participants.Participant"].pk}),
    "admin:exports": Route(COORDINATORS),
    "admin:export_file": Route(ACCOUNTS, path=lambda w: {"period": "2026-07", "name": "lines.csv"}, for_each=True),
    "admin:jsi18n": Route(COORDINATORS),
    "admin:autocomplete": Route(NOBODY),
    "admin:view_on_site": Route(NOBODY, path=lambda w: {"content_type_id": 1, "object_id": 1}),
    "admin:app_list": Route(COORDINATORS, path=lambda w: {"app_label": "participants"}, for_each=True),
    "admin:application_document": Route(
        ADMIN, path=lambda w: {"application": w.sent.pk, "document": w.sent_document.pk}
    ),
    "admin:participants_invitation_import": Route(ADMIN, ADMIN),
    "admin:participants_participant_tables": Route(ACCOUNTS, ADMIN, data=lambda person: {"table": "participants"}),
    "admin:participants_participant_table": Route(
        ACCOUNTS, path=lambda w: {"table": "participants", "kind": "csv"}, for_each=True
    ),
    "admin:metering_meteringpoint_life": Route(
        COORDINATORS,
        ADMIN,
        lambda w: {"object_id": w.rows["metering.MeteringPoint"].pk},
        data=lambda person: {"what": "meter", "day": "2026-06-10", "serial": "E-9"},
    ),
    "admin:billing_einvoice_file": Route(
        COORDINATORS, path=lambda w: {"pk": w.rows["billing.EInvoice"].pk, "kind": "xml"}
    ),
    "admin:billing_bill_pdf": Route(COORDINATORS, path=lambda w: {"number": w.bill.pk}),
    "admin:contracts_agreement_confirmation": Route(COORDINATORS, path=lambda w: {"pk": w.agreement.pk}),
    "admin:contracts_agreement_pdf": Route(COORDINATORS, path=lambda w: {"pk": w.agreement.pk}),
    "admin:contracts_agreement_amend": Route(ADMIN, ADMIN, lambda w: {"pk": w.agreement.pk}),
    "admin:contracts_agreement_act": Route(NOBODY, ADMIN, lambda w: {"pk": w.agreement.pk, "act": "withdraw"}),
    "admin:participants_user_second_factor": Route(OPERATOR, OPERATOR, lambda w: {"number": w.ours.owner.pk}),
    "admin:auth_user_password_change": Route(OPERATOR, OPERATOR, lambda w: {"id": w.ours.owner.pk}),
}

ADMIN_MODELS: dict[str, AdminModel] = {
    "participants.Participant": AdminModel(
        change=ADMIN,
        actions=dict.fromkeys(("end_contracts", "send_message"), ADMIN)
        | dict.fromkeys(("participants_xlsx", "participants_csv", "points_xlsx", "points_csv"), ACCOUNTS),
    ),
    "participants.Change": AdminModel(),
    "participants.Coordinator": AdminModel(change=ADMIN),
    "mfa.Authenticator": AdminModel(OPERATOR, OPERATOR, OPERATOR),
    "usersessions.UserSession": AdminModel(OPERATOR, OPERATOR, OPERATOR),
    "participants.Membership": AdminModel(change=ADMIN, add=NOBODY, delete=ADMIN),
    "participants.RoleInvitation": AdminModel(add=ADMIN, delete=ADMIN),
    "participants.Consent": AdminModel(),
    "participants.ErasureRequest": AdminModel(actions={"erase": ADMIN}),
    "participants.ApiKey": AdminModel(change=ADMIN, actions={"revoke": ADMIN}),
    "participants.Cluster": AdminModel(OPERATOR, OPERATOR),
    "participants.Dso": AdminModel(OPERATOR, OPERATOR),
    "participants.DsoUser": AdminModel(OPERATOR, OPERATOR),
    "participants.DsoKey": AdminModel(OPERATOR, actions={"revoke": OPERATOR}),
    "participants.User": AdminModel(OPERATOR, OPERATOR),
    "participants.Application": AdminModel(change=ADMIN, add=NOBODY),
    # There is one already.
    "participants.ClusterPage": AdminModel(change=ADMIN, add=NOBODY),
    "participants.Complaint": AdminModel(change=ADMIN, add=NOBODY),
    "participants.Invitation": AdminModel(add=ADMIN),
    "contracts.Agreement": AdminModel(
        add=ADMIN,
        actions=dict.fromkeys(("withdraw_selected", "amend_selected"), ADMIN)
        | dict.fromkeys(("sign_selected", "notice_selected"), frozenset({"coordinator_admin"})),
    ),
    "contracts.AgreementTemplate": AdminModel(add=ADMIN),
    "contracts.ExternalPartner": AdminModel(change=ADMIN),
    "metering.GridNode": AdminModel(change=ADMIN),
    "metering.MeteringPoint": AdminModel(change=ADMIN),
    "metering.PointAssignment": AdminModel(change=ADMIN),
    "metering.ReadingAccess": AdminModel(),
    "metering.Finding": AdminModel(change=ADMIN, add=NOBODY, actions={"explain_selected": ADMIN}),
    "metering.Substitution": AdminModel(add=ADMIN),
    "metering.Delivery": AdminModel(change=ADMIN),
    "metering.ColumnMapping": AdminModel(change=ADMIN),
    "metering.DsoArea": AdminModel(OPERATOR, OPERATOR, OPERATOR),
    "billing.BillDelivery": AdminModel(actions=dict.fromkeys(("send_selected", "mark_selected"), ACCOUNTS)),
    "billing.EInvoice": AdminModel(actions=dict.fromkeys(("send_selected", "keep_selected"), ACCOUNTS)),
    "billing.BankFile": AdminModel(change=ACCOUNTS),
    "billing.BankTransaction": AdminModel(),
    "billing.ReminderTerms": AdminModel(change=ACCOUNTS),
    "billing.BillingTerms": AdminModel(change=ACCOUNTS),
    "billing.InterestRate": AdminModel(OPERATOR, OPERATOR),
    "contracts.Contract": AdminModel(change=ADMIN),
    "contracts.ClusterSettings": AdminModel(change=ADMIN),
    "contracts.StaticKey": AdminModel(change=ADMIN),
    "contracts.ClusterTerms": AdminModel(change=ADMIN),
    "contracts.RetailOffer": AdminModel(change=ACCOUNTS),
    "contracts.OfferAssignment": AdminModel(change=ACCOUNTS),
    "contracts.SaleMechanism": AdminModel(change=ACCOUNTS),
    "contracts.ReliefStep": AdminModel(change=ACCOUNTS),
    "contracts.StandardSalePrice": AdminModel(change=NOBODY, add=ACCOUNTS),
    "contracts.MonthlyMarketPrice": AdminModel(add=OPERATOR, shared=True),
    "contracts.ExternalPrice": AdminModel(),
    "contracts.ExternalTerms": AdminModel(change=ACCOUNTS),
    "contracts.MarketPrice": AdminModel(add=ACCOUNTS, shared=True),
    "contracts.TariffBook": AdminModel(),
    "contracts.TariffRate": AdminModel(),
    "contracts.TariffZone": AdminModel(),
    "clearing.ClearingRun": AdminModel(),
    # There are rules already.
    "clearing.ExternalRules": AdminModel(change=ADMIN, add=NOBODY),
    "billing.Statement": AdminModel(),
    "billing.ReliefMonth": AdminModel(),
    "auth.Group": AdminModel(OPERATOR, OPERATOR, OPERATOR),
    "account.EmailAddress": AdminModel(OPERATOR, OPERATOR, OPERATOR, actions={"make_verified": OPERATOR}),
}
