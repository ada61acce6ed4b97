"""What billing refuses to do."""


class BillingError(Exception):
    """A period can't be billed or exported as asked; the message is meant for the coordinator."""
