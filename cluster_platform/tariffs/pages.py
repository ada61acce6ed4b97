"""The distributor's tariff books among its pages: what holds, what is being prepared, and its publication."""

from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from billing import numbers
from cluster_platform.fault_words import finding_in_words
from cluster_platform.tariffs.access import BookReader, reader_of
from cluster_platform.tariffs.calendar import calendar_of
from cluster_platform.tariffs.forms import MOST_BYTES, PublishForm, UploadForm
from contracts.dataset.book_upload import read_uploaded
from contracts.dataset.book_write import book_lines, book_xlsx, example_lines, table_csv
from contracts.dataset.faults import DatasetError, Fault
from contracts.domain.zones import ANY_GROUP
from contracts.selectors import stored
from contracts.selectors.book import book_on, content, held_spans
from contracts.services.book_review import (
    NotSeen,
    Review,
    changes,
    example_bills,
    place_of,
    publish_seen,
    review,
    tariff_before,
    vat_rate_of,
)
from contracts.services.tariff_books import Published, create_draft, delete_draft
from contracts.tariff_models import TariffBook
from metering.domain.calendar import local_day
from participants.models import User

#: A book that runs out within so many days needs a successor.
SOON_DAYS = 60
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_NO_DAY = date.max


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def books(request: HttpRequest) -> HttpResponse:
    """What holds and until when, all books, and the upload of a new one."""
    reader = reader_of(request, changes=request.method == "POST")
    now = timezone.now()
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = UploadForm(*sent)
    faults: tuple[Fault, ...] = ()
    if request.method == "POST" and form.is_valid():
        try:
            book = _store(reader, form, now)
            return redirect("dso_tariff", book.number)
        except DatasetError as error:
            faults = error.faults
    today = local_day(now, place_of(reader.dso).tz)
    held = book_on(reader.dso, today)
    spans = {book.pk: (first, end) for book, first, end in held_spans(reader.dso)}
    ends = _runs_out(held, spans.get(held.pk)) if held else None
    context = {
        "page": "dso_tariffs",
        "distributor": reader.dso,
        "reader": reader,
        "form": form if reader.may_change else None,
        "most_bytes": MOST_BYTES,
        "faults": in_words(faults),
        "rows": [(book, spans.get(book.pk)) for book in reader.books],
        "held": held,
        "ends": ends,
        "soon": ends is not None and (ends - today).days <= SOON_DAYS,
    }
    return render(request, "tariffs/books.html", context)


def _store(reader: BookReader, form: UploadForm, now: datetime) -> TariffBook:
    tables = read_uploaded(form.cleaned_data["book"], reader.dso.name)
    first = form.cleaned_data["valid_from"] or min((rate.valid_from for rate in tables.rates), default=now.date())
    name = form.cleaned_data["name"] or str(first.year)
    return create_draft(reader.dso, tables, name=name, valid_from=first, now=now)


def _runs_out(book: TariffBook, span: tuple[date, date | None] | None) -> date | None:
    """The day from which nothing applies: the book's last rate has ended and no other book follows."""
    if span is None or span[1] is not None:
        return None
    ends = {rate.valid_to for rate in content(book).rates}
    return None if None in ends else max((end for end in ends if end is not None), default=None)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def book(request: HttpRequest, number: int) -> HttpResponse:
    """One book: of a draft what is wrong, what it changes and what bills become; then publication."""
    reader = reader_of(request, changes=request.method == "POST")
    found = reader.book(number)
    now = timezone.now()
    if request.method == "POST" and not found.is_draft:
        messages.warning(request, gettext("That was not possible any more: the book is published."))
        return redirect("dso_tariff", number)
    if "discard" in request.POST:
        return _discard(request, found)
    before = tariff_before(found)
    seen = review(found, now) if found.is_draft else None
    form = _form(request, seen) if seen and reader.may_change and not seen.mistakes else None
    if form and request.method == "POST" and form.is_valid():
        answer = _publish(request, found, form, now)
        if answer is not None:
            return answer
        seen = review(found, now)
        form = _form(request, seen, fresh=True)
    inside = content(found)
    spans = {held.pk: (first, end) for held, first, end in held_spans(reader.dso)}
    context = {
        "page": "dso_tariffs",
        "distributor": reader.dso,
        "reader": reader,
        "book": found,
        "span": spans.get(found.pk),
        "review": seen,
        "mistakes": in_words(seen.mistakes) if seen else [],
        "questions": in_words(seen.questions) if seen else [],
        "form": form,
        "change": seen.difference if seen else changes(found, before),
        "first_book": not before.rates,
        "examples": by_group([] if seen and seen.mistakes else example_bills(found, before)),
        "pln_unit": numbers.pln_unit(),
        "vat_rate": vat_rate_of(reader.dso),
        "groups": sorted({rate.group for rate in inside.rates} - {ANY_GROUP}),
        "rates": inside.rates,
        "discounts": sorted(inside.discounts.items(), key=lambda pair: -pair[1]),
    }
    return render(request, "tariffs/book.html", context)


