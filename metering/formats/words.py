"""What readers of meter files say to people. The pages translate these texts; the readers know no languages."""

Filling = str | int

#: All texts below; what is filled in stands in brackets.
FINDINGS: list[str] = []


def gettext_noop(text: str) -> str:
    """Marks a text for the translators."""
    FINDINGS.append(text)
    return text


UNKNOWN_FORMAT = gettext_noop(
    "no known format begins with '%(value)s'; choose the format, or deliver one of: %(known)s"
)
EMPTY = gettext_noop("the file holds no readings; deliver one that does")
NO_HEADER = gettext_noop("the header is not that of this format; it must name %(columns)s")
NO_POINT = gettext_noop("the file names no metering point; choose it, or put its 18 digits into the file's name")
NOT_A_POINT = gettext_noop("'%(value)s' is not a metering point code of 18 digits")
VALUES = gettext_noop("there are %(count)s values for %(columns)s columns; deliver the whole line")
VALUE_MISSING = gettext_noop("the value is missing; deliver it, or leave the line out")
NOT_KWH = gettext_noop("'%(value)s' is not a number such as 0,250")
NOT_WH = gettext_noop("'%(value)s' is not a whole number of watt-hours")
NEGATIVE = gettext_noop("%(value)s is negative; energy is counted from 0")
TOO_LARGE = gettext_noop("%(value)s is too large for a meter; look at the unit")
NOT_UTC = gettext_noop("'%(value)s' is not a time with its offset from UTC, such as 2026-05-31T22:00:00Z")
NOT_LOCAL = gettext_noop("'%(value)s' is not a time such as 2026-06-15 13:00")
NOT_A_DAY = gettext_noop("'%(value)s' is not a day such as 15-06-2026")
NOT_ON_STEP = gettext_noop("'%(value)s' does not lie on a boundary of %(minutes)s minutes")
NOT_ONE_STEP = gettext_noop("from %(start)s to %(end)s it is neither 15 nor 60 minutes")
NOT_ACTIVE = gettext_noop("OBIS '%(value)s' is not read; 1.8.0 is import and 2.8.0 is export")
NOT_ONE_OF = gettext_noop("'%(value)s' is not one of %(options)s")
MARKED_MISSING = gettext_noop("the source marks this value as missing (%(value)s); nothing is stored for it")
BALANCED_ONLY = gettext_noop("all rows are after balancing; export the file again with 'pobór' and 'oddanie'")
NO_SUCH_HOUR = gettext_noop("'%(value)s' does not exist: the clock skips it on this day; remove the line")
ONE_OF_TWO = gettext_noop("'%(value)s' stands once, but the clock shows it twice on this day; deliver both lines")
TOO_OFTEN = gettext_noop("'%(value)s' stands %(count)s times; deliver %(expected)s")
NOT_IN_ORDER = gettext_noop(
    "'%(value)s' comes twice on this day and the order of lines says which is which; put the lines in the order of time"
)
NOT_AN_HOUR_COUNT = gettext_noop("%(day)s has %(expected)s hours, but the line has %(count)s; deliver the whole day")
HEADER_ROW = gettext_noop("the header row %(value)s is missing; deliver the file with it")
NOT_A_VERSION = gettext_noop("'%(value)s' is not a version number such as 1")
NOT_KNOWN_UNIT = gettext_noop("the unit '%(value)s' is not read; deliver kWh")
NOT_CELL = gettext_noop("'%(value)s' is not a value with its flag, such as .300,+")
NOT_JSON = gettext_noop("the file is no complete JSON of this format; download it again")
NOT_EPOCH = gettext_noop("'%(value)s' is not a time in milliseconds since 1970 that begins an hour")
NOT_A_WORKBOOK = gettext_noop("the file is no readable XLSX workbook; save it again as XLSX")
NO_COLUMNS = gettext_noop("nobody has said yet what the columns mean; set the column mapping of this source")
NO_COLUMN = gettext_noop("the column '%(value)s' of the mapping is missing; correct the mapping or the file")
NO_SHEET = gettext_noop("the sheet '%(value)s' of the mapping is missing; correct the mapping or the file")
TOO_MANY_POINTS = gettext_noop("there are more than %(limit)s metering points; deliver them in several files")
OTHER_VALUE = gettext_noop("line %(line)s has another value for %(point)s at this time; leave one of them")
EXPORT_MISSING = gettext_noop(
    "%(point)s has generation, but from %(start)s to %(end)s there is no export; deliver both directions together"
)
IMPORT_MISSING = gettext_noop(
    "from %(start)s to %(end)s there is no import of %(point)s; deliver both directions together"
)
UNKNOWN_NAME = gettext_noop("this is not one of %(options)s")
NEEDS_NUMBER = gettext_noop("this must be a whole number")
NEEDS_TEXT = gettext_noop("this must be text")
CHOOSE = gettext_noop("choose one of %(options)s")
NAME_TIME = gettext_noop("name the column that holds the time")
FROM_ONE = gettext_noop("lines count from 1")
EITHER_OR = gettext_noop("name either this column with its direction, or imported and exported")
NAME_DIRECTION = gettext_noop("name the column that says import or export")
NAME_ENERGY = gettext_noop("name the column that holds the energy")
SAME_WORDS = gettext_noop("import and export need different words")
