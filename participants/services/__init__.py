"""Writes of the participants app, each owning its transaction."""
