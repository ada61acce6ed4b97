"""Reads of the participants app."""
