"""scikit-learn estimators, a thin face over paths and solvers; the table of coefficients."""

from foldwise.linear.coefficients import CoefficientTable, coefficients
from foldwise.linear.elastic_net import ElasticNet, Lasso
from foldwise.linear.elastic_net_cv import ElasticNetCV, LassoCV
from foldwise.linear.linear_regression import LinearRegression
from foldwise.linear.ridge import Ridge
from foldwise.linear.ridge_cv import RidgeCV

__all__ = [
    "CoefficientTable",
    "ElasticNet",
    "ElasticNetCV",
    "Lasso",
    "LassoCV",
    "LinearRegression",
    "Ridge",
    "RidgeCV",
    "coefficients",
]
