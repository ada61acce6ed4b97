"""What billing refuses to do."""

from collections.abc import Sequence


class BillingError(Exception):
    """A period can't be billed or exported as asked; the message is meant for the coordinator."""


class MonthNotReadyError(BillingError):
    """A month can't be closed: these `checks` (their codes) fail, and no reason overrides them."""

    def __init__(self, month: str, checks: Sequence[str]) -> None:
        super().__init__(f"{month} can't be closed yet: {', '.join(checks)}.")
        self.checks = checks