def _form(request: HttpRequest, seen: Review, *, fresh: bool = False) -> PublishForm:
    data = request.POST if request.method == "POST" and not fresh else None
    return PublishForm(
        data, asks_reason=seen.needs_reason, asks=bool(seen.questions), initial={"seen": seen.digest}
    )  # fmt: skip


def _discard(request: HttpRequest, found: TariffBook) -> HttpResponse:
    try:
        delete_draft(found)
        messages.success(request, gettext("The draft is discarded."))
    except DatasetError:
        messages.warning(request, gettext("That was not possible any more: the book is published."))
    return redirect("dso_tariffs")


def _publish(request: HttpRequest, found: TariffBook, form: PublishForm, now: datetime) -> HttpResponse | None:
    """Publish; None where something has changed since, which the page says."""
    user: User = request.user  # type: ignore[assignment]
    try:
        done = publish_seen(found, user, now, form.cleaned_data.get("reason", ""), form.cleaned_data["seen"])
    except NotSeen:
        messages.warning(request, gettext("Something has changed since you looked; please look again."))
        return None
    except DatasetError as error:
        messages.warning(request, "; ".join(str(fault) for fault in error.faults))
        return None
    messages.success(request, _done(done, local_day(now, place_of(found.dso).tz)))
    return redirect("dso_tariff", done.book.number)


def _done(done: Published, today: date) -> str:
    """What has become of it: what is settled anew, and of which days bills change."""
    text = gettext("The book is published.")
    count = sum(effect.quarter_hours for effect in done.effects)
    if count:
        again = ngettext(
            "%(n)s quarter-hour is settled anew.", "%(n)s quarter-hours are settled anew.", count
        )  # fmt: skip
        text = f"{text} {again % {'n': numbers.number(count)}}"
    begun = [
        gettext("%(cluster)s from %(day)s")
        % {"cluster": effect.cluster.name, "day": date_format(first, "SHORT_DATE_FORMAT")}
        for effect in done.effects
        for first, _end in effect.billed_anew
        if first < today
    ]
    if begun:
        text = f"{text} {gettext('Bills change and have to be made again: %(what)s.') % {'what': '; '.join(begun)}}"
    return text


def in_words(faults: Any) -> list[tuple[Fault, str]]:
    """Faults with their texts in the reader's language."""
    return [(fault, finding_in_words(fault.text)) for fault in faults]


def by_group(examples: Any) -> list[tuple[str, list[Any]]]:
    """The examples of each group together."""
    found: dict[str, list[Any]] = {}
    for example in examples:
        found.setdefault(example.group, []).append(example)
    return list(found.items())


@never_cache
@require_safe
@login_required
def calendar(request: HttpRequest, number: int, group: str) -> HttpResponse:
    """A group's week by the book, season by season."""
    reader = reader_of(request)
    found = reader.book(number)
    inside, place = content(found), place_of(reader.dso)
    groups = sorted({rate.group for rate in inside.rates} - {ANY_GROUP})
    if group not in groups:
        raise Http404
    today = local_day(timezone.now(), place.tz)
    span = next(((first, end) for held, first, end in held_spans(reader.dso) if held.pk == found.pk), None)
    in_force = span is not None and span[0] <= today < (span[1] or _NO_DAY)
    day = today if in_force else found.valid_from
    context = calendar_of(group, inside.rates, inside.zones, day, place)
    context |= {"page": "dso_tariffs", "distributor": reader.dso, "reader": reader, "book": found, "groups": groups}
    return render(request, "tariffs/calendar.html", context)


@never_cache
@require_safe
@login_required
def workbook(request: HttpRequest, number: int) -> HttpResponse:
    """The book as a workbook, which can be edited and uploaded again."""
    found = reader_of(request).book(number)
    return _file(book_xlsx(_lines(found)), XLSX, f"tariff-{number}.xlsx")


@never_cache
@require_safe
@login_required
def table(request: HttpRequest, number: int, name: str) -> HttpResponse:
    """One table of the book as CSV."""
    found = reader_of(request).book(number)
    text = table_csv(name, _lines(found)[name])
    return _file(text.encode(), "text/csv; charset=utf-8", f"tariff-{number}-{name}.csv")


@never_cache
@require_safe
@login_required
def example(request: HttpRequest) -> HttpResponse:
    """A small workbook to be filled in."""
    reader = reader_of(request)
    next_year = date(timezone.now().year + 1, 1, 1)
    return _file(book_xlsx(example_lines(reader.dso.name, next_year)), XLSX, "tariff-example.xlsx")


def _lines(found: TariffBook) -> dict[str, Any]:
    return book_lines(found.dso.name, stored.book_tables(found))


def _file(data: bytes, kind: str, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
