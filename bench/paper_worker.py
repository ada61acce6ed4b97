"""A process that makes batches of bills' PDFs: `python -m bench.paper_worker SLUG BATCH …`."""

import sys
from datetime import UTC, datetime

import django
from django.conf import settings

from cluster_platform import embedded

if __name__ == "__main__":
    embedded.ensure_running(settings.VAR)
    django.setup()
    # Models can be imported from here on.
    from billing.services.papers import make_papers
    from participants.models import Cluster

    cluster = Cluster.objects.get(slug=sys.argv[1])
    for batch in sys.argv[2:]:
        make_papers(cluster, int(batch), datetime(2026, 7, 2, tzinfo=UTC))
