"""
The cross-validated error, with its band
========================================

The mean over ten folds, one standard error around it, and the two strengths that rules choose.
"""

import foldwise as fw

cars = fw.datasets.auto_mpg().to_pandas().dropna()
columns = [name for name in cars.columns if name != "mpg"]
paths = fw.fit_paths(cars[columns].to_numpy(dtype=float), cars["mpg"].to_numpy(dtype=float), folds=10)
axes = paths.plot_cv()
