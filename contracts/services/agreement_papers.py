"""The paper of an agreement: which template, what stands in it, and the document that both sides sign."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext, gettext_lazy, override
from django.utils.translation import gettext as _

from contracts.domain.agreement_states import AgreementError
from contracts.domain.agreement_text import TextError, digest, fill, unknown_variables
from contracts.models import Agreement, AgreementDocument, AgreementTemplate, ClusterSettings, ExternalPartner
from contracts.selectors.book import discounts, tariff_book
from contracts.services.agreement_pdf import default_text, pdf_of
from metering.domain.calendar import local_day, time_zone
from metering.models import PointAssignment
from participants.models import Cluster, Coordinator, Participant, User

NOTICE_DAYS = 30
NONE = "—"
LEVELS = {
    "station": gettext_lazy("same station"),
    "substation": gettext_lazy("same substation"),
    "cluster": gettext_lazy("same cluster"),
}


def template_in_use(cluster: Cluster, kind: str, language: str, now: datetime) -> AgreementTemplate:
    """The newest version; a cluster without one gets the text that comes with the platform as its first."""
    found = AgreementTemplate.objects.filter(cluster=cluster, kind=kind, language=language).order_by("-version").first()
    return found or add_template(cluster, kind, language, default_text(kind, language), NOTICE_DAYS, None, now)


def add_template(
    cluster: Cluster, kind: str, language: str, body: str, notice_days: int, user: User | None, now: datetime
) -> AgreementTemplate:
    """A new version of the text; earlier ones stay as they are. Raises AgreementError where it can't be filled in."""
    unknown = unknown_variables(body, kind)
    if unknown:
        raise AgreementError(_("The text has unknown variables: %(names)s") % {"names": ", ".join(unknown)})
    versions = AgreementTemplate.objects.filter(cluster=cluster, kind=kind, language=language)
    newest = versions.order_by("-version").values_list("version", flat=True).first() or 0
    return AgreementTemplate.objects.create(
        cluster=cluster, kind=kind, language=language, version=newest + 1, body=body, notice_days=notice_days,
        created_at=now, created_by=user,
    )  # fmt: skip


def write_document(agreement: Agreement, template: AgreementTemplate, now: datetime) -> AgreementDocument:
    """Fill the template in for the agreement, and keep text, PDF and the digests of both."""
    cluster = agreement.cluster
    with override(agreement.language):
        variables = _variables(agreement, template, now)
        short = gettext("Agreement No. %(number)s") % {"number": agreement.number}
    try:
        text = fill(template.body, variables)
    except TextError as error:
        raise AgreementError(str(error)) from error
    pdf = pdf_of(text, language=agreement.language, cluster=cluster.name, short=short)
    return AgreementDocument.objects.create(
        cluster=cluster, agreement=agreement, template=template, variables=variables, text=text,
        text_sha256=digest(text.encode()), pdf=pdf, pdf_sha256=digest(pdf), rendered_at=now,
    )  # fmt: skip


def _variables(agreement: Agreement, template: AgreementTemplate, now: datetime) -> dict[str, Any]:
    cluster = agreement.cluster
    coordinator = Coordinator.objects.filter(cluster=cluster).first()
    if coordinator is None:
        raise AgreementError(_("Enter the coordinator's name and address first."))
    other = agreement.other_side
    values: dict[str, Any] = {
        "number": str(agreement.number),
        "version": str(template.version),
        "day": _day(local_day(now, time_zone(cluster.timezone))),
        "start_day": _day(agreement.start_day),
        "notice_days": str(agreement.notice_days),
        "cluster_name": cluster.name,
        "dso_name": cluster.dso.name,
        "coordinator_name": coordinator.name,
        "coordinator_nip": coordinator.nip,
        "coordinator_address": _address(coordinator),
        "coordinator_iban": coordinator.iban or NONE,
        "partner_name": other.name,
        "partner_nip": other.nip or NONE,
        "partner_address": NONE if agreement.kind == "dso" else _address(other),
        "partner_details": _details(other, agreement.kind),
        "amended": "",
    }
    if agreement.amends is not None:
        values["amended"] = gettext("It replaces agreement No. %(number)s.") % {"number": agreement.amends.number}
    if agreement.kind == "dso":
        mode = ClusterSettings.DsoSettlement(agreement.dso_settlement)
        values |= {"dso_settlement": str(mode.label), "partner_iban": other.iban or NONE}
    if agreement.participant is not None:
        values |= _participant_variables(agreement, agreement.participant)
    return values


