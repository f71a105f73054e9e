"""Measurements of foldwise beside other libraries: same data, same folds, same penalties, one process."""
