"""Numbers for whoever watches the gateway, in the format of Prometheus: none is of a person."""
