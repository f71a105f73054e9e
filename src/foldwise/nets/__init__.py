"""Regularized neural networks for tables: folds, strengths and repeats of a Keras model trained as one batch."""

from foldwise.nets.member import Member
from foldwise.nets.perceptron import perceptron
from foldwise.nets.progress import Standing
from foldwise.nets.train import train
from foldwise.nets.trained import Trained, TrainedMember

__all__ = ["Member", "Standing", "Trained", "TrainedMember", "perceptron", "train"]
