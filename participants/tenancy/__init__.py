"""Tenancy: one cluster never sees another. PostgreSQL refuses the rest; this package tells it whose turn it is."""
