"""The national e-invoice system (KSeF) as it is spoken to; `ksef-client` does the talking, nothing here is stored."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ksef_client import KsefClient, KsefClientOptions, KsefHttpError
from ksef_client.models import FormCode, SessionInvoiceStatusResponse
from ksef_client.services.crypto import sha256_base64
from ksef_client.services.sessions import OnlineSessionHandle
from ksef_client.services.workflows import AuthCoordinator, OnlineSessionWorkflow

FORM = FormCode(schema_version="1-0E", system_code="FA (3)", value="FA")
TIMEOUT_SECONDS = 30.0
AUTH_POLL_SECONDS, AUTH_POLLS = 0.5, 60
PAGE = 250
ACCEPTED, DUPLICATE = 200, 440
#: The session failed, or KSeF itself did: the invoice was not judged.
_NOT_JUDGED = {405, 500, 550}
#: Below it KSeF is still at work.
FINAL = 200
#: Answers to a request that say something about the moment, not about the invoice.
_NOT_NOW = {401, 403, 408, 425, 429}


class KsefUnavailable(Exception):
    """KSeF takes nothing at present; the text says why."""


class KsefRefusal(Exception):
    """KSeF does not take this invoice; the text says why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What KSeF says of an invoice; `ksef_number` is empty unless it is accepted, by this session or by another.

    `again`: it was not judged and is to be sent once more.
    """

    xml_hash: str
    reference: str
    final: bool
    reason: str
    ksef_number: str
    session: str
    again: bool = False


class Ksef:
    """A connection in the name of one coordinator."""

    def __init__(self, client: KsefClient, access_token: str) -> None:
        self._client = client
        self._access_token = access_token
        self._open: OnlineSessionHandle | None = None

    def session(self) -> str:
        """The reference of the session for sending; opened when it is asked for the first time."""
        if self._open is None:
            with _told():
                key = self._client.security.get_public_key_certificate("SymmetricKeyEncryption")
                self._open = OnlineSessionWorkflow(self._client.sessions).open_session(
                    form_code=FORM, public_certificate=key.certificate, public_key_id=key.public_key_id,
                    access_token=self._access_token,
                )  # fmt: skip
        return self._open.session_reference_number

    def send(self, xml: bytes) -> str:
        """Hand over an invoice in the open session; KSeF's reference of it. Raises KsefRefusal, KsefUnavailable."""
        self.session()
        assert self._open is not None
        try:
            with _told():
                return str(self._open.send_invoice(xml).reference_number)
        except KsefUnavailable as error:
            cause = error.__cause__
            if (
                isinstance(cause, KsefHttpError)
                and 400 <= cause.status_code < 500
                and cause.status_code not in _NOT_NOW
            ):
                raise KsefRefusal(str(error)) from error
            raise

    def close_session(self) -> None:
        """No more invoices come in it."""
        if self._open is not None:
            with _told():
                self._open.close()
            self._open = None

    def outcomes(self, session: str) -> Iterator[Outcome]:
        """Where each invoice of a session stands."""
        token = None
        while True:
            with _told():
                page = self._client.sessions.get_session_invoices(
                    session, page_size=PAGE, continuation_token=token, access_token=self._access_token
                )
            for each in page.invoices:
                outcome = _outcome(each, session)
                if each.status.code == DUPLICATE and outcome.ksef_number:
                    outcome = self._same(outcome)
                yield outcome
            token = page.continuation_token
            if not token:
                return

    def _same(self, outcome: Outcome) -> Outcome:
        """KSeF has an invoice of this seller and number: ours only if it has the same bytes."""
        with _told():
            held = self._client.invoices.get_invoice_bytes(outcome.ksef_number, access_token=self._access_token)
        if hash_of(held.content) == outcome.xml_hash:
            return outcome
        reason = f"{DUPLICATE} KSeF has another invoice with this number: {outcome.ksef_number}"
        return replace(outcome, ksef_number="", reason=reason)

    def receipt(self, session: str, ksef_number: str) -> bytes:
        """The official receipt (UPO) of an accepted invoice, as XML."""
        with _told():
            return self._client.sessions.get_session_invoice_upo_by_ksef(
                session, ksef_number, access_token=self._access_token
            )


@contextmanager
def connect(url: str, token: str, nip: str) -> Iterator[Ksef]:
    """Sign in with a KSeF token of the coordinator with this tax number. Raises KsefUnavailable."""
    with KsefClient(KsefClientOptions(base_url=url, timeout_seconds=TIMEOUT_SECONDS)) as client:
        with _told():
            key = client.security.get_public_key_certificate("KsefTokenEncryption")
            signed_in = AuthCoordinator(client.auth).authenticate_with_ksef_token(
                token=token, public_certificate=key.certificate, public_key_id=key.public_key_id,
                context_identifier_type="nip", context_identifier_value=nip,
                poll_interval_seconds=AUTH_POLL_SECONDS, max_attempts=AUTH_POLLS,
            )  # fmt: skip
        yield Ksef(client, signed_in.access_token)


def hash_of(xml: bytes) -> str:
    """By which KSeF knows an invoice: its SHA-256, base64."""
    return sha256_base64(xml)


def _outcome(row: SessionInvoiceStatusResponse, session: str) -> Outcome:
    status = row.status
    number, where = row.ksef_number or "", session
    if status.code == DUPLICATE and status.extensions:
        number = str(status.extensions.get("originalKsefNumber") or "")
        where = str(status.extensions.get("originalSessionReferenceNumber") or session)
    accepted = status.code in (ACCEPTED, DUPLICATE) and bool(number)
    said = [f"{status.code} {status.description}", *(status.details or ())]
    return Outcome(
        row.invoice_hash or "", row.reference_number or "", accepted or status.code > FINAL,
        "" if accepted else "; ".join(said), number if accepted else "", where,
        status.code in _NOT_JUDGED,
    )  # fmt: skip


@contextmanager
def _told() -> Iterator[None]:
    """Whatever goes wrong on the way is KsefUnavailable."""
    try:
        yield
    except (KsefHttpError, RuntimeError, TimeoutError, ValueError) as error:
        raise KsefUnavailable(str(error)) from error
