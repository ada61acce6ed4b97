"""What a metering point's generation comes from."""

PHOTOVOLTAICS = "photovoltaics"
NOT_RENEWABLE = "not_renewable"
SOURCES = (PHOTOVOLTAICS, "wind", "hydro", "biogas", "biomass", "other_renewable", NOT_RENEWABLE)
