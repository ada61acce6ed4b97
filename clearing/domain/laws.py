"""The laws that every finished interval obeys, to the last watt-hour and nano-PLN."""

import numpy as np

from clearing.domain.errors import LawBroken
from clearing.domain.result import Cleared, ExternalPrices
from clearing.domain.shares import group_sums


def check_laws(result: Cleared, prices: ExternalPrices, least_cost: int) -> None:
    """Raise LawBroken naming the law; `least_cost` is the optimum that the solver proved, nano-PLN."""
    net, trades, points = result.net_wh, result.trades, len(result.net_wh)
    buyers, sellers = net < 0, net > 0
    price = result.local_price if result.local_price is not None else 0
    paid = int((result.local_bought * price + result.external_bought * prices.buy + result.equalisation)[buyers].sum())
    got = int((result.local_sold * price + result.external_sold * prices.sell - result.equalisation)[sellers].sum())
    outside = prices.buy * result.external_import_wh - prices.sell * result.external_export_wh
    bought, sold = result.local_bought, result.local_sold
    laws = {
        "local bought + external bought = shortage": (bought + result.external_bought == np.maximum(-net, 0)).all(),
        "local sold + external sold = surplus": (sold + result.external_sold == np.maximum(net, 0)).all(),
        "no amount is negative": min(
            bought.min(initial=0),
            sold.min(initial=0),
            result.external_bought.min(initial=0),
            result.external_sold.min(initial=0),
            trades.wh.min(initial=1) - 1,
        )
        >= 0,
        "local bought = matched": bought.sum() == result.matched_wh,
        "local sold = matched": sold.sum() == result.matched_wh,
        "trades = local bought": (group_sums(trades.wh, trades.buyer, points) == bought).all(),
        "trades = local sold": (group_sums(trades.wh, trades.seller, points) == sold).all(),
        "floor <= price <= cap": result.local_price is None
        or result.inverted
        or prices.sell <= result.local_price <= prices.buy,
        "equalisation of the buyers = 0": result.equalisation[buyers].sum() == 0,
        "equalisation of the sellers = 0": result.equalisation[sellers].sum() == 0,
        "equalisation of the others = 0": not result.equalisation[net == 0].any(),
        "paid by buyers = received by sellers + external purchase - external sale": paid == got + outside,
        "cost = least cost": result.operating_cost == least_cost,
    }
    broken = [law for law, holds in laws.items() if not holds]
    if broken:
        raise LawBroken("; ".join(broken))
