"""Writes of the metering app, each owning its transaction."""

from metering.services.inputs import touch_intervals, touch_span
from metering.services.readings import store_readings

__all__ = ["store_readings", "touch_intervals", "touch_span"]
