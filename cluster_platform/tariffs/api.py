"""REST: a distributor's machine uploads books, looks at what is asked about them, and publishes."""

from datetime import date
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from cluster_platform.tariffs.api_schema import BookAnswer, BookContent, BookList, Faults, Publication, SentBook
from cluster_platform.tariffs.forms import MOST_BYTES, MOST_FILES, MOST_MB
from contracts.dataset.book_upload import SentFile, read_uploaded
from contracts.dataset.bookfile import BookTables
from contracts.dataset.faults import DatasetError, Fault
from contracts.domain.book_difference import Difference
from contracts.domain.money import from_micro
from contracts.domain.zones import format_clock
from contracts.selectors import stored
from contracts.selectors.book import held_spans
from contracts.services.book_review import NotSeen, changes, publish_seen, review, tariff_before
from contracts.services.tariff_books import create_draft, delete_draft
from contracts.tariff_models import TariffBook
from participants.dso_keys import DsoKeyAuthentication
from participants.models import Dso, DsoKey


class BookTooLarge(APIException):
    status_code = 413
    default_detail = f"A file of a tariff book has at most {MOST_MB} MB, and a book at most {MOST_FILES} files."


class DsoKeyThrottle(SimpleRateThrottle):
    """So many requests a minute and key."""

    scope = "readings"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return f"dso-key-{request.auth.pk}"


class DsoView(APIView):
    """Open to a distributor's machines, each for its own books."""

    authentication_classes = (DsoKeyAuthentication,)
    throttle_classes = (DsoKeyThrottle,)

    @property
    def dso(self) -> Dso:
        key: DsoKey = self.request.auth
        return key.dso

    def book(self, number: int) -> TariffBook:
        return get_object_or_404(TariffBook.objects.select_related("dso", "published_by"), dso=self.dso, number=number)


