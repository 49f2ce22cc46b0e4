"""Level 1: automatic differentiation of single numbers, on the standard library alone.

Read in this order: operators, scalar, autodiff, dot, module, train.
"""

from . import operators
from .autodiff import (
    backpropagate,
    central_difference,
    chain_rule,
    derivative_check,
    topological_order,
)
from .dot import dot
from .module import MLP, Layer, Module, Neuron, Parameter
from .scalar import Scalar, make_node


__all__ = [
    "MLP",
    "Layer",
    "Module",
    "Neuron",
    "Parameter",
    "Scalar",
    "backpropagate",
    "central_difference",
    "chain_rule",
    "derivative_check",
    "dot",
    "make_node",
    "operators",
    "topological_order",
]
