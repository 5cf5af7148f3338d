"""Modules made of modules, and of tensors."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, overload

from slopec import random, tracing
from slopec.diagnostics import UsageError
from slopec.nn.module import Module
from slopec.tensor import Tensor


class ModuleList(Module):
    """A list of modules, which are its children `0`, `1` …

    >>> from slopec import nn
    >>> layers = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 1)])
    >>> len(layers), [name for name, _ in layers.named_parameters()][:2]
    (2, ['0.weight', '0.bias'])
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        """Hold `modules`."""
        self.extend(modules or ())

    def append(self, module: Module) -> Self:
        """Put a module at the end; return self."""
        setattr(self, str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Put modules at the end; return self."""
        for module in modules:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> None:
        """Put a module before the one at `index`."""
        modules = list(self)
        modules.insert(index, module)
        for place, one in enumerate(modules):
            setattr(self, str(place), one)

    def __setitem__(self, index: int, module: Module) -> None:
        """Replace the module at `index`."""
        setattr(self, [name for name, _ in self.named_children()][index], module)

    def __iter__(self) -> Iterator[Module]:
        """The modules in order."""
        return (module for _, module in self.named_children())

    def __len__(self) -> int:
        """How many modules there are."""
        return sum(1 for _ in self)

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Module:
        """The module at `index`, or for a slice a container of the same kind."""
        modules = list(self)
        if isinstance(index, slice):
            made = type(self)()
            ModuleList.extend(made, modules[index])
            return made
        return modules[index]


class Sequential(ModuleList):
    """Modules applied one after the other.

    >>> import slopec as sp
    >>> from slopec import nn
    >>> nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))(sp.ones((3, 4))).shape
    (3, 2)
    """

    def __init__(self, *modules: Module | Mapping[str, Module]) -> None:
        """Hold modules, or the named ones of a mapping."""
        for module in modules:
            if isinstance(module, Mapping):
                for name, part in module.items():
                    setattr(self, name, part)
            else:
                self.append(module)

    def forward(self, x: Any, *, key: Any = None) -> Any:
        """Through all modules, in order; with `key`, dropout takes its keys from a stream of it."""
        with random.stream(key):
            for module in self:
                x = module(x)
        return x


class ModuleDict(Module):
    """Modules by name.

    >>> from slopec import nn
    >>> heads = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(2, 1)})
    >>> list(heads), heads["b"]
    (['a', 'b'], Linear(in_features=2, out_features=1, bias=True))
    """

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        """Hold `modules`."""
        self.update(modules or {})

    def update(self, modules: Mapping[str, Module]) -> None:
        """Add or replace modules."""
        for name, module in modules.items():
            self[name] = module

    def __setitem__(self, name: str, module: Module) -> None:
        """Add or replace a module; raises UsageError for the name of a method."""
        if hasattr(type(self), name):
            raise UsageError(
                "S0106", f"ModuleDict: `{name}` is a method's name already", span=tracing.here()
            )
        setattr(self, name, module)

    def __getitem__(self, name: str) -> Module:
        """The module called `name`."""
        return dict(self.named_children())[name]

    def __contains__(self, name: str) -> bool:
        """Whether there is a module called `name`."""
        return name in dict(self.named_children())

    def __iter__(self) -> Iterator[str]:
        """The names in order."""
        return (name for name, _ in self.named_children())

    def __len__(self) -> int:
        """How many modules there are."""
        return sum(1 for _ in self)

    def keys(self) -> list[str]:
        """The names."""
        return list(self)

    def values(self) -> list[Module]:
        """The modules."""
        return [module for _, module in self.named_children()]

    def items(self) -> list[tuple[str, Module]]:
        """The names with their modules."""
        return list(self.named_children())


class ParameterList(Module):
    """A list of tensors, which are its parameters `0`, `1` …

    >>> import slopec as sp
    >>> held = sp.nn.ParameterList([sp.zeros(2), sp.ones(3)])
    >>> len(held), [name for name, _ in held.named_parameters()], held[1].shape
    (2, ['0', '1'], (3,))
    """

    def __init__(self, values: Iterable[Tensor] | None = None) -> None:
        """Hold tensors."""
        self.extend(values or ())

    def append(self, value: Tensor) -> Self:
        """Put a tensor at the end; return self."""
        setattr(self, str(len(self)), value)
        return self

    def extend(self, values: Iterable[Tensor]) -> Self:
        """Put tensors at the end; return self."""
        for value in values:
            self.append(value)
        return self

    def __iter__(self) -> Iterator[Tensor]:
        """The tensors in order."""
        return self.parameters()

    def __len__(self) -> int:
        """How many tensors there are."""
        return sum(1 for _ in self)

    def __getitem__(self, index: int) -> Tensor:
        """The tensor at `index`."""
        return list(self)[index]

    def __setitem__(self, index: int, value: Tensor) -> None:
        """Replace the tensor at `index`."""
        setattr(self, str(range(len(self))[index]), value)


class ParameterDict(Module):
    """Tensors by name.

    >>> import slopec as sp
    >>> held = sp.nn.ParameterDict({"scale": sp.ones(2)})
    >>> "scale" in held, held["scale"].shape
    (True, (2,))
    """

    def __init__(self, parameters: Mapping[str, Tensor] | None = None) -> None:
        """Hold tensors."""
        self.update(parameters or {})

    def update(self, parameters: Mapping[str, Tensor]) -> None:
        """Add or replace tensors."""
        for name, value in parameters.items():
            self[name] = value

    def __setitem__(self, name: str, value: Tensor) -> None:
        """Add or replace a tensor; raises UsageError for the name of a method."""
        if hasattr(type(self), name):
            raise UsageError(
                "S0106", f"ParameterDict: `{name}` is a method's name", span=tracing.here()
            )
        setattr(self, name, value)

    def __getitem__(self, name: str) -> Tensor:
        """The tensor called `name`."""
        return dict(self.named_parameters())[name]

    def __contains__(self, name: str) -> bool:
        """Whether there is a tensor called `name`."""
        return name in dict(self.named_parameters())

    def __iter__(self) -> Iterator[str]:
        """The names in order."""
        return (name for name, _ in self.named_parameters())

    def __len__(self) -> int:
        """How many tensors there are."""
        return sum(1 for _ in self)

    def keys(self) -> list[str]:
        """The names."""
        return list(self)

    def values(self) -> list[Tensor]:
        """The tensors."""
        return list(self.parameters())

    def items(self) -> list[tuple[str, Tensor]]:
        """The names with their tensors."""
        return list(self.named_parameters())
