"""Issued bills become PDFs: once each, in batches, resumable."""

import logging
from datetime import datetime
from hashlib import sha256

from billing.models import Bill, BillPaper
from billing.papers.pdf import pdf_of_bill
from billing.selectors.bills import bill_content
from billing.selectors.papers import BATCH, languages, waiting_for_ksef, without_paper
from participants.models import Cluster
from participants.tenancy.scope import scope

log = logging.getLogger(__name__)
#: So many are stored at once; what a killed worker had made of them is made again.
STORED_AT_ONCE = 25


def make_papers(cluster: Cluster, batch: int, now: datetime) -> int:
    """The PDFs that a batch lacks; returns how many were stored. Opens its own scopes.

    A bill that can't be set is logged and left out; what another worker has stored meanwhile stays.
    """
    made, after = 0, batch * BATCH - 1
    while True:
        with scope(cluster.pk):
            rows = without_paper(cluster.pk).filter(pk__gt=after, pk__lt=(batch + 1) * BATCH).order_by("pk")
            lacking = list(rows[:STORED_AT_ONCE])
            if not lacking:
                return made
            after = lacking[-1].pk
            waiting = set(waiting_for_ksef(cluster.pk).filter(bill__in=[bill.pk for bill in lacking]))
            bills = [bill for bill in lacking if bill.pk not in waiting]
            contents = list(bill_content(Bill.objects.filter(pk__in=[bill.pk for bill in bills]).order_by("pk")))
            spoken = languages(cluster.pk, {bill.participant_id for bill in bills})
        papers = []
        for bill, content in zip(bills, contents, strict=True):
            language = spoken[bill.participant_id]
            try:
                pdf = pdf_of_bill(content, language)
            except RuntimeError:  # Typst's own
                log.exception("%s: the PDF of bill %s can't be made", cluster.slug, bill.reference)
                continue
            fields = {"language": language, "pdf": pdf, "pdf_sha256": sha256(pdf).hexdigest(), "made_at": now}
            papers.append(BillPaper(cluster=cluster, bill=bill, **fields))
        with scope(cluster.pk):
            before = BillPaper.objects.filter(bill__in=[paper.bill_id for paper in papers]).count()
            BillPaper.objects.bulk_create(papers, ignore_conflicts=True)
        made += len(papers) - before
