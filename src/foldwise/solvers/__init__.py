"""Quadratic problems: the compiled active set, ridge, least squares from rows, duality gaps."""
