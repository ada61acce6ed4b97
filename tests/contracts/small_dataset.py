"""A cluster of four members for tests: one day of October 2026, short enough to read, complete enough to load."""

import gzip
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from metering.domain.calendar import day_bounds, format_instant, interval_starts

WARSAW = ZoneInfo("Europe/Warsaw")
DAY = date(2026, 10, 24)
STARTS = interval_starts(*day_bounds(DAY, WARSAW))
POINTS = ("590000000000000013", "590000000000000020", "590000000000000037", "590000000000000044")
DSO = "Example Distribution"

CLUSTER = """\
format = "cluster-dataset/1"

[cluster]
slug = "{slug}"
name = "Small Cluster"
timezone = "Europe/Warsaw"
holidays = "PL"
currency = "PLN"
interval_minutes = 15

[coordinator]
name = "Coordinator sp. z o.o."
nip = "1000158380"
street = "ul. Przykladowa 1"
postcode = "00-001"
city = "Trzystacje"
country = "PL"
iban = "PL88999999990000000000000900"

[dso]
name = "{dso}"
nip = "1000237576"
iban = "PL61999999990000000000000901"

[tax]
vat_rate = "0.23"
excise_pln_kwh = "0.005000"

[standard]
netting = "interval"

[[settings]]
valid_from = "2026-01-01"
allocation = "min_cost"
price_rule = "mid_market"
price_share = "0.5"
residual = "pooled"
dso_settlement = "coordinator"
buyer_fee_pln_kwh = "0.020000"
seller_fee_pln_kwh = "0.000000"
sharing_discount = {{ station = "0.25", cluster = "0.05" }}
"""
GRID_NODES = """\
node,parent,level
CLUSTER,,cluster
ST-1,CLUSTER,station
ST-2,CLUSTER,station
"""
PARTICIPANTS = """\
id,kind,legal_form,name,email,street,postcode,city,country,nip,iban,vat_payer
P0001,consumer,company,Bakery,p1@example.org,ul. A 1,00-001,Trzystacje,PL,1000079195,PL14999999990000000000000001,yes
P0002,prosumer,person,Household Two,p2@example.org,ul. A 2,00-001,Trzystacje,PL,,PL84999999990000000000000002,no
P0003,consumer,person,Household Three,p3@example.org,ul. A 3,00-001,Trzystacje,PL,,PL57999999990000000000000003,no
P0004,consumer,person,"Household Four, ""the mill"" and more",,,,,,,,no
"""
METERING_POINTS = """\
code,participant,role,grid_node,tariff_group,contracted_power_kw,generation_capacity_kw,phases,yearly_use_kwh,\
capacity_factor,valid_from,valid_to
590000000000000013,P0001,member,ST-1,C13,8.0,0.0,3,17940,0.50,2026-01-01,
590000000000000020,P0002,member,ST-1,G11,14.0,11.4,3,1808,1.00,2026-01-01,
590000000000000037,P0003,member,ST-2,G11,14.0,0.0,1,917,1.00,2026-01-01,
590000000000000044,P0004,member,ST-2,G12,4.5,0.0,3,499,1.00,2026-01-01,2026-12-01
"""
CONTRACTS = """\
participant,scheme,valid_from,valid_to
P0001,p2p,2026-01-01,
P0002,p2p,2026-01-01,
P0003,standard,2026-01-01,2026-10-11
P0003,p2p,2026-10-11,
P0004,p2p,2026-01-01,2026-12-01
"""
TARIFF = """\
dso,group,phases,use_from_kwh,use_to_kwh,component,zone,unit,rate_net,local_treatment,valid_from,valid_to
{dso},G11,,,,network_variable,flat,PLN/kWh,0.2464,discounted,2026-01-01,2027-01-01
{dso},G11,,,,network_fixed,,PLN/month,10.86,full,2026-01-01,2027-01-01
{dso},G11,,0,1200,capacity,,PLN/month,10.31,full,2026-01-01,2027-01-01
{dso},G11,,1200,,capacity,,PLN/month,17.18,full,2026-01-01,2027-01-01
{dso},G12,,,,network_variable,day,PLN/kWh,0.2841,discounted,2026-01-01,2027-01-01
{dso},G12,,,,network_variable,night,PLN/kWh,0.0558,discounted,2026-01-01,2027-01-01
{dso},C13,,,,network_variable,morning,PLN/kWh,0.2155,discounted,2026-01-01,2027-01-01
{dso},C13,,,,network_variable,rest,PLN/kWh,0.1527,discounted,2026-01-01,2027-01-01
{dso},C13,,,,network_fixed,,PLN/kW/month,5.73,full,2026-01-01,2027-01-01
{dso},*,,,,quality,flat,PLN/kWh,0.03316,full,2026-01-01,2027-01-01
{dso},*,,,,res,flat,PLN/kWh,0.0073,waived,2026-01-01,2027-01-01
{dso},C13,,,,capacity,capacity_hours,PLN/kWh,0.2194,full,2026-01-01,2027-01-01
"""
TARIFF_ZONES = """\
group,zone,months,day_type,from,to
G12,night,1-12,all,22:00,06:00
G12,night,1-12,all,13:00,15:00
G12,day,1-12,all,06:00,13:00
G12,day,1-12,all,15:00,22:00
C13,morning,10-3,workday,07:00,13:00
C13,morning,4-9,workday,08:00,14:00
C13,rest,1-12,otherwise,,
*,capacity_hours,1-12,workday,07:00,22:00
"""
RETAIL = """\
group,zone,energy_pln_kwh,valid_from,valid_to
G11,flat,0.5020,2026-01-01,2027-01-01
G12,day,0.5447,2026-01-01,2027-01-01
G12,night,0.4146,2026-01-01,2027-01-01
C13,morning,0.6000,2026-01-01,2027-01-01
C13,rest,0.5600,2026-01-01,2027-01-01
"""
STANDARD_SALE = """\
legal_form,month,pln_mwh,factor
person,2026-10,196.88,1.23
company,2026-10,196.88,1.00
"""


