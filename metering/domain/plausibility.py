"""What counts as implausible about the readings of a local day; docs/estimation.md explains each rule.

Powers are in kW, energies of a quarter-hour in Wh: 1 kW for a quarter-hour is 250 Wh.
"""

WH_PER_KW = 250
#: A meter's own error and the rounding of its pulses, before a limit counts as exceeded.
POWER_TOLERANCE = "1.05"
#: Inverters give more than their rating for moments, on cold and bright days.
CAPACITY_TOLERANCE = "1.10"
#: From this multiple of the contracted power on it is more than to know.
FAR_OVER_POWER = "1.20"
#: Less export than this is the meter's noise.
NOISE_WH = 10
#: Six hours of the same value; and a smaller one is a standby that may well be constant.
FROZEN_QUARTER_HOURS = 24
FROZEN_LEAST_WH = 20
#: A spike is so many times the highest value of so many days before, of which most of a week must be known.
SPIKE_FACTOR = 3
SPIKE_DAYS = 28
SPIKE_KNOWN_QUARTER_HOURS = 5 * 96
SPIKE_LEAST_WH = 1000
#: What a station's lines and transformer lose, and who is not in the cluster, as a share of what its members measured.
STATION_TOLERANCE = "0.03"
STATION_FAR = "0.10"
STATION_LEAST_WH = 1000
