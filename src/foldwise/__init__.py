"""foldwise: which regularization, how strong, which features survive, and how sure are we?

Public names are imported when first used, so that `import foldwise` and `foldwise --help` stay light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foldwise import datasets as datasets
    from foldwise import nets as nets
    from foldwise.linear import CoxRegressor as CoxRegressor
    from foldwise.linear import CoxRegressorCV as CoxRegressorCV
    from foldwise.linear import ElasticNet as ElasticNet
    from foldwise.linear import ElasticNetCV as ElasticNetCV
    from foldwise.linear import GammaRegressor as GammaRegressor
    from foldwise.linear import GammaRegressorCV as GammaRegressorCV
    from foldwise.linear import HuberRegressor as HuberRegressor
    from foldwise.linear import HuberRegressorCV as HuberRegressorCV
    from foldwise.linear import Lasso as Lasso
    from foldwise.linear import LassoCV as LassoCV
    from foldwise.linear import LinearRegression as LinearRegression
    from foldwise.linear import LogisticRegression as LogisticRegression
    from foldwise.linear import LogisticRegressionCV as LogisticRegressionCV
    from foldwise.linear import MultiTaskElasticNet as MultiTaskElasticNet
    from foldwise.linear import MultiTaskElasticNetCV as MultiTaskElasticNetCV
    from foldwise.linear import PoissonRegressor as PoissonRegressor
    from foldwise.linear import PoissonRegressorCV as PoissonRegressorCV
    from foldwise.linear import Ridge as Ridge
    from foldwise.linear import RidgeCV as RidgeCV
    from foldwise.linear import TweedieRegressor as TweedieRegressor
    from foldwise.linear import TweedieRegressorCV as TweedieRegressorCV
    from foldwise.linear import coefficients as coefficients
    from foldwise.moments import FoldMoments as FoldMoments
    from foldwise.nets import NetClassifier as NetClassifier
    from foldwise.nets import NetClassifierCV as NetClassifierCV
    from foldwise.nets import NetRegressor as NetRegressor
    from foldwise.nets import NetRegressorCV as NetRegressorCV
    from foldwise.paths import Paths as Paths
    from foldwise.paths import RowStream as RowStream
    from foldwise.paths import fit_paths as fit_paths
    from foldwise.resampling import Folds as Folds
    from foldwise.study import Comparison as Comparison
    from foldwise.study.compare import compare as compare

__version__ = "0.1.0"

_ROOMS = {
    "linear": (
        "LinearRegression",
        "Ridge",
        "RidgeCV",
        "Lasso",
        "LassoCV",
        "ElasticNet",
        "ElasticNetCV",
        "LogisticRegression",
        "LogisticRegressionCV",
        "PoissonRegressor",
        "PoissonRegressorCV",
        "GammaRegressor",
        "GammaRegressorCV",
        "TweedieRegressor",
        "TweedieRegressorCV",
        "HuberRegressor",
        "HuberRegressorCV",
        "MultiTaskElasticNet",
        "MultiTaskElasticNetCV",
        "CoxRegressor",
        "CoxRegressorCV",
        "coefficients",
    ),
    "moments": ("FoldMoments",),
    "nets": ("NetClassifier", "NetClassifierCV", "NetRegressor", "NetRegressorCV"),
    "paths": ("Paths", "RowStream", "fit_paths"),
    "resampling": ("Folds",),
    "study": ("Comparison", "compare"),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

_MODULES = ("datasets", "nets")

__all__ = [*_ROOM_OF, *_MODULES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"foldwise.{name}")
    if name in _ROOM_OF:
        return getattr(import_module(f"foldwise.{_ROOM_OF[name]}"), name)
    message = f"module 'foldwise' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
