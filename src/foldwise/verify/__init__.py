"""Recomputing a report's numbers from the table by scikit-learn and plain formulas: none of the code that made them."""

from foldwise.verify.checks import Check, Verification
from foldwise.verify.run import verify

__all__ = ["Check", "Verification", "verify"]
