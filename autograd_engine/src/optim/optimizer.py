"""What all optimisers share: groups of parameters, and state that can be saved."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

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
        entries = list(params)
        if not entries:
            raise ValueError(f"{type(self).__name__} was given no parameters")
        if isinstance(entries[0], Mapping):
            for group in entries:
                self.add_param_group(group)
        else:
            self.add_param_group({"params": entries})

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Parameters with options of their own; what is not given is the default."""
        params = group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        unknown = set(group) - set(self.defaults) - {"params", "initial_lr"}
        if unknown:
            raise ValueError(
                f"{type(self).__name__} has no option {sorted(unknown)[0]!r}; "
                f"it has {', '.join(self.defaults)}"
            )
        known = {p for g in self.param_groups for p in g["params"]}
        for i, p in enumerate(params):
            if not isinstance(p, Tensor) or p.grad_fn is not None:
                raise ValueError(
                    f"{type(self).__name__}: parameter {i} is no leaf tensor: {p!r:.60}"
                )
            if p in known:
                raise ValueError(f"{type(self).__name__}: parameter {i} is given twice")
            known.add(p)
        self.param_groups.append({**self.defaults, **group, "params": params})

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients (None), or fill them with 0."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad.data.fill(0)

    def step(self) -> None:
        """Change every parameter once."""
        name = f"{type(self).__name__}.step"
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    state = self.state.setdefault(p, {})
                    self.update(p.data, p.grad.data, state, group)
                    p.mark_written(name)

    def update(
        self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        """Change `p` in place by its gradient `g`, which stays as it is."""
        raise NotImplementedError(f"{type(self).__name__} states no update()")

    def state_dict(self) -> dict[str, Any]:
        """Plain values and copies of arrays; parameters are numbered in order."""
        number = {p: i for i, p in enumerate(self._parameters())}
        state = {
            str(number[p]): {k: np.copy(v) if _is_array(v) else v for k, v in s.items()}
            for p, s in self.state.items()
        }
        groups = [
            {**group, "params": [number[p] for p in group["params"]]}
            for group in self.param_groups
        ]
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from a state of the same groups of parameters."""
        params, groups = self._parameters(), saved["param_groups"]
        sizes = [len(g["params"]) for g in self.param_groups]
        if [len(g["params"]) for g in groups] != sizes:
            raise ValueError(
                f"{type(self).__name__}: the saved state has groups of "
                f"{[len(g['params']) for g in groups]} parameters, this one {sizes}"
            )
        for index, values in saved["state"].items():
            for name, value in values.items():
                shape = params[int(index)].shape
                if _is_array(value) and value.shape != shape:
                    raise ValueError(
                        f"{type(self).__name__}: {name} of parameter {index} has shape "
                        f"{value.shape}, the parameter {shape}"
                    )
        self.state = {
            params[int(i)]: {k: np.copy(v) if _is_array(v) else v for k, v in s.items()}
            for i, s in saved["state"].items()
        }
        for group, old in zip(self.param_groups, groups, strict=True):
            group.update({k: v for k, v in old.items() if k != "params"})

    def _parameters(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]


def check_options(name: str, **options: float) -> None:
    """ValueError for a negative rate, or a decay factor outside of [0, 1)."""
    for option, value in options.items():
        factor = option in ("beta1", "beta2", "alpha")
        if not (0 <= value < 1 if factor else value >= 0):
            allowed = "in [0, 1)" if factor else "0 or more"
            raise ValueError(f"{name}: {option} must be {allowed}, not {value}")


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape")
