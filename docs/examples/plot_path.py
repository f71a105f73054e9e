"""
The lasso's path
================

The coefficient of every feature at every strength, from nothing to least squares. Features are named where they end.
"""

import numpy as np

import foldwise as fw

cars = fw.datasets.auto_mpg().to_pandas().dropna()
columns = [name for name in cars.columns if name != "mpg"]
paths = fw.fit_paths(cars[columns].to_numpy(dtype=float), cars["mpg"].to_numpy(dtype=float), folds=10)
axes = paths.plot(columns)

# %%
# How many features are in at the strength of the smallest cross-validated error, and one standard error further?
for rule in ("min", "1se"):
    at = paths.choose(rule)
    print(f"{rule}: alpha {paths.alphas[at]:.3f}, {np.count_nonzero(paths.coef[0, at])} of {len(columns)} features")
