"""Modules that hold modules."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .module import Module, Parameter


class Held(Module):
    """What Sequential and ModuleList share: modules numbered from 0."""

    def append(self, module: Module) -> "Held":
        self._hold(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> "Held":
        for module in modules:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> "Held":
        found = list(self)
        found.insert(index, module)
        return self._renew(found)

    def _hold(self, name: str, module: Module) -> None:
        if not isinstance(module, Module):
            owner, kind = type(self).__name__, type(module).__name__
            raise TypeError(f"a {owner} holds modules, not {kind}: {module!r:.60}")
        self.add_module(name, module)

    def _renew(self, modules: Iterable[Module]) -> "Held":
        found = list(modules)
        self._modules.clear()
        return self.extend(found)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)._of(list(self)[index])
        return self._modules[self._key(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        self._hold(self._key(index), module)

    def __delitem__(self, index: int | slice) -> None:
        found = list(self)
        del found[index]
        self._renew(found)

    def _key(self, index: int) -> str:
        keys, place = list(self._modules), index.__index__()
        if not -len(keys) <= place < len(keys):
            owner = type(self).__name__
            raise IndexError(f"{owner}: index {index} of {len(keys)} modules")
        return keys[place]

    @classmethod
    def _of(cls, modules: list[Module]) -> "Held":
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())


class Sequential(Held):
    """Modules called one after the other; a dict gives them names."""

    def __init__(self, *modules: Module | Mapping[str, Module]) -> None:
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            for name, module in modules[0].items():
                self._hold(name, module)
        else:
            self.extend(modules)

    @classmethod
    def _of(cls, modules: list[Module]) -> "Sequential":
        return Sequential(*modules)

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x


class ModuleList(Held):
    """A list whose modules are registered."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        self.extend(modules)

    @classmethod
    def _of(cls, modules: list[Module]) -> "ModuleList":
        return ModuleList(modules)


class ModuleDict(Module):
    """A dict whose modules are registered."""

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        for name, module in (modules or {}).items():
            self[name] = module

    def __getitem__(self, name: str) -> Module:
        return self._modules[name]

    def __setitem__(self, name: str, module: Module) -> None:
        self.add_module(name, module)

    def __contains__(self, name: str) -> bool:
        return name in self._modules

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def items(self) -> Iterable[tuple[str, Module]]:
        return self._modules.items()

    def keys(self) -> Iterable[str]:
        return self._modules.keys()

    def values(self) -> Iterable[Module]:
        return self._modules.values()


class ParameterList(Module):
    """A list whose parameters are registered."""

    def __init__(self, parameters: Iterable[Parameter] = ()) -> None:
        super().__init__()
        for parameter in parameters:
            self.append(parameter)

    def append(self, parameter: Parameter) -> "ParameterList":
        if not isinstance(parameter, Parameter):
            kind = type(parameter).__name__
            raise TypeError(f"a ParameterList holds parameters, not {kind}")
        self.register_parameter(str(len(self)), parameter)
        return self

    def __getitem__(self, index: int) -> Parameter:
        return list(self._parameters.values())[index]

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self._parameters.values())
