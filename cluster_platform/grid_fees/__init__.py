"""What a distributor sees of its grid fees: pages and REST."""
