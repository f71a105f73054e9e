"""scikit-learn's own checks of estimators, for every estimator, with no expected failure."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import foldwise as fw

ESTIMATORS = [fw.LinearRegression(), fw.Ridge(), fw.RidgeCV(), fw.RidgeCV(cv=3)]
ESTIMATORS += [fw.ElasticNet(), fw.Lasso(), fw.ElasticNetCV(), fw.LassoCV()]
ESTIMATORS += [fw.LogisticRegression(), fw.LogisticRegressionCV(Cs=3), fw.PoissonRegressor(), fw.GammaRegressor()]
ESTIMATORS += [fw.PoissonRegressorCV(alphas=3), fw.GammaRegressorCV(alphas=3)]
ESTIMATORS += [fw.TweedieRegressor(power=1.5), fw.TweedieRegressorCV(power=1.5, alphas=3)]
ESTIMATORS += [fw.HuberRegressor(), fw.HuberRegressorCV(alphas=[1.0, 0.1])]
ESTIMATORS += [fw.MultiTaskElasticNet(), fw.MultiTaskElasticNetCV(alphas=3)]


@pytest.mark.filterwarnings("ignore::foldwise.errors.DataWarning")  # the checks use wide and collinear data
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_check(estimator, check):
    check(estimator)