class BooksView(DsoView):
    """The distributor's books, and new drafts."""

    parser_classes = (MultiPartParser,)

    @extend_schema(operation_id="tariff_books", responses={200: BookList})
    def get(self, request: Request) -> Response:
        """All books, newest first, without their rows."""
        spans = _spans(self.dso)
        books = TariffBook.objects.filter(dso=self.dso).order_by("-number")
        return Response({"books": [_head(book, spans) for book in books]})

    @extend_schema(
        operation_id="upload_tariff_book", request={"multipart/form-data": SentBook},
        responses={201: BookAnswer, 422: Faults},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """201: stored as a draft, with what is to be looked at; 422: it can't be read, and nothing is stored."""
        sent = SentBook(data=request.data)
        sent.is_valid(raise_exception=True)
        clean = sent.validated_data
        files = clean["files"]
        if len(files) > MOST_FILES or any(file.size > MOST_BYTES for file in files):
            raise BookTooLarge
        try:
            tables = read_uploaded([SentFile(file.name, file.read()) for file in files], self.dso.name)
            first = clean["valid_from"] or min((rate.valid_from for rate in tables.rates), default=date.max)
            now = timezone.now()
            book = create_draft(self.dso, tables, name=clean["name"] or str(first.year), valid_from=first, now=now)
        except DatasetError as error:
            return _refused(error)
        return Response(_answer(book), status=201, headers={"Location": f"/api/v1/tariff-books/{book.number}"})


class BookView(DsoView):
    """One book."""

    @extend_schema(operation_id="tariff_book", responses={200: BookContent})
    def get(self, request: Request, number: int) -> Response:
        """What it says, and of a draft what is to be looked at."""
        book = self.book(number)
        return Response(_answer(book) | _rows(stored.book_tables(book)))


class DiscardView(DsoView):
    """The end of a draft."""

    parser_classes = (JSONParser,)

    @extend_schema(operation_id="discard_tariff_book", request=None, responses={204: None, 409: Faults})
    def post(self, request: Request, number: int) -> Response:
        """204: the draft is gone; 409: the book is published and stays."""
        try:
            delete_draft(self.book(number))
        except DatasetError as error:
            return _refused(error, 409)
        return Response(status=204)


class PublishView(DsoView):
    """Publication of a draft."""

    parser_classes = (JSONParser,)

    @extend_schema(
        operation_id="publish_tariff_book", request=Publication,
        responses={200: BookAnswer, 409: Faults, 422: Faults},
    )  # fmt: skip
    def post(self, request: Request, number: int) -> Response:
        """200: it holds from its first day on; 409: published already, or not what was `seen`; 422: mistakes."""
        book = self.book(number)
        sent = Publication(data=request.data)
        sent.is_valid(raise_exception=True)
        clean = sent.validated_data
        if not book.is_draft:
            return Response(_told([Fault("", 0, "", "the book is published already")]), status=409)
        try:
            done = publish_seen(book, None, timezone.now(), clean["reason"], clean["seen"])
        except NotSeen:
            return Response(_told([Fault("", 0, "seen", "this is not what is to be looked at now; get it again")]), 409)
        except DatasetError as error:
            return _refused(error)
        settled = sum(effect.quarter_hours for effect in done.effects)
        return Response(_answer(self.book(done.book.number)) | {"quarter_hours_settled_anew": settled})


def _refused(error: DatasetError, status: int = 422) -> Response:
    return Response(_told(error.faults), status=status)


def _told(faults: Any) -> dict[str, Any]:
    return {"mistakes": [_fault(fault) for fault in faults]}


def _fault(fault: Fault) -> dict[str, Any]:
    return {"file": fault.file, "row": fault.line, "column": fault.column, "reason": fault.text}


def _spans(dso: Dso) -> dict[int, tuple[date, date | None]]:
    return {book.pk: (first, end) for book, first, end in held_spans(dso)}


def _head(book: TariffBook, spans: dict[int, tuple[date, date | None]]) -> dict[str, Any]:
    first, end = spans.get(book.pk, (None, None))
    return {
        "number": book.number,
        "name": book.name,
        "state": book.state,
        "valid_from": book.valid_from,
        "holds_from": first,
        "holds_to": end,
        "created_at": book.created_at,
        "published_at": book.published_at,
        "reason": book.reason,
    }


def _answer(book: TariffBook) -> dict[str, Any]:
    head = _head(book, _spans(book.dso))
    if not book.is_draft:
        return head | {"difference": _difference(changes(book, tariff_before(book)))}
    seen = review(book, timezone.now())
    return head | {
        "mistakes": [_fault(fault) for fault in seen.mistakes],
        "questions": [_fault(fault) for fault in seen.questions],
        "needs_reason": seen.needs_reason,
        "difference": _difference(seen.difference),
        "seen": seen.digest,
    }


def _difference(told: Difference) -> dict[str, Any]:
    return {
        "rates": [
            {
                **change.key._asdict(),
                "from": change.first,
                "to": change.end,
                "old": str(from_micro(change.old.micro)) if change.old else None,
                "new": str(from_micro(change.new.micro)) if change.new else None,
                "unit": (change.new or change.old).unit,  # type: ignore[union-attr]
            }
            for change in told.rates
        ],
        "zones_added": sum(change.added for change in told.zones),
        "zones_removed": sum(not change.added for change in told.zones),
        "discounts": [
            {"level": change.level, "old": _text(change.old), "new": _text(change.new)} for change in told.discounts
        ],
        "unchanged": told.unchanged,
    }


def _rows(tables: BookTables) -> dict[str, Any]:
    return {
        "rates": [
            {
                "group": rate.group, "phases": rate.phases, "use_from_kwh": rate.use_from_kwh,
                "use_to_kwh": rate.use_to_kwh, "component": rate.component, "zone": rate.zone, "unit": rate.unit,
                "rate_net": str(from_micro(rate.micro)), "local_treatment": rate.treatment,
                "valid_from": rate.valid_from, "valid_to": rate.valid_to,
            }
            for rate in tables.rates
        ],
        "zones": [
            {
                "group": row.group, "zone": row.zone, "months": row.months, "day_type": row.day_type,
                "from": _clock(row.start), "to": _clock(row.end),
            }
            for row in tables.zones
        ],
        "discounts": [{"level": row.level, "discount": str(row.discount)} for row in tables.discounts],
    }  # fmt: skip


def _clock(minute: int | None) -> str:
    return "" if minute is None else format_clock(minute)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
