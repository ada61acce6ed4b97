"""Pooled residual: everybody on a side pays, or gets, one blended energy price."""

import numpy as np

from clearing.domain.grid import IntArray
from clearing.domain.shares import split_one


def equalisation(
    shortage: IntArray, surplus: IntArray, bought: IntArray, sold: IntArray, price: int, buy: int, sell: int
) -> IntArray:
    """What each point pays (positive) or gets (negative) so that its side shares one blended price, nano-PLN [points].

    shortage, surplus, bought and sold locally in Wh; local price, external buy and sell price in micro-PLN/kWh.
    The buyers' whole cost `p·M + buy·I` is split over them by shortage, the sellers' whole receipt `p·M + sell·E`
    by surplus, to 1e-9 PLN by largest remainder; the amount is the difference to the point's own cost. It sums to
    zero over the buyers and over the sellers.
    """
    own_cost = bought * price + (shortage - bought) * buy
    own_receipt = sold * price + (surplus - sold) * sell
    amount = np.zeros_like(shortage)
    if shortage.any():
        amount += split_one(int(own_cost.sum()), shortage) - own_cost
    if surplus.any():
        amount += own_receipt - split_one(int(own_receipt.sum()), surplus)
    return amount
