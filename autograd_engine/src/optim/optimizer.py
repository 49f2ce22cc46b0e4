"""What all optimisers share: groups of parameters, and state that can be saved."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..engine.backend import array_module
from ..engine.grad_mode import enable_grad
from ..engine.tensor import Tensor


class Optimizer:
    """Changes parameters in place by their `.grad`; one without a gradient stays.

    `params`: tensors, or groups `{"params": [...], "lr": ...}` with own options.
    A subclass states `update(p, g, state, group)`, on arrays, in place.
    """

    def __init__(
        self, params: Iterable[Tensor] | Iterable[Mapping], defaults: dict[str, Any]
    ) -> None:
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[Tensor, dict[str, Any]] = {}
        name = type(self).__name__
        if isinstance(params, (Tensor, Mapping)):
            kind = type(params).__name__
            raise TypeError(
                f"{name} takes a list of parameters or groups, not a {kind}"
            )
        entries = list(params)
        if not entries:
            raise ValueError(f"{name} was given no parameters")
        if isinstance(entries[0], Mapping):
            for group in entries:
                self.add_param_group(group)
        else:
            self.add_param_group({"params": entries})

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Parameters with options of their own; what is not given is the default."""
        name, params = type(self).__name__, group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        unknown = set(group) - set(self.defaults) - {"params", "initial_lr"}
        if unknown:
            raise ValueError(
                f"{name} has no option {sorted(unknown)[0]!r}; "
                f"it has {', '.join(self.defaults)}"
            )
        known = {p for g in self.param_groups for p in g["params"]}
        for i, p in enumerate(params):
            if not isinstance(p, Tensor) or p.grad_fn is not None:
                raise ValueError(f"{name}: parameter {i} is no leaf tensor: {p!r:.60}")
            if p in known:
                raise ValueError(f"{name}: parameter {i} is given twice")
            known.add(p)
        options = {k: v for k, v in {**self.defaults, **group}.items() if k != "params"}
        self.check(options)
        for p in params:
            self.check_parameter(p)
        self.param_groups.append({**options, "params": params})

    def check(self, options: dict[str, Any]) -> None:
        """ValueError for an option of a group that cannot work."""
        check_options(type(self).__name__, options)

    def check_parameter(self, p: Tensor) -> None:
        """ValueError for a parameter that this optimiser is not for."""

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients (None), or fill them with 0."""
        for p in self._parameters():
            if set_to_none:
                p.grad = None
            elif p.grad is not None:
                p.grad.data.fill(0)
                p.grad.mark_written("zero_grad")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter once; `closure` computes the loss and gradients anew.

        Returns what `closure` returned.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        name = f"{type(self).__name__}.step"
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    state = self.state.setdefault(p, {})
                    self.update(p.data, p.grad.data, state, group)
                    p.mark_written(name)
        return loss

    def update(
        self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        """Change `p` in place by its gradient `g`, which stays as it is."""
        raise NotImplementedError(f"{type(self).__name__} states no update()")

    def state_dict(self) -> dict[str, Any]:
        """Plain values and copies of arrays; parameters are numbered in order."""
        number = {p: i for i, p in enumerate(self._parameters())}
        state = {
            str(number[p]): {key: _saved(value) for key, value in s.items()}
            for p, s in self.state.items()
        }
        groups = [
            {**group, "params": [number[p] for p in group["params"]]}
            for group in self.param_groups
        ]
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from a state of the same groups of parameters.

        ValueError where it does not fit; then nothing was changed.
        """
        name, params, groups = type(self).__name__, self._parameters(), []
        sizes = [len(g["params"]) for g in self.param_groups]
        if [len(g["params"]) for g in saved["param_groups"]] != sizes:
            raise ValueError(
                f"{name}: the saved state has groups of "
                f"{[len(g['params']) for g in saved['param_groups']]} parameters, "
                f"this one {sizes}"
            )
        for own, old in zip(self.param_groups, saved["param_groups"], strict=True):
            missing = sorted(set(self.defaults) - set(old))
            if missing:
                raise ValueError(
                    f"{name}: the saved state has no option {missing[0]!r}"
                )
            merged = {**own, **old, "params": own["params"]}
            # A checkpoint has lists where there were tuples.
            tuples = {k: tuple(merged[k]) for k in own if isinstance(own[k], tuple)}
            groups.append(merged | tuples)
        state = {}
        for index, values in saved["state"].items():
            if not 0 <= int(index) < len(params):
                raise ValueError(f"{name}: the saved state has a parameter {index}")
            p = params[int(index)]
            state[p] = {k: _like(name, index, k, v, p) for k, v in values.items()}
        self.state, self.param_groups = state, groups

    def __repr__(self) -> str:
        lines = []
        for group in self.param_groups:
            options = [f"{k}={v}" for k, v in group.items() if k != "params"]
            lines.append(f"  {len(group['params'])} parameters: {', '.join(options)}")
        return "\n".join([f"{type(self).__name__}(", *lines, ")"])

    def _parameters(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]


FACTORS = ("beta1", "beta2", "alpha")
RATES = ("lr", "eps", "weight_decay", "momentum", "lr_decay")


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """ValueError for a negative rate, or a decay factor outside of [0, 1)."""
    flat = dict(options)
    flat |= zip(("beta1", "beta2"), options.get("betas", ()), strict=False)
    for option, value in flat.items():
        if option in FACTORS and not 0 <= value < 1:
            raise ValueError(f"{name}: {option} must be in [0, 1), not {value}")
        if option in RATES and not value >= 0:
            raise ValueError(f"{name}: {option} must be 0 or more, not {value}")


def with_decay(g: np.ndarray, p: np.ndarray, decay: float) -> np.ndarray:
    """g + decay p, fresh; g itself without decay. Of no axes too it is an array."""
    if not decay:
        return g
    out = np.empty_like(g)
    np.multiply(p, decay, out=out)
    out += g
    return out


def _like(name: str, index: Any, key: str, value: Any, p: Tensor) -> Any:
    """A saved value for `p`: a copy of its dtype and on its device."""
    if not _is_array(value):
        return value
    if value.shape != p.shape:
        raise ValueError(
            f"{name}: {key} of parameter {index} has shape {value.shape}, "
            f"the parameter {p.shape}"
        )
    return array_module(p.data).array(value, dtype=p.dtype)


def _saved(value: Any) -> Any:
    """A copy of an array, on the CPU; anything else as it is."""
    if isinstance(value, np.ndarray):
        return value.copy()
    return value.get() if _is_array(value) else value


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape")
