"""What readers of files find, in the user's language; the readers themselves know no languages."""

import re

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as said

from billing.formats import words as bank_words
from cluster_platform.tariffs import words as book_words
from metering.formats import words

#: As the reader words them; what it fills in stands in brackets. A finding that is not here is shown as it is.
FINDINGS = (
    said("'%(value)s' starts or ends with a space; remove it"),
    said("there is a control character in the text; remove it"),
    said("the text has %(length)s characters; at most %(limit)s are allowed"),
    said("the value is missing; fill it in"),
    said("'%(value)s' is not one of %(options)s"),
    said("'%(value)s' is not a day such as 2026-06-16"),
    said("'%(value)s' is not a day that exists"),
    said("%(day)s must lie after valid_from; it is exclusive"),
    said("'%(value)s' is not a whole number from 0 to %(limit)s"),
    said("'%(value)s' is not a decimal number such as 0.25"),
    said("%(value)s is negative; it can't be"),
    said("%(value)s has more than %(places)s decimals; round it"),
    said("%(value)s is too large"),
    said("%(value)s is more than 1; give a share from 0 to 1"),
    said("'%(value)s' is not a code of 18 digits"),
    said("the check digit of '%(value)s' is wrong; look for a mistyped digit"),
    said("'%(value)s' is not a tax number of ten digits with a right check digit"),
    said("'%(value)s' is not a bank account (IBAN without spaces) with right check digits"),
    said("'%(value)s' is not an e-mail address"),
    said("'%(value)s' is not a country code of two capital letters"),
    said("unknown column; the columns are %(columns)s"),
    said("the column appears twice; remove one"),
    said("the column is missing; add it"),
    said("there are %(values)s values for %(columns)s columns"),
    said("the line is empty; remove it"),
    said("the same as in line %(line)s; each may appear once"),
    said("'%(value)s' is unknown; add it or correct it"),
    said("a member's point needs its participant; fill it in"),
    said("a boundary point has no participant; leave it empty"),
    said("the personal data of %(code)s were erased and must not come back; take its row from a fresh export"),
    said("the metering point '%(code)s' is unknown; add it or correct it"),
    said("at %(start)s %(code)s is not in the cluster; correct its dates"),
    said("the quarter-hour %(start)s has not finished yet"),
    said("only daily sums are kept of the time before %(start)s; %(text)s comes too late"),
    said("the file says it was issued at a time that is yet to come; look at its date"),
    said("the file could not be processed in several attempts; ask the operator"),
    said("nothing in the file can be stored"),
    said("this is no JSON in UTF-8: %(reason)s"),
    said("there is no list of rows; the file looks like %(example)s"),
    said("there are no rows"),
    said("the file has no lines"),
    said("the file has more than %(count)s lines"),
    said("the quarter-hour is in line %(line)s already; leave one of them"),
    said("'%(value)s' is not a number such as 0,250"),
    said("'%(value)s' is no energy in whole Wh"),
    said("the column is missing; add it (it may be called %(names)s)"),
    said("the column stands more than once; leave one (it may be called %(names)s)"),
    said("the row is no object with fields"),
    said("%(time)s is in row %(row)s already; keep one"),
    said("the quarter-hour that ends at %(time)s belongs to %(day)s, not to %(other)s"),
    said("'%(value)s' does not end a quarter-hour"),
    said("'%(value)s' is no UTC time such as 2026-06-14 22:15:00"),
    said("the field is missing"),
    said("the price is missing"),
    said("'%(value)s' is no number"),
    said("%(value)s PLN/MWh is too large"),
    said("%(value)s has more than %(places)s decimals"),
    said("%(day)s has %(count)s of %(whole)s quarter-hours; the first that lacks ends at %(time)s"),
    said("%(time)s is yet to come"),
    said("rounding %(month)s"),
    said("external settlement %(month)s, version %(version)s, invoice %(number)s"),
    said("external settlement %(month)s, invoice %(number)s"),
    said("distributor's invoice %(number)s taken back"),
    said("distributor's invoice %(number)s, %(month)s"),
    said("the distributor's invoice has no number"),
    said("%(vat)s PLN can't be the VAT of %(net)s PLN"),
    said("%(month)s is not closed: its grid fees are not posted yet"),
    said("invoice %(number)s is noted already"),
    said("entry %(number)s is taken back already"),
    said("choose the account on which the transfer is booked"),
    said("bank transfer %(number)s taken back"),
    said("bank transfer %(number)s"),
    said("the file is larger than %(size)s MB; export a shorter time from the bank"),
    said("there is no interest rate for %(day)s: load the rates that held then"),
    said("a chosen bill does not exist or has nothing to pay"),
    said("nothing of the transfer is left for %(bills)s, or it is the other way round"),
    said("%(amount)s PLN are over: choose the participant whose credit it is"),
    said("the transfer is matched already; take that back first"),
    said("the transfer is not matched"),
    said("say why the transfer is set aside"),
    said("say why the match is taken back"),
    said("say why the interest is waived"),
    said("say why the reminders are paused or go on"),
    said("no payout is approved that is in no file yet"),
    said("%(day)s does not lie between the day of the file and today"),
    said("%(of)s: '%(value)s' is not a bank account (IBAN) with right check digits"),
    said("%(of)s: the name '%(name)s' has no letter that banks take"),
    said("%(document)s: the register has no place for a VAT rate of %(rate)s"),
    said("%(month)s is closed."),
    said("%(month)s is not closed."),
    said("%(month)s of %(code)s has changed since the preview: look at it again."),
    said("The difference of %(code)s is below the threshold and carried on."),
    said("A correction needs a reason of at most %(limit)s characters."),
    said("No difference is chosen."),
    said("%(document)s: the seller %(name)s has no valid tax number (NIP): '%(value)s'"),
    said("%(document)s: the buyer %(name)s has no valid tax number (NIP): '%(value)s'"),
    said("%(code)s: overlap: from %(start)s on two rows apply; end the earlier one on %(end)s"),
)
_FILLED_IN = re.compile(r"%\((\w+)\)s")


def _pattern(finding: str) -> re.Pattern[str]:
    parts = _FILLED_IN.split(finding)
    texts = [f"(?P<{part}>.*?)" if place % 2 else re.escape(part) for place, part in enumerate(parts)]
    return re.compile("".join(texts), re.DOTALL)


_PATTERNS = tuple(
    (finding, _pattern(finding)) for finding in (*FINDINGS, *words.FINDINGS, *bank_words.FINDINGS, *book_words.FINDINGS)
)


def finding_in_words(text: str) -> str:
    """The finding in the language in force."""
    for finding, pattern in _PATTERNS:
        match = pattern.fullmatch(text)
        if match:
            parts = match.groupdict()
            told = {name: finding_in_words(part) if name.startswith("said_") else part for name, part in parts.items()}
            return gettext(finding) % told
    return text