def _participant_variables(agreement: Agreement, participant: Participant) -> dict[str, Any]:
    rules = rules_on(agreement.cluster, agreement.start_day)
    shares = tariff_book(agreement.cluster).discounts_on(agreement.start_day, discounts(rules.sharing_discount))
    return {
        "partner_code": participant.code,
        "partner_iban": participant.iban or NONE,
        "points": _points(participant, agreement.start_day),
        "allocation": rules.get_allocation_display(),
        "price_rule": _price(rules),
        "residual": rules.get_residual_display(),
        "sharing_discount": [
            f"{LEVELS.get(level, level)}: {_number(share * 100)} %"
            for level, share in sorted(shares.items(), key=lambda pair: -pair[1])
        ]
        or [NONE],
        "buyer_fee": f"{_number(rules.buyer_fee_pln_kwh)} PLN/kWh",
        "seller_fee": f"{_number(rules.seller_fee_pln_kwh)} PLN/kWh",
    }


def rules_on(cluster: Cluster, day: date) -> ClusterSettings:
    """The settings that hold on a local day; before the first ones, these."""
    rows = ClusterSettings.objects.filter(cluster=cluster)
    found = rows.filter(valid_from__lte=day).order_by("-valid_from").first() or rows.order_by("valid_from").first()
    if found is None:
        raise AgreementError(_("Enter the cluster's settings first."))
    return found


def _points(participant: Participant, day: date) -> list[str]:
    rows = PointAssignment.objects.filter(
        Q(valid_to=None) | Q(valid_to__gt=day), participant=participant, valid_from__lte=day, role="member"
    ).select_related("metering_point")
    lines = []
    for row in rows.order_by("metering_point__code"):
        line = gettext("%(code)s, tariff group %(group)s") % {
            "code": row.metering_point.code, "group": row.tariff_group,
        }  # fmt: skip
        if row.generation_capacity_kw:
            line += gettext(", generation %(kw)s kW") % {"kw": _number(row.generation_capacity_kw)}
        lines.append(line)
    return lines or [NONE]


def _price(rules: ClusterSettings) -> str:
    if rules.price_rule == ClusterSettings.PriceRule.FIXED and rules.fixed_price_pln_kwh is not None:
        return f"{rules.get_price_rule_display()}, {_number(rules.fixed_price_pln_kwh)} PLN/kWh"
    share = gettext("share %(share)s") % {"share": _number(rules.price_share)}
    return f"{rules.get_price_rule_display()}, {share}"


def _address(who: Coordinator | Participant | ExternalPartner | Any) -> str:
    town = f"{who.postcode} {who.city}".strip()
    return ", ".join(part for part in (who.street, town) if part) or NONE


def _details(who: Participant | ExternalPartner | Any, kind: str) -> str:
    """What is known of the partner, to stand behind its name."""
    address = "" if kind == "dso" else _address(who)
    nip = gettext("tax number %(nip)s") % {"nip": who.nip} if who.nip else ""
    return "".join(f", {part}" for part in (address, nip) if part and part != NONE)


def _number(value: Decimal) -> str:
    """All digits that matter, as the language writes them."""
    plain = value.normalize()
    exponent = plain.as_tuple().exponent
    places = max(0, -exponent) if isinstance(exponent, int) else 0
    return number_format(plain, decimal_pos=places, use_l10n=True)


def _day(day: date) -> str:
    return date_format(day, "DATE_FORMAT")
