"""What clearing refuses. Catch `ClearingError` for all of it; each subclass names one cause."""


class ClearingError(Exception):
    """Base of everything that the clearing engine raises on purpose."""


class InputError(ClearingError):
    """The arrays, the grid or the rules given to the engine contradict themselves."""


class SolverFailed(ClearingError):
    """The solver is missing, or ended without an optimum."""


class NotWhole(ClearingError):
    """The solver's answer is not a whole number of watt-hours."""


class NotOptimal(ClearingError):
    """The solver's answer breaks a limit, or its dual values do not prove it to be the optimum."""


class LawBroken(ClearingError):
    """A finished result breaks a law that every interval must obey."""
