# Processor time a point of the package surveillance, for bench/detect_r.py.
# Reads series as columns of a CSV file, writes method, points and seconds as lines.
suppressMessages(library(surveillance))
given <- commandArgs(trailingOnly = TRUE)
counts <- as.matrix(read.csv(given[1]))
points <- as.integer(given[2])
range <- (nrow(counts) - points + 1):nrow(counts)
timed <- function(name, run, columns = seq_len(ncol(counts))) {
  series <- lapply(columns, function(i) sts(counts[, i], frequency = 52, start = c(2001, 1)))
  spent <- system.time(for (one in series) suppressWarnings(suppressMessages(run(one))))
  cat(name, length(columns) * points, spent[["user.self"]] + spent[["sys.self"]], sep = "\t")
  cat("\n")
}
ears <- function(method) function(s) earsC(s, control = list(range = range, method = method, baseline = 7))
timed("EARS C1", ears("C1"))
timed("EARS C2", ears("C2"))
timed("historical limits", function(s)
  algo.cdc(sts2disProg(s), control = list(range = range, b = 5, m = 1, alpha = 0.025)))
few <- seq_len(max(1, ncol(counts) %/% 8))
timed("Farrington", function(s) capture.output(
  farrington(s, control = list(range = range, b = 5, w = 3, reweight = TRUE, alpha = 0.05))), few)
timed("Farrington Flexible", function(s) capture.output(
  farringtonFlexible(s, control = list(
    range = range, b = 5, w = 3, reweight = TRUE, weightsThreshold = 2.58, trend = TRUE,
    pThresholdTrend = 1, noPeriods = 10, pastWeeksNotIncluded = 26, alpha = 0.005,
    thresholdMethod = "muan", glmWarnings = FALSE))), few)