def small_dataset(slug: str = "small", dso: str = DSO) -> dict[str, str]:
    """The folder's files by name, readings of 96 quarter-hours included."""
    prices = [f"{format_instant(at)},{440 + n}.50,{330 + n}.25" for n, at in enumerate(STARTS)]
    return {
        "cluster.toml": CLUSTER.format(slug=slug, dso=dso),
        "grid_nodes.csv": GRID_NODES,
        "participants.csv": PARTICIPANTS,
        "metering_points.csv": METERING_POINTS,
        "contracts.csv": CONTRACTS,
        "tariff.csv": TARIFF.format(dso=dso),
        "tariff_zones.csv": TARIFF_ZONES,
        "retail.csv": RETAIL,
        "standard_sale.csv": STANDARD_SALE,
        "external_prices.csv": "\n".join(["interval_start,buy_pln_mwh,sell_pln_mwh", *prices, ""]),
        "readings-2026-10.csv": readings(),
    }


def readings() -> str:
    """Readings of every point: imports that grow over the day, and a plant at the second point."""
    lines = ["metering_point,interval_start,imported_wh,exported_wh,quality"]
    for place, code in enumerate(POINTS):
        for n, at in enumerate(STARTS):
            exported = 900 if place == 1 and 40 <= n < 60 else 0
            lines.append(f"{code},{format_instant(at)},{0 if exported else 100 * place + n},{exported},measured")
    return "\n".join([*lines, ""])


def write(files: dict[str, str], folder: Path) -> Path:
    """Writes the files; names that end in .gz are gzipped."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        data = text.encode()
        (folder / name).write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
    return folder


def changed(files: dict[str, str], name: str, old: str, new: str) -> dict[str, str]:
    """The files with one text in one of them replaced, which must be there once."""
    assert files[name].count(old) == 1, f"{old!r} is {files[name].count(old)} times in {name}"
    return files | {name: files[name].replace(old, new)}
