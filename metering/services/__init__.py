"""Writes of the metering app, each owning its transaction."""

from metering.services.ingest import Outcome, ingest
from metering.services.inputs import touch_intervals, touch_span

__all__ = ["Outcome", "ingest", "touch_intervals", "touch_span"]
