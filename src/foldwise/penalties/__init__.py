"""Penalties: what a coefficient costs, as value, prox, optimality residual and, where convex, conjugate.

A penalty says what it can do (`is_convex`, `is_separable`), and a solver asks for that, never for a class.
"""

from foldwise.penalties.elastic_net import elastic_net
from foldwise.penalties.groups import Groups
from foldwise.penalties.mcp import mcp
from foldwise.penalties.pieces import Pieces
from foldwise.penalties.scad import scad
from foldwise.penalties.separable import Separable
from foldwise.penalties.sparse_group import SparseGroup

__all__ = ["Groups", "Pieces", "Separable", "SparseGroup", "elastic_net", "mcp", "scad"]
