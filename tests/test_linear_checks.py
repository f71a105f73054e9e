"""scikit-learn's own checks of estimators, for every estimator, with no expected failure."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import foldwise as fw

ESTIMATORS = [fw.LinearRegression(), fw.Ridge(), fw.RidgeCV(), fw.RidgeCV(cv=3)]
ESTIMATORS += [fw.ElasticNet(), fw.Lasso(), fw.ElasticNetCV(), fw.LassoCV()]


@pytest.mark.filterwarnings("ignore::foldwise.errors.DataWarning")  # the checks use wide and collinear data
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_check(estimator, check):
    check(estimator)
