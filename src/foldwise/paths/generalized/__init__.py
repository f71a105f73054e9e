"""Penalized generalized linear models for every held-out set, by Newton models that share their curvature."""
