"""A distributor's tariff books: pages, calendar and API."""
