"""What readers and checks of tariff books find, as they word it (see fault_words).

A part whose name begins with `said_` is itself one of these and told in the reader's language, too.
"""

from django.utils.translation import gettext_noop as said

FINDINGS = (
    # Reading the files
    said("there is also %(file)s; send one of them"),
    said("this is no table of a tariff book; the columns of the rates are %(columns)s"),
    said("the table of rates is missing; send tariff.csv or a workbook with a sheet 'tariff'"),
    said("'%(unit)s': rates are per kWh; divide the rate by 1000 and give PLN/kWh"),
    said("the spreadsheet made a day of it; format the cell as text and write the months again"),
    said("the formula has no value; open and save the file in a spreadsheet program, or write the value"),
    said("this is no workbook that can be read; save it as .xlsx"),
    said("this is no valid CSV: %(why)s"),
    said("the file is empty"),
    said("the file is too large when unpacked; a tariff book is smaller"),
    said("the file has more than %(most)s rows; a tariff book is shorter"),
    said("the sheet has more than %(most)s rows; a tariff book is shorter"),
    said("'%(owner)s' is not the distributor '%(dso)s', whose book this is"),
    said("'%(value)s' is not a range of months such as 1-12 or 10-3"),
    said("'%(value)s' is not a time of day in quarter-hours from 00:00 to 24:00"),
    said("'%(level)s' is no name of a level"),
    said("the book has no rates"),
    said("overlap: this is the same as line %(line)s; remove one"),
    said("the book has no rate of group '%(group)s'"),
    # Zones
    said("zone '%(zone)s' of * is also a group's own zone; use another name"),
    said("zone 'flat' is always and takes no row; remove it or rename the zone"),
    said("day type '%(value)s' is not one of %(options)s"),
    said("zones of * are surcharges and can't be 'otherwise'"),
    said("an 'otherwise' row takes no times; leave from and to empty"),
    said("from and to are missing; give 00:00 and 24:00 for whole days"),
    said("from and to leave no time between; give 00:00 and 24:00 for whole days"),
    said("zones of group %(group)s: %(said_what)s (months %(months)s)"),
    said("gap at %(start)s to %(end)s on workdays: no zone applies"),
    said("gap at %(start)s to %(end)s on free days: no zone applies"),
    said("overlap at %(start)s to %(end)s on workdays: two rows apply"),
    said("overlap at %(start)s to %(end)s on free days: two rows apply"),
    said("several 'otherwise' rows"),
    # Rates
    said("unit '%(unit)s' is not one of %(options)s"),
    said("local treatment '%(value)s' is not one of %(options)s"),
    said("a monthly rate can only be 'full': it has no local part"),
    said("a rate per kWh needs a zone; give 'flat' if it is always the same"),
    said("a monthly rate has no zone; leave it empty"),
    said("a rate can't be negative"),
    said("valid_to must lie after valid_from; it is exclusive"),
    said("use_to_kwh must be greater than use_from_kwh; it is exclusive"),
    said("group %(group)s has no zone '%(zone)s'; known are %(known)s"),
    said("component '%(component)s' of group %(group)s is also priced for *; remove one of them"),
    said("component '%(component)s' of group %(group)s in zone %(zone)s: %(said_what)s from %(start)s to %(said_end)s"),
    said("component '%(component)s' of group %(group)s: %(said_what)s from %(start)s to %(said_end)s"),
    said("the end"),
    said("gap, no rate (give rate 0 if nothing is charged)"),
    said("gap, no rate for a yearly use of %(low)s to %(high)s kWh (give rate 0 if nothing is charged)"),
    said("gap, no rate for a yearly use of %(low)s kWh and more"),
    said("overlap, two rates apply to a yearly use of %(use)s kWh"),
    said("overlap, two rates apply"),
    said("component '%(component)s' of group %(group)s is priced in zone %(first)s but not in zone %(zone)s; add it"),
    said("component '%(component)s' of group %(group)s is priced both flat and in zones; use one of them"),
    said("component '%(component)s' of group %(group)s names other phases in zone %(zone)s than in %(first)s"),
    said(
        "component '%(component)s' is '%(value)s' here and 'hourly' in other rows of the same days; a component is "
        "relieved by one rule only, by the trade or by the hour"
    ),
    # What must be there
    said("group %(group)s has no component '%(component)s'; add it (give rate 0 if nothing is charged)"),
    said("gap: no rate from %(start)s, the first day of the book, to %(end)s"),
    said("group %(group)s, which points in %(cluster)s have, has no rate on %(day)s; add it"),
    said(
        "component '%(component)s' of group %(group)s has no rate for %(phases)s phases, which points in %(cluster)s "
        "have; add it"
    ),
    said("%(cluster)s: level '%(level)s' of the grid has no sharing discount; add one"),
    said("%(cluster)s: the sharing discount of level '%(level)s' is %(value)s; it must lie between 0 and 1"),
    said(
        "%(cluster)s: the sharing discount grows with distance: %(one)s at '%(near)s', %(other)s at '%(far)s' above "
        "it; make that of '%(again)s' at least as large"
    ),
    # What is unlikely
    said("component '%(component)s' of group %(group)s is missing; the book so far has it (give rate 0 if it ended)"),
    said("group %(group)s of the book so far is missing; is it given up?"),
    said("%(what)s: %(rate)s %(unit)s is a lot; is it a rate per MWh? Divide it by 1000"),
    said("%(what)s: the unit was %(old)s and is %(new)s now; check both"),
    said("%(what)s: from %(old)s to %(new)s %(unit)s: nothing was charged so far; check it"),
    said(
        "%(what)s: from %(old)s to %(new)s %(unit)s: about %(factor)s times as much; is it another unit, such as "
        "per MWh?"
    ),
    said("%(what)s: from %(old)s to %(new)s %(unit)s: about a %(factor)sth of it; is it another unit?"),
    said("%(what)s: from %(old)s to %(new)s %(unit)s: %(percent)s; check it"),
    said("component '%(component)s' is priced for the other groups but not for %(group)s; is it missing?"),
)
