"""One perceptron on the three engines: its loss and the gradient of each parameter.

`parameters` are W1, b1, W2, b2, ...: float64, a weight (inputs, outputs). The last
layer has one output, the logit of class 1; the loss is the mean log loss.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from .. import functional as F
from ..engine import graph
from ..engine.grad_mode import no_grad
from ..engine.tensor import Tensor
from ..look.read_graph import ordered
from ..ops.creation import tensor
from ..scalar import MLP, Scalar, topological_order
from ..scalar.train import mean_log_loss
from ..strided import tensor as strided_tensor


Activation = Literal["relu", "tanh", "sigmoid"]
Parameters = list[np.ndarray]
LEVELS = {1: "1 · scalars", 2: "2 · strided tensors", 3: "3 · the engine"}


def start_parameters(
    hidden: tuple[int, ...], activation: Activation, seed: int
) -> Parameters:
    """Gaussian weights, biases zero; the variance is He's for relu, else 1/inputs."""
    rng, sizes = np.random.default_rng(seed), (2, *hidden, 1)
    gain = 2.0 if activation == "relu" else 1.0
    found = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:], strict=True):
        found.append(rng.normal(size=(fan_in, fan_out)) * np.sqrt(gain / fan_in))
        found.append(np.zeros(fan_out))
    return found


def gradients(
    level: int, parameters: Parameters, activation: Activation, x: Any, y: Any
) -> tuple[float, Parameters]:
    """Forward and backward on one engine: the loss of these points, the gradients."""
    loss, read = BUILD[level](parameters, activation, x, y)
    loss.backward()
    return _value(loss), read()


def graph_size(
    level: int, parameters: Parameters, activation: Activation, x: Any, y: Any
) -> int:
    """Nodes of the graph that a step builds: results of operations, without leaves."""
    loss, _ = BUILD[level](parameters, activation, x, y)
    if isinstance(loss, Scalar):
        return len(topological_order(loss, leaves=False))
    if isinstance(loss, Tensor):
        nodes = graph.topological_order([loss.grad_fn])
        return sum(not isinstance(node, Tensor) for node in nodes)
    nodes = ordered(loss, lambda n: [] if n.history is None else n.history.inputs)
    return sum(node.history is not None for node in nodes)


def logits(parameters: Parameters, activation: Activation, x: np.ndarray) -> np.ndarray:
    """The logit of each point, by the engine; no graph."""
    with no_grad():
        return _forward([tensor(p) for p in parameters], activation, tensor(x)).data[
            :, 0
        ]


def scalar_network(parameters: Parameters, activation: Activation) -> MLP:
    """The perceptron of Scalars with these values."""
    model = MLP(len(parameters[0]), [len(b) for b in parameters[1::2]], activation)
    pairs = zip(parameters[::2], parameters[1::2], strict=True)
    for layer, (weight, bias) in zip(model.layers, pairs, strict=True):
        for neuron, column, b in zip(layer.neurons, weight.T, bias, strict=True):
            neuron.bias.data = float(b)
            for scalar, w in zip(neuron.weights, column.tolist(), strict=True):
                scalar.data = w
    return model


def _scalars(parameters: Parameters, activation: Activation, x: Any, y: Any) -> tuple:
    model = scalar_network(parameters, activation)
    loss = mean_log_loss(model, x.tolist(), y.tolist())

    def read() -> Parameters:
        found = []
        for layer in model.layers:
            neurons = [[w.grad for w in neuron.weights] for neuron in layer.neurons]
            found.append(np.array(neurons).T)
            found.append(np.array([neuron.bias.grad for neuron in layer.neurons]))
        return found

    return loss, read


def _strided(parameters: Parameters, activation: Activation, x: Any, y: Any) -> tuple:
    leaves = [strided_tensor(p, requires_grad=True) for p in parameters]
    out = _forward(leaves, activation, strided_tensor(x))
    loss = (out.softplus() - out * strided_tensor(y[:, None])).mean()
    return loss, lambda: [leaf.grad.numpy() for leaf in leaves]


def _engine(parameters: Parameters, activation: Activation, x: Any, y: Any) -> tuple:
    leaves = [tensor(p, requires_grad=True) for p in parameters]
    out = _forward(leaves, activation, tensor(x))
    target = tensor(y[:, None].astype(float))
    loss = F.binary_cross_entropy_with_logits(out, target)
    return loss, lambda: [leaf.grad.data for leaf in leaves]


BUILD: dict[int, Callable[..., tuple]] = {1: _scalars, 2: _strided, 3: _engine}


def _forward(parameters: list, activation: Activation, out: Any) -> Any:
    """The same lines for tensors of levels 2 and 3."""
    for i in range(0, len(parameters), 2):
        if i:
            out = getattr(out, activation)()
        out = out @ parameters[i] + parameters[i + 1]
    return out


def _value(loss: Any) -> float:
    return loss.data if isinstance(loss, Scalar) else loss.item()
