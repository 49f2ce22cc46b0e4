"""Scores of a classifier from its confusion matrix."""

import torch
from jaxtyping import Int
from torch import Tensor

from ..utils.contracts import contract


@contract
def confusion_matrix(
    guess: Int[Tensor, " batch"], target: Int[Tensor, " batch"], classes: int
) -> Int[Tensor, "classes classes"]:
    """Counts: row = true class, column = guessed class."""
    index = target * classes + guess
    return torch.bincount(index, minlength=classes**2).view(classes, classes)


@contract
def accuracy(confusion: Int[Tensor, "classes classes"]) -> float:
    """Share of texts on the diagonal; NaN without texts."""
    return (confusion.diagonal().sum() / confusion.sum()).item()


@contract
def f1(confusion: Int[Tensor, "classes classes"]) -> list[float]:
    """2 TP / (2 TP + FP + FN) of each class; NaN where it neither is nor is guessed."""
    hits = 2 * confusion.diagonal()
    return (hits / (confusion.sum(0) + confusion.sum(1))).tolist()


@contract
def macro_f1(confusion: Int[Tensor, "classes classes"]) -> float:
    """Mean of the classes' F1 that are defined; NaN if none is."""
    return torch.tensor(f1(confusion)).nanmean().item()
