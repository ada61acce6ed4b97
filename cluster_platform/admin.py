"""Pages of the coordinator's admin that look at all apps."""

from cluster_platform.history_admin import ChangeAdmin

__all__ = ["ChangeAdmin"]
