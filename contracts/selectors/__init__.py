"""Reads of contracts and of the terms that money is computed from."""

from contracts.selectors.book import tariff_book

__all__ = ["tariff_book"]
