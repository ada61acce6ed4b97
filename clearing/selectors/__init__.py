"""Reads of clearing: what an interval is settled from, and the settlement with the outside."""

from clearing.selectors.inputs import (
    DayTerms,
    NotReady,
    day_terms,
    external_prices,
    last_run,
    readings,
    runs_in_force,
    work_list,
)

__all__ = [
    "DayTerms",
    "NotReady",
    "day_terms",
    "external_prices",
    "last_run",
    "readings",
    "runs_in_force",
    "work_list",
]
