"""The confusion matrix and the ratios that are read from it."""

import numpy as np
from jaxtyping import Float64, Int, Int64
from numpy import ndarray  # as docs/CONTRACTS.md spells it

from ..utils.contracts import contract


@contract
def confusion_matrix(
    predicted: Int[ndarray, " batch"], truth: Int[ndarray, " batch"], classes: int
) -> Int64[ndarray, "{classes} {classes}"]:
    """Counts with a row per true class and a column per predicted one."""
    for name, codes in (("predicted", predicted), ("truth", truth)):
        if len(codes) and not 0 <= codes.min() <= codes.max() < classes:
            raise ValueError(
                f"confusion_matrix: {name} has codes from {codes.min()} to "
                f"{codes.max()}; 0 to {classes - 1} are the {classes} classes"
            )
    places = truth.astype(np.int64) * classes + predicted.astype(np.int64)
    return np.bincount(places, minlength=classes**2).reshape(classes, classes)


@contract
def accuracy(counts: Int[ndarray, "classes classes"]) -> float:
    """Share of the samples on the diagonal; NaN without samples."""
    total = int(counts.sum())
    return int(np.trace(counts)) / total if total else float("nan")


@contract
def precision(counts: Int[ndarray, "classes classes"]) -> Float64[ndarray, " classes"]:
    """Of what was called a class, the share that is; NaN for a class never called."""
    return _ratio(np.diagonal(counts), counts.sum(0))


@contract
def recall(counts: Int[ndarray, "classes classes"]) -> Float64[ndarray, " classes"]:
    """Of a class, the share that was called so; NaN for a class without samples."""
    return _ratio(np.diagonal(counts), counts.sum(1))


def _ratio(part: ndarray, whole: ndarray) -> ndarray:
    undefined = np.full(len(whole), np.nan)
    return np.divide(part, whole, out=undefined, where=whole > 0)
