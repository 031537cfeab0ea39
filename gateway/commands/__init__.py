"""The commands of `epigate`, one module each, registered in `gateway.cli`."""
