"""scikit-learn's own checks of estimators, for every estimator, with no expected failure."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import foldwise as fw


@pytest.mark.filterwarnings("ignore::foldwise.errors.DataWarning")  # the checks use wide and collinear data
@parametrize_with_checks([fw.LinearRegression(), fw.Ridge()])
def test_scikit_learn_check(estimator, check):
    check(estimator)
