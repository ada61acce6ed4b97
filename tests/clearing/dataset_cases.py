"""A small dataset whose sixteen quarter-hours reach over a local midnight at which a member joins."""

import random
from datetime import UTC, datetime
from pathlib import Path

from clearing.package.source import Source
from contracts.dataset.folder import read_dataset
from metering.domain.calendar import format_instant, interval_starts
from tests.clearing.package_cases import QUARTER, seal, write_settled

SLUG = "small-cluster"
START = datetime(2026, 6, 15, 20, 0, tzinfo=UTC)
END = START + QUARTER * 16

CLUSTER = """\
format = "cluster-dataset/1"

[cluster]
slug = "small-cluster"
name = "Small Cluster"
timezone = "Europe/Warsaw"
holidays = "PL"
currency = "PLN"
interval_minutes = 15

[coordinator]
name = "Coordinator"
nip = "1000158380"
street = "ul. Przykladowa 1"
postcode = "00-001"
city = "Miasto"
country = "PL"
iban = "PL88999999990000000000000900"

[dso]
name = "Example Distribution"
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
sharing_discount = { station = "0.25", substation = "0.15", cluster = "0.05" }
"""
NODES = """\
node,parent,level
CLUSTER,,cluster
GPZ-A,CLUSTER,substation
ST-1,GPZ-A,station
ST-2,GPZ-A,station
ST-3,CLUSTER,station
"""
YEAR = "2026-01-01,2027-01-01"
TARIFF = f"""\
dso,group,phases,use_from_kwh,use_to_kwh,component,zone,unit,rate_net,local_treatment,valid_from,valid_to
Example Distribution,G11,,,,network_variable,flat,PLN/kWh,0.2464,discounted,{YEAR}
Example Distribution,G12,,,,network_variable,day,PLN/kWh,0.2841,discounted,{YEAR}
Example Distribution,G12,,,,network_variable,night,PLN/kWh,0.0558,discounted,{YEAR}
Example Distribution,*,,,,quality,flat,PLN/kWh,0.03316,full,{YEAR}
Example Distribution,*,,,,res,flat,PLN/kWh,0.00730,waived,{YEAR}
Example Distribution,G12,,,,capacity,evening,PLN/kWh,0.2194,full,{YEAR}
"""
ZONES = """\
group,zone,months,day_type,from,to
G12,night,1-12,all,23:00,06:00
G12,day,1-12,all,06:00,23:00
*,evening,1-12,workday,07:00,23:30
"""
RETAIL = f"""\
group,zone,energy_pln_kwh,valid_from,valid_to
G11,flat,0.5020,{YEAR}
G12,day,0.5447,{YEAR}
G12,night,0.4146,{YEAR}
"""
SALE = "legal_form,month,pln_mwh,factor\nperson,2026-06,138.85,1.23\n"


def gsrn(number: int) -> str:
    """An 18-digit code with its check digit."""
    body = f"59{number:015d}"
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(body))
    return body + str((10 - total % 10) % 10)


def write_dataset(folder: Path, seed: int = 1, members: int = 9) -> None:
    """The folder; member 1 joins on 16 June, member 2 stays with the standard mechanism."""
    rng = random.Random(seed)
    numbers = range(1, members + 1)
    codes = {number: gsrn(number) for number in numbers}
    starts = [format_instant(start) for start in interval_starts(START, END)]
    participants = ["id,kind,legal_form,name,email,street,postcode,city,country,nip,iban,vat_payer"]
    points = [
        "code,participant,role,grid_node,tariff_group,contracted_power_kw,generation_capacity_kw,phases,"
        "yearly_use_kwh,capacity_factor,valid_from,valid_to"
    ]
    contracts = ["participant,scheme,valid_from,valid_to"]
    readings = ["metering_point,interval_start,imported_wh,exported_wh,quality"]
    for number in numbers:
        who = f"P{number}"
        participants.append(f"{who},prosumer,person,Household {number},p{number}@example.org,,,,,,,no")
        node, group = rng.choice(["ST-1", "ST-2", "ST-3", "GPZ-A"]), rng.choice(["G11", "G12"])
        points.append(f"{codes[number]},{who},member,{node},{group},14.0,5.0,3,2000,0.50,2026-01-01,")
        day = "2026-06-16" if number == 1 else "2026-01-01"
        contracts.append(f"{who},{'standard' if number == 2 else 'p2p'},{day},")
        for start in starts:
            imported, exported = rng.choice([(rng.randint(1, 900), 0), (rng.randint(1, 50), rng.randint(100, 900))])
            readings.append(f"{codes[number]},{start},{imported},{exported},measured")
    prices = ["interval_start,buy_pln_mwh,sell_pln_mwh"]
    for start in starts:
        index = rng.randint(-100, 600)
        prices.append(f"{start},{index + 110}.25,{index}.00")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("cluster.toml", CLUSTER), ("grid_nodes.csv", NODES), ("tariff.csv", TARIFF)):
        (folder / name).write_text(text)
    for name, text in (("tariff_zones.csv", ZONES), ("retail.csv", RETAIL), ("standard_sale.csv", SALE)):
        (folder / name).write_text(text)
    for name, lines in (
        ("participants.csv", participants),
        ("metering_points.csv", points),
        ("contracts.csv", contracts),
        ("readings.csv", readings),
        ("external_prices.csv", prices),
    ):
        (folder / name).write_text("\n".join(lines) + "\n")


def write_package_of(dataset: Path, folder: Path) -> None:
    """The package that the engine makes of the dataset."""
    source = Source(read_dataset(dataset), START, END)
    starts = interval_starts(START, END)
    write_settled(folder, {format_instant(start): source.inputs(start).settle() for start in starts})
    seal(folder, SLUG, START, END)
