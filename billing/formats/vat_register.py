"""The VAT register of a month as JPK_V7M wants it: columns are named after its elements (docs/format-accounts.md).

Sale: `SprzedazWiersz` (sales invoices and their corrections). Purchase: `ZakupWiersz` (self-billing invoices). Notes to
sellers who pay no VAT, interest and the distributor's own documents do not belong into the coordinator's register.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from billing.domain.documents import ZERO, Document, DocumentKind, Party
from billing.domain.errors import BillingError
from billing.formats.tables import Table, Value

#: VAT rate → where net and VAT of a sale stand (K_…); exempt sales have no VAT.
SALE_FIELDS: dict[Decimal, tuple[str, str]] = {
    Decimal("0"): ("K_13", ""),
    Decimal("0.05"): ("K_15", "K_16"),
    Decimal("0.07"): ("K_17", "K_18"),
    Decimal("0.08"): ("K_17", "K_18"),
    Decimal("0.22"): ("K_19", "K_20"),
    Decimal("0.23"): ("K_19", "K_20"),
}
SALE_AMOUNTS = ("K_13", "K_15", "K_16", "K_17", "K_18", "K_19", "K_20")
#: No goods or services that need a marker (GTU, procedures) are sold, so all of them stay empty.
SALE_COLUMNS = (
    "LpSprzedazy", "KodKrajuNadaniaTIN", "NrKontrahenta", "NazwaKontrahenta", "DowodSprzedazy", "DataWystawienia",
    "DataSprzedazy", "NrKSeF", "BFK", "TypDokumentu", *SALE_AMOUNTS,
)  # fmt: skip
PURCHASE_COLUMNS = (
    "LpZakupu", "KodKrajuNadaniaTIN", "NrDostawcy", "NazwaDostawcy", "DowodZakupu", "DataZakupu", "DataWplywu",
    "NrKSeF", "BFK", "DokumentZakupu", "K_42", "K_43",
)  # fmt: skip
TOTAL_COLUMNS = ("name", "value")
#: What stands for a party without a tax number.
NONE = "BRAK"
OUTSIDE_KSEF = "1"
_DAY = timedelta(days=1)


@dataclass
class VatTotals:
    """Control sums (`SprzedazCtrl`, `ZakupCtrl`) [PLN]; they are complete when both tables were read."""

    sales: int = 0
    due_pln: Decimal = ZERO
    purchases: int = 0
    deductible_pln: Decimal = ZERO

    def table(self) -> Table:
        """As a table of names and values."""
        rows: list[list[Value]] = [
            ["LiczbaWierszySprzedazy", self.sales],
            ["PodatekNalezny", self.due_pln],
            ["LiczbaWierszyZakupow", self.purchases],
            ["PodatekNaliczony", self.deductible_pln],
        ]
        return Table("vat_totals", TOTAL_COLUMNS, rows)


def sales_table(documents: Iterable[Document], ksef: Mapping[str, str | None], totals: VatTotals) -> Table:
    """Sales; `ksef` has the numbers that KSeF gave to documents, None where one is to come.

    Adds to `totals` while it is read.
    """
    return Table("vat_sales", SALE_COLUMNS, _sales(documents, ksef, totals))


def purchases_table(documents: Iterable[Document], ksef: Mapping[str, str | None], totals: VatTotals) -> Table:
    """Purchases by self-billing. Adds to `totals` while it is read."""
    return Table("vat_purchases", PURCHASE_COLUMNS, _purchases(documents, ksef, totals))


def _sales(documents: Iterable[Document], ksef: Mapping[str, str | None], totals: VatTotals) -> Iterator[list[Value]]:
    for document in documents:
        if document.kind != DocumentKind.SALE:
            continue
        amounts = dict.fromkeys(SALE_AMOUNTS, ZERO)
        for sums in document.vat_sums:
            if sums.rate is None:
                continue
            if sums.rate not in SALE_FIELDS:
                raise BillingError(f"{document.number}: the register has no place for a VAT rate of {sums.rate}")
            net, vat = SALE_FIELDS[sums.rate]
            amounts[net] += sums.net_pln
            if vat:
                amounts[vat] += sums.vat_pln
                totals.due_pln += sums.vat_pln
        totals.sales += 1
        yield [
            totals.sales, *_party(document.buyer), document.number, document.issued_on, document.end - _DAY,
            *_ksef(document.number, ksef), "", *amounts.values(),
        ]  # fmt: skip


def _purchases(
    documents: Iterable[Document], ksef: Mapping[str, str | None], totals: VatTotals
) -> Iterator[list[Value]]:
    for document in documents:
        if document.kind != DocumentKind.SELF_BILLING:
            continue
        totals.purchases += 1
        totals.deductible_pln += document.vat_pln
        taxed = sum((sums.net_pln for sums in document.vat_sums if sums.rate is not None), ZERO)
        yield [
            totals.purchases, *_party(document.seller), document.number, document.issued_on, document.issued_on,
            *_ksef(document.number, ksef), "", taxed, document.vat_pln,
        ]  # fmt: skip


def _ksef(number: str, ksef: Mapping[str, str | None]) -> tuple[str, str]:
    """The number that KSeF gave and the marker of what is outside; neither while the number is to come."""
    return (ksef[number] or "", "") if number in ksef else ("", OUTSIDE_KSEF)


def _party(party: Party) -> tuple[str, str, str]:
    """Country of the tax number (empty for Poland), the number and the name."""
    country = "" if party.country in ("", "PL") or not party.nip else party.country
    return country, party.nip or NONE, party.name or NONE
