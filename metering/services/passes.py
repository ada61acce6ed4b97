"""What passes over the local days of a cluster have in common."""

from django.db import DataError, IntegrityError

#: So long a pass goes on before other clusters have their turn.
PASS_SECONDS = 60.0
#: What nobody foresaw in the data of one day must not hold up the days after it.
BAD_DATA = (DataError, IntegrityError, ArithmeticError, LookupError, ValueError)
