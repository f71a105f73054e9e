"""scikit-learn estimators, a thin face over paths and solvers; the table of coefficients."""

from foldwise.linear.coefficients import CoefficientTable, coefficients
from foldwise.linear.cox import CoxRegressor, CoxRegressorCV
from foldwise.linear.elastic_net import ElasticNet, Lasso
from foldwise.linear.elastic_net_cv import ElasticNetCV, LassoCV
from foldwise.linear.gamma import GammaRegressor, GammaRegressorCV
from foldwise.linear.huber import HuberRegressor, HuberRegressorCV
from foldwise.linear.linear_regression import LinearRegression
from foldwise.linear.logistic import LogisticRegression
from foldwise.linear.logistic_cv import LogisticRegressionCV
from foldwise.linear.multi_task import MultiTaskElasticNet, MultiTaskElasticNetCV
from foldwise.linear.poisson import PoissonRegressor, PoissonRegressorCV
from foldwise.linear.ridge import Ridge
from foldwise.linear.ridge_cv import RidgeCV
from foldwise.linear.tweedie import TweedieRegressor, TweedieRegressorCV

__all__ = [
    "CoefficientTable",
    "CoxRegressor",
    "CoxRegressorCV",
    "ElasticNet",
    "ElasticNetCV",
    "GammaRegressor",
    "GammaRegressorCV",
    "HuberRegressor",
    "HuberRegressorCV",
    "Lasso",
    "LassoCV",
    "LinearRegression",
    "LogisticRegression",
    "LogisticRegressionCV",
    "MultiTaskElasticNet",
    "MultiTaskElasticNetCV",
    "PoissonRegressor",
    "PoissonRegressorCV",
    "Ridge",
    "RidgeCV",
    "TweedieRegressor",
    "TweedieRegressorCV",
    "coefficients",
]
