"""Reads the bodies of the REST API: whole, unpacked, and within limits."""

import zlib
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.http import HttpRequest
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

from metering.domain.delivery import Delivery, DeliveryError, parse_csv, parse_json, parse_ndjson

#: MAX_ROWS readings of the longest form take about 20 MB.
MAX_BYTES = 32 << 20
_GZIP = 31
_FORMS = {"application/json": parse_json, "application/x-ndjson": parse_ndjson, "text/csv": parse_csv}


class TooLarge(APIException):
    status_code = 413
    default_detail = f"The body is larger than {MAX_BYTES >> 20} MiB unpacked; send it in parts."


@dataclass(frozen=True, slots=True)
class Received:
    """A delivery and the digest of the body that it was sent in."""

    delivery: Delivery
    sha256: str


class DeliveryParser(BaseParser):
    """One of the forms of `_FORMS`."""

    def parse(self, stream: HttpRequest, media_type: Any = None, parser_context: Any = None) -> Received:
        sent = stream.read(MAX_BYTES + 1)
        encoding = stream.headers.get("Content-Encoding", "identity")
        if encoding not in ("identity", "gzip"):
            raise ParseError(f"The Content-Encoding {encoding} is unknown; send gzip, or none.")
        body = _unpacked(sent) if encoding == "gzip" else sent
        if len(body) > MAX_BYTES:
            raise TooLarge
        try:
            return Received(_FORMS[self.media_type](body), sha256(body).hexdigest())
        except DeliveryError as error:
            raise ParseError(str(error)) from error


class JsonParser(DeliveryParser):
    media_type = "application/json"


class NdjsonParser(DeliveryParser):
    media_type = "application/x-ndjson"


class CsvParser(DeliveryParser):
    media_type = "text/csv"


def _unpacked(sent: bytes) -> bytes:
    """No more than one byte beyond the limit, however much is packed into little."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        body = unpacker.decompress(sent, MAX_BYTES + 1)
    except zlib.error as error:
        raise ParseError("The body is no gzip.") from error
    if len(body) <= MAX_BYTES and not unpacker.eof:
        raise ParseError("The gzip ends too early.")
    return body
