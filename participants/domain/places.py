"""Where clusters lie, in degrees of latitude (north) and longitude (east)."""

from decimal import Decimal

#: The geometric centre of Poland, for clusters that do not say where they are: at most 5 degrees off in the country.
CENTRE_OF_POLAND = (Decimal("52.0693"), Decimal("19.4803"))
