"""A stand-in for KSeF's API: real HTTP, RSA and AES, the schema FA (3), sessions, verdicts and receipts; no network.

`python -m tests.billing.ksef_standin 8119` runs it until it is stopped.
"""

import base64
import datetime as dt
import hashlib
import json
import re
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from ksef_client.services.crypto import decrypt_aes_cbc_pkcs7
from lxml import etree

from billing.formats.fa3 import NAMESPACE, faults_of

TOKEN = "20260601-EC-TEST|nip-5265877635|abcdef"
_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


@dataclass
class Invoice:
    """What was handed over."""

    reference: str
    xml: bytes
    number: str
    ksef_number: str = ""
    status: dict[str, Any] = field(default_factory=dict)
    #: How often it is still "being processed" when asked for.
    polls: int = 0


@dataclass
class Session:
    key: bytes
    iv: bytes
    invoices: list[Invoice] = field(default_factory=list)
    closed: bool = False


class StandIn:
    """`answers`: what the next requests to send are answered with, a status each; 0: taken, but no answer comes."""

    def __init__(self, port: int = 0) -> None:
        self.sessions: dict[str, Session] = {}
        self.answers: list[int] = []
        self.slow_polls = 0
        self.down = False
        self.refused_numbers: set[str] = set()
        #: Numbers that KSeF fails at, once each.
        self.failed_numbers: set[str] = set()
        self.requests: list[str] = []
        self._rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.certificate = base64.b64encode(_certificate(self._rsa)).decode()
        standin = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                standin.handle(self)

            def do_POST(self) -> None:
                standin.handle(self)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def invoices(self) -> list[Invoice]:
        return [each for session in self.sessions.values() for each in session.invoices]

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        path = request.path.partition("?")[0].removeprefix("/v2")
        self.requests.append(f"{request.command} {path}")
        if self.down:
            return self._answer(request, 503, {"title": "Service Unavailable"})
        try:
            answer = self._route(request.command, path, json.loads(body) if body else {})
        except KeyError:
            return self._answer(request, 404, {"title": "Not Found"})
        if answer is None:
            request.close_connection = True
            request.connection.close()
            return None
        return self._answer(request, *answer)

    def _answer(self, request: BaseHTTPRequestHandler, status: int, content: Any) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/xml" if isinstance(content, bytes) else "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def _route(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any] | None:
        if path == "/security/public-key-certificates":
            usages = ["KsefTokenEncryption", "SymmetricKeyEncryption"]
            span = {"validFrom": "2020-01-01T00:00:00Z", "validTo": "2099-01-01T00:00:00Z"}
            return 200, [{"certificate": self.certificate, "usage": usages, **span}]
        if path == "/auth/challenge":
            return 200, {
                "challenge": "20260702-CR-1",
                "timestamp": "2026-07-02T08:00:00Z",
                "timestampMs": 1782979200000,
            }
        if path == "/auth/ksef-token":
            said = self._rsa.decrypt(base64.b64decode(body["encryptedToken"]), _OAEP).decode()
            token = said.rpartition("|")[0]
            valid = (_now() + dt.timedelta(hours=1)).isoformat()
            known = "good" if token == TOKEN else "bad"
            return 202, {"referenceNumber": known, "authenticationToken": {"token": known, "validUntil": valid}}
        if path.startswith("/auth/good"):
            return 200, {"startDate": _now().isoformat(), "status": {"code": 200, "description": "OK"}}
        if path.startswith("/auth/bad"):
            return 200, {"status": {"code": 450, "description": "Uwierzytelnianie zakończone niepowodzeniem"}}
        if path == "/auth/token/redeem":
            valid = (_now() + dt.timedelta(hours=1)).isoformat()
            token = {"token": "access", "validUntil": valid}
            return 200, {"accessToken": token, "refreshToken": token}
        return self._session(method, path, body)

    def _session(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any] | None:
        if path == "/sessions/online":
            encryption = body["encryption"]
            key = self._rsa.decrypt(base64.b64decode(encryption["encryptedSymmetricKey"]), _OAEP)
            name = f"S-{len(self.sessions) + 1}"
            self.sessions[name] = Session(key, base64.b64decode(encryption["initializationVector"]))
            return 201, {"referenceNumber": name, "validUntil": (_now() + dt.timedelta(hours=12)).isoformat()}
        if found := re.fullmatch(r"/sessions/online/([^/]+)/close", path):
            self.sessions[found[1]].closed = True
            return 204, b""
        if found := re.fullmatch(r"/sessions/online/([^/]+)/invoices", path):
            return self._take(found[1], body)
        if found := re.fullmatch(r"/sessions/([^/]+)/invoices", path):
            return 200, {"invoices": [self._standing(each) for each in self.sessions[found[1]].invoices]}
        if found := re.fullmatch(r"/sessions/([^/]+)/invoices/ksef/([^/]+)/upo", path):
            (invoice,) = [each for each in self.sessions[found[1]].invoices if each.ksef_number == found[2]]
            return 200, f"<Potwierdzenie><Numer>{invoice.ksef_number}</Numer></Potwierdzenie>".encode()
        if found := re.fullmatch(r"/invoices/ksef/([^/]+)", path):
            (invoice,) = [each for each in self.invoices if each.ksef_number == found[1]]
            return 200, invoice.xml
        raise KeyError(path)

    def _take(self, name: str, body: dict[str, Any]) -> tuple[int, Any] | None:
        answer = self.answers.pop(0) if self.answers else 202
        if answer not in (0, 202):
            return answer, {"title": "refused", "status": answer, "detail": "as told"}
        session = self.sessions[name]
        xml = decrypt_aes_cbc_pkcs7(base64.b64decode(body["encryptedInvoiceContent"]), session.key, session.iv)
        assert body["invoiceHash"] == _hash(xml) and body["invoiceSize"] == len(xml)
        root = etree.fromstring(xml)
        number = root.findtext(f"{{{NAMESPACE}}}Fa/{{{NAMESPACE}}}P_2") or ""
        nip = root.findtext(f".//{{{NAMESPACE}}}Podmiot1//{{{NAMESPACE}}}NIP")
        invoice = Invoice(f"I-{len(self.invoices) + 1}", xml, number, polls=self.slow_polls)
        first = [(key, each) for key, each in self._all() if each.number == number and each.ksef_number]
        if faults := faults_of(xml):
            invoice.status = {"code": 450, "description": "Błąd weryfikacji semantyki", "details": faults}
        elif number in self.refused_numbers:
            invoice.status = {"code": 410, "description": "Nieprawidłowy zakres uprawnień"}
        elif number in self.failed_numbers:
            self.failed_numbers.remove(number)
            invoice.status = {"code": 550, "description": "Operacja została anulowana przez system"}
        elif first:
            where, original = first[0]
            invoice.status = {
                "code": 440,
                "description": "Duplikat faktury",
                "extensions": {
                    "originalSessionReferenceNumber": where,
                    "originalKsefNumber": original.ksef_number,
                },
            }
        else:
            invoice.ksef_number = f"{nip}-20260702-{len(self.invoices) + 1:012X}-AF"
            invoice.status = {"code": 200, "description": "Sukces"}
        session.invoices.append(invoice)
        return None if answer == 0 else (202, {"referenceNumber": invoice.reference})

    def _all(self) -> list[tuple[str, Invoice]]:
        return [(name, each) for name, session in self.sessions.items() for each in session.invoices]

    def _standing(self, invoice: Invoice) -> dict[str, Any]:
        found = {"referenceNumber": invoice.reference, "invoiceHash": _hash(invoice.xml), "ordinalNumber": 1}
        found |= {"invoicingDate": "2026-07-02T08:00:00Z"}
        if invoice.polls:
            invoice.polls -= 1
            return found | {"status": {"code": 150, "description": "Trwa przetwarzanie"}}
        number = {"ksefNumber": invoice.ksef_number} if invoice.status["code"] == 200 else {}
        return found | {"status": invoice.status} | number


def _certificate(key: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    made = made.not_valid_after(dt.datetime(2099, 1, 1, tzinfo=dt.UTC))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _hash(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


if __name__ == "__main__":
    made = StandIn(int(sys.argv[1]))
    print(f"KSEF_URL={made.url} KSEF_TOKENS='<cluster>={TOKEN}'", flush=True)
    threading.Event().wait()
