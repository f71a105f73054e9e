"""Regularized neural networks for tables: folds, strengths and repeats of a Keras model trained as one batch."""

from foldwise.nets.benchmark import Benchmark, benchmark
from foldwise.nets.dealt import Dealt
from foldwise.nets.estimators import NetClassifier, NetRegressor
from foldwise.nets.member import Member
from foldwise.nets.perceptron import perceptron
from foldwise.nets.progress import Standing
from foldwise.nets.prune import Pruned
from foldwise.nets.search_cv import NetClassifierCV, NetRegressorCV
from foldwise.nets.survival import InputPath, input_path
from foldwise.nets.train import train
from foldwise.nets.trained import Trained, TrainedMember
from foldwise.nets.variance import VarianceSplit

__all__ = [
    "Benchmark",
    "Dealt",
    "InputPath",
    "Member",
    "NetClassifier",
    "NetClassifierCV",
    "NetRegressor",
    "NetRegressorCV",
    "Pruned",
    "Standing",
    "Trained",
    "TrainedMember",
    "VarianceSplit",
    "benchmark",
    "input_path",
    "perceptron",
    "train",
]
