"""What the pages show, read from the apps' models; every function takes the same number of queries for any size."""
