"""What readers of bank files say to people. The pages translate these texts; the readers know no languages."""

#: All texts below; what is filled in stands in brackets.
FINDINGS: list[str] = []


def gettext_noop(text: str) -> str:
    """Marks a text for the translators."""
    FINDINGS.append(text)
    return text


UNKNOWN_FORMAT = gettext_noop(
    "the file is none of %(known)s; export it from the bank once more in one of these formats"
)
NO_BOOKINGS = gettext_noop("the file holds no bookings; deliver one that does")
NO_HEADING = gettext_noop("no column is headed %(columns)s; name one so")
TWO_HEADINGS = gettext_noop("the columns '%(one)s' and '%(other)s' mean the same; leave one of them")
NO_ACCOUNT = gettext_noop("the account is missing; name the cluster's own account")
NOT_AN_ACCOUNT = gettext_noop("'%(value)s' is not a bank account (IBAN) with right check digits")
NOT_A_DATE = gettext_noop("'%(value)s' is not a day such as 2026-07-14 or 14.07.2026")
NOT_AN_AMOUNT = gettext_noop("'%(value)s' is not an amount such as 1234,56")
NO_MONEY = gettext_noop("the amount is 0; leave the line out")
NOT_PLN = gettext_noop("the currency is %(value)s; only PLN is booked")
NOT_MT940 = gettext_noop("'%(value)s' is not a line that MT940 has here; export the file once more")
NOT_XML = gettext_noop("the file is no complete XML; export it once more")
NO_DTD = gettext_noop("the file defines a document type, which no bank's file does; it is not read")
NO_STATEMENT = gettext_noop("the file holds no account statement (camt.053)")
ELEMENT_MISSING = gettext_noop("the element %(element)s is missing; export the file once more")
NOT_BOOKED = gettext_noop("the booking is not final yet (status %(value)s); it comes again when it is")
DETAILS_DIFFER = gettext_noop("the parts of the booking add up to %(sum)s instead of %(value)s; enter it by hand")
BALANCE_DIFFERS = gettext_noop(
    "opening balance and bookings make %(sum)s, but the closing balance is %(value)s; lines are missing"
)
OTHER_ACCOUNT = gettext_noop("the account %(value)s is not the cluster's own, %(ours)s; nothing of it is booked")
