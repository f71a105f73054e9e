"""Generalized linear models of tables that do not fit: a few passes for every held-out set and strength at once."""
