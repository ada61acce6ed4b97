"""Pages of the coordinator's admin about money that moves."""
