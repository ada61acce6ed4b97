"""Settling what is due."""

from clearing.services.due import ClusterBusy, Report, clear_due

__all__ = ["ClusterBusy", "Report", "clear_due"]
