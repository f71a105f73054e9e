"""Files and dataframes -> Design: named columns, units, categories, missing values."""

from foldwise.tables.design import Category, Column, Design
from foldwise.tables.make import make_design
from foldwise.tables.read import read_table
from foldwise.tables.recipe import Recipe

__all__ = ["Category", "Column", "Design", "Recipe", "make_design", "read_table"]
