"""scikit-learn estimators, a thin face over paths and solvers; the table of coefficients."""

from foldwise.linear.linear_regression import LinearRegression
from foldwise.linear.ridge import Ridge

__all__ = ["LinearRegression", "Ridge"]
