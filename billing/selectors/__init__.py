"""Reads of billing: the terms of a month, the month's sums, and its statements."""
