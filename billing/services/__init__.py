"""What billing writes, each in its own transaction."""
