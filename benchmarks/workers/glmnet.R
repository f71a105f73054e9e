# glmnet: its cv.glmnet, by the protocol of serve.py. It keeps the final model's path only: the folds' are fitted again.
# Its tolerance is of squared changes: 1e-14 is as tight as 1e-7 of changes. standardize = FALSE, because every solver gets the columns as they are.

say <- function(...) { cat(..., "\n", sep = ""); flush(stdout()) }
quoted <- function(text) paste0('"', gsub('[\\\\"\n\t]', " ", text), '"')
number <- function(x) ifelse(is.finite(x), sprintf("%.17g", x), "null")

if (!suppressWarnings(suppressMessages(requireNamespace("glmnet", quietly = TRUE)))) {
  say('{"ok": false, "reason": "R has no package glmnet"}')
  quit(status = 0)
}
suppressMessages(library(glmnet))
say('{"ok": true}')

modes <- list(default = list(), "single path" = list(), tight = list(thresh = 1e-14, maxit = 1e7))
problem <- NULL
warm_ways <- logical(0)  # with folds, or a single path: a slow cross-validation must not keep that from its time

doubles <- function(folder, name, n) readBin(file.path(folder, name), "double", n)
integers <- function(folder, name, n) readBin(file.path(folder, name), "integer", n)

load_problem <- function(folder) {
  shape <- scan(file.path(folder, "shape.txt"), quiet = TRUE)
  n <- shape[1]; p <- shape[2]
  if (shape[3] < 0) {
    X <- matrix(doubles(folder, "X.bin", n * p), n, p)
  } else {
    X <- new("dgCMatrix", i = integers(folder, "indices.bin", shape[3]), p = integers(folder, "indptr.bin", p + 1),
             x = doubles(folder, "data.bin", shape[3]), Dim = as.integer(c(n, p)))
  }
  weights <- if (file.exists(file.path(folder, "weights.bin"))) doubles(folder, "weights.bin", n) else rep(1, n)
  problem <<- list(X = X, y = doubles(folder, "y.bin", n), fold = integers(folder, "labels.bin", n),
                   alphas = doubles(folder, "alphas.bin", shape[4]), weights = weights,
                   family = readLines(file.path(folder, "family.txt")))
  sprintf(', "versions": {"glmnet": "%s", "R": "%s"}', packageVersion("glmnet"), getRversion())
}

cross_validate <- function(mode, alphas) {
  arguments <- list(problem$X, problem$y, lambda = alphas, foldid = problem$fold + 1, standardize = FALSE,
                    family = problem$family, weights = problem$weights)
  suppressWarnings(do.call(cv.glmnet, c(arguments, modes[[mode]])))
}

fit <- function(mode, X, y, weights, alphas = problem$alphas) {
  arguments <- list(X, y, lambda = alphas, standardize = FALSE, family = problem$family, weights = weights)
  suppressWarnings(do.call(glmnet, c(arguments, modes[[mode]])))
}

status <- function(field) {
  lines <- tryCatch(readLines("/proc/self/status"), error = function(e) character(0))
  line <- grep(paste0("^", field, ":"), lines, value = TRUE)
  if (length(line)) 1024 * as.numeric(gsub("[^0-9]", "", line)) else NA
}

run <- function(mode) {
  invisible(gc())
  try(cat("5", file = "/proc/self/clear_refs"), silent = TRUE)
  before <- status("VmRSS")
  start <- Sys.time()
  if (mode == "single path") {
    model <- fit(mode, problem$X, problem$y, problem$weights)
  } else {
    model <- cross_validate(mode, problem$alphas)
  }
  seconds <- as.numeric(difftime(Sys.time(), start, units = "secs"))
  sprintf(', "seconds": %s, "memory": %s, "curve": [%s]', number(seconds), number(status("VmHWM") - before),
          paste(if (mode == "single path") c() else number(model$cvm), collapse = ", "))
}

path <- function(mode, file, folds = "") {
  rows <- !(problem$fold %in% as.integer(strsplit(folds, ",")[[1]]))
  model <- fit(mode, problem$X[rows, , drop = FALSE], problem$y[rows], problem$weights[rows])
  target <- file(file, "wb")
  for (at in seq_along(model$lambda)) writeBin(c(model$a0[at], as.numeric(model$beta[, at])), target)
  close(target)
  sprintf(', "points": %d', length(model$lambda))
}

commands <- file("stdin", "r")
while (length(line <- readLines(commands, n = 1)) > 0) {
  words <- strsplit(line, "\t")[[1]]
  if (words[1] == "quit") break
  facts <- tryCatch(
    switch(words[1],
      load = load_problem(words[2]),
      warm = {
        is_single <- words[2] == "single path"
        if (!(is_single %in% warm_ways)) {
          few <- problem$alphas[seq(1, length(problem$alphas), by = max(1, length(problem$alphas) %/% 20))]
          if (is_single) fit(words[2], problem$X, problem$y, problem$weights, few) else cross_validate(words[2], few)
        }
        warm_ways <- c(warm_ways, is_single)
        ', "threads": "1: it has no threads of its own"'
      },
      run = run(words[2]),
      path = path(words[2], words[3], if (length(words) > 3) words[4] else "")
    ),
    error = function(e) e
  )
  if (inherits(facts, "error")) {
    say('{"ok": false, "reason": ', quoted(conditionMessage(facts)), "}")
  } else {
    say('{"ok": true', facts, "}")
  }
}
