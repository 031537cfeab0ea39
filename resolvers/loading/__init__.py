"""Loading: line lists of any form into the regions' stores, by a mapping (`epigate load`)."""
