"""The post between regions: written in a transaction, delivered at least once, in effect once."""
