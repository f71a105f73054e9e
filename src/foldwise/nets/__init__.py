"""Regularized neural networks for tables: folds, strengths and repeats of a Keras model trained as one batch."""

from foldwise.nets.estimators import NetClassifier, NetRegressor
from foldwise.nets.member import Member
from foldwise.nets.perceptron import perceptron
from foldwise.nets.progress import Standing
from foldwise.nets.search_cv import NetClassifierCV, NetRegressorCV
from foldwise.nets.train import train
from foldwise.nets.trained import Trained, TrainedMember

__all__ = [
    "Member",
    "NetClassifier",
    "NetClassifierCV",
    "NetRegressor",
    "NetRegressorCV",
    "Standing",
    "Trained",
    "TrainedMember",
    "perceptron",
    "train",
]
