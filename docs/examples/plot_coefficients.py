"""
Signed bars
===========

What one standard deviation of a feature does to the prediction, sorted.
"""

from sklearn.datasets import load_diabetes

import foldwise as fw

data = load_diabetes(scaled=False)
model = fw.LassoCV(cv=10, standardize=True, rule="1se").fit(data.data, data.target)
axes = fw.coefficients(model, names=data.feature_names).plot()
