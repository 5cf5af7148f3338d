"""A module is a pytree with a `forward`: tensors are its leaves, everything else is its shape.

Attributes that are tensors or modules, or lists, tuples and dicts with such inside, are children;
other attributes (numbers, strings, functions, NumPy arrays) are static: they take part in the
pytree's structure, are compared with `==`, and are constants of compiled programs.

Transforms see a module as its tensors, and give the function a copy to work with. What `forward`
assigns to attributes (batch norm does, to its running statistics) changes that copy alone; a
function that wants to keep it returns the module:

>>> import slopec as sp
>>> from slopec import nn
>>> norm = nn.BatchNorm1d(2)
>>> def loss(norm, x):
...     return (norm(x) * x).sum(), norm
>>> x = sp.tensor([[1.0, 0.0], [3.0, 0.0]])
>>> (value, norm), slope = sp.value_and_grad(loss, has_aux=True)(norm, x)
>>> print(norm.running_mean)
tensor([0.2 0. ], float32[2], cpu)
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from slopec import trace, tree
from slopec.diagnostics import TraceError, UsageError, did_you_mean
from slopec.tensor import Tensor


def _holds_data(value: Any) -> bool:
    """Whether an attribute is a child rather than static."""
    if isinstance(value, Tensor | Module):
        return True
    if isinstance(value, list | tuple):
        return any(_holds_data(item) for item in value)
    return isinstance(value, dict) and any(_holds_data(item) for item in value.values())


def _same(a: Any, b: Any) -> bool:
    """Equality that looks into lists and dicts and compares arrays as constants."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return bool(a.dtype == b.dtype) and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    return bool(a == b)


@dataclass(frozen=True, eq=False)
class Layout:
    """What a module is besides its tensors: its class, its children's names, its constants."""

    cls: type["Module"]
    children: tuple[str, ...]
    buffers: frozenset[str]
    frozen: frozenset[str]
    static: Mapping[str, Any]

    @property
    def fixed(self) -> frozenset[str]:
        """The children that are not trained."""
        return self.buffers | self.frozen

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Layout) and _same(vars(self), vars(other))

    def __hash__(self) -> int:
        return hash((self.cls, self.children, self.buffers, self.frozen))


class Module:
    """A layer or model; subclasses assign children in `__init__` and define `forward`.

    A tensor stands for one leaf: two attributes with the same tensor are two leaves, which train
    apart. To tie weights, keep one and use it twice in `forward`.

    >>> import slopec as sp
    >>> from slopec import nn
    >>> class MLP(nn.Module):
    ...     def __init__(self):
    ...         self.fc1 = nn.Linear(4, 8)
    ...         self.fc2 = nn.Linear(8, 2)
    ...     def forward(self, x):
    ...         return self.fc2(nn.functional.relu(self.fc1(x)))
    >>> model = MLP()
    >>> model(sp.ones((3, 4))).shape, model.num_parameters
    ((3, 2), 58)
    >>> [name for name, _ in model.named_parameters()]
    ['fc1.weight', 'fc1.bias', 'fc2.weight', 'fc2.bias']
    """

    training: bool = True
    _children: tuple[str, ...] = ()
    _buffers: frozenset[str] = frozenset()
    _frozen: frozenset[str] = frozenset()
    _own: ClassVar[frozenset[str]] = frozenset(("training", "_children", "_buffers", "_frozen"))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; subclasses define it."""
        raise UsageError(
            "S0106",
            f"{type(self).__name__} has no forward",
            span=trace.here(),
            hint="define `def forward(self, x): …` in the class",
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run `forward`."""
        return self.forward(*args, **kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        """Assign an attribute; within a trace, not to a module that comes from outside."""
        if isinstance(value, Tensor) and value.device == "traced":
            old = vars(self).get(name)
            if isinstance(old, Tensor) and old.device != "traced":
                raise _would_leak(self, name)
        super().__setattr__(name, value)

    # --- children ---

    def _items(self) -> list[tuple[str, Any]]:
        """The attributes that are children, by name."""
        return [
            (name, value)
            for name, value in vars(self).items()
            if name in self._children or _holds_data(value)
        ]

    def _parts(self, kind: type) -> Iterator[tuple[str, str, Any]]:
        """(attribute, dotted name, part) of the modules, or of the tensors, next below."""
        for attribute, value in self._items():
            parts, treedef = tree.flatten(value, is_leaf=_is_module)
            for path, part in zip(treedef.paths(attribute), parts, strict=True):
                if isinstance(part, kind):
                    yield attribute, path, part

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        """(name, module) of the modules directly below."""
        for _, path, module in self._parts(Module):
            yield path, module

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, "Module"]]:
        """(dotted name, module) of this module, named `prefix`, and of all below it."""
        yield prefix, self
        for path, module in self.named_children():
            yield from module.named_modules(f"{prefix}.{path}" if prefix else path)

    def modules(self) -> Iterator["Module"]:
        """This module and all below it."""
        return (module for _, module in self.named_modules())

    def _named_tensors(self, buffers: Sequence[bool]) -> Iterator[tuple[str, Tensor]]:
        for prefix, module in self.named_modules():
            for attribute, path, tensor in module._parts(Tensor):
                if (attribute in module._buffers) in buffers:
                    yield f"{prefix}.{path}" if prefix else path, tensor

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """(dotted name, tensor) of everything but buffers; frozen parameters are parameters."""
        return self._named_tensors([False])

    def parameters(self) -> Iterator[Tensor]:
        """The tensors of `named_parameters`."""
        return (tensor for _, tensor in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """(dotted name, tensor) of the buffers."""
        return self._named_tensors([True])

    def buffers(self) -> Iterator[Tensor]:
        """The tensors of `named_buffers`."""
        return (tensor for _, tensor in self.named_buffers())

    @property
    def num_parameters(self) -> int:
        """How many numbers the parameters are."""
        return sum(tensor.size for tensor in self.parameters())

    # --- state ---

    def register_buffer(self, name: str, tensor: Tensor | None) -> None:
        """Make `tensor` the attribute `name`, and that a buffer: state which is not trained."""
        setattr(self, name, tensor)
        self._buffers = self._buffers | {name}

    def train(self, mode: bool = True) -> Self:
        """Set `training` here and below, which dropout and batch norm look at; return self.

        The flag is static: a jitted function compiles once for each of its values.
        """
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set `training` to False here and below; return self."""
        return self.train(False)

    def freeze(self, *names: str) -> Self:
        """Keep optimisers from changing the children `names`, all by default; return self.

        Gradients can still be taken; what nothing uses of them costs nothing in compiled code.

        >>> from slopec import nn
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
        >>> _ = model[0].freeze()
        >>> [name for name, leaf in nn.partition(model)[0].named_parameters()]
        ['1.weight', '1.bias']
        """
        known = [name for name, _ in self._items()]
        for name in names:
            if name not in known:
                raise UsageError(
                    "S0122",
                    f"{type(self).__name__} has no child `{name}`",
                    span=trace.here(),
                    hint=did_you_mean(name, known),
                )
        self._frozen = self._frozen | frozenset(names or known)
        return self

    def unfreeze(self) -> Self:
        """Undo `freeze` here and below; return self."""
        for module in self.modules():
            module._frozen = frozenset()
        return self

    def state_dict(self) -> dict[str, Tensor]:
        """All parameters and buffers by dotted name, PyTorch's names for PyTorch's modules."""
        return dict(self._named_tensors([False, True]))

    def load_state_dict(self, state: Mapping[str, Any], *, strict: bool = True) -> Self:
        """Replace parameters and buffers by the arrays of `state`, in their dtypes; return self.

        Raises UsageError for shapes that differ and, unless `strict` is False, for names that are
        missing or unknown.

        >>> from slopec import nn
        >>> a, b = nn.Linear(2, 2), nn.Linear(2, 2)
        >>> bool((a.load_state_dict(b.state_dict()).weight == b.weight).all())
        True
        """
        own = self.state_dict()
        _check_state(self, own, state, strict)
        for prefix, module in self.named_modules():
            for name, value in module._items():
                leaves, treedef = tree.flatten(value, is_leaf=_is_module)
                paths = treedef.paths(f"{prefix}.{name}" if prefix else name)
                new = [
                    Tensor(state[path], leaf.dtype) if path in own and path in state else leaf
                    for path, leaf in zip(paths, leaves, strict=True)
                ]
                setattr(module, name, treedef.unflatten(new))
        return self

    # --- text ---

    def extra_repr(self) -> str:
        """The constructor's arguments, as `repr` shows them."""
        return ""

    def __repr__(self) -> str:
        """The tree of modules, as PyTorch prints it."""
        lines = [
            f"({name}): " + repr(module).replace("\n", "\n  ")
            for name, module in self.named_children()
        ]
        inner = self.extra_repr()
        if lines:
            inner = "\n  " + "\n  ".join([*([inner] if inner else []), *lines]) + "\n"
        return f"{type(self).__name__}({inner})"


def _is_module(value: Any) -> bool:
    return isinstance(value, Module)


def _would_leak(module: Module, name: str) -> TraceError:
    return TraceError(
        "S0121",
        f"{type(module).__name__} was about to keep a traced value in `{name}`",
        span=trace.here(),
        notes=("the module comes from outside the traced function, where the value is unknown",),
        hint="make the module an argument of the traced function and return it, or call "
        "`model.eval()` if its state is not to change",
    )


def _check_state(
    module: Module, own: Mapping[str, Tensor], state: Mapping[str, Any], strict: bool
) -> None:
    missing = [name for name in own if name not in state]
    unknown = [name for name in state if name not in own]
    if strict and (missing or unknown):
        notes = [
            f"{what}: {', '.join(names[:6])}{' …' if len(names) > 6 else ''}"
            for what, names in (("missing", missing), ("unknown", unknown))
            if names
        ]
        raise UsageError(
            "S0122",
            f"the state does not fit {type(module).__name__}: "
            f"{len(missing)} missing and {len(unknown)} unknown names",
            span=trace.here(),
            notes=tuple(notes),
            hint="`strict=False` loads the names that fit",
        )
    for name, tensor in own.items():
        if name in state and np.shape(state[name]) != tensor.shape:
            raise UsageError(
                "S0122",
                f"`{name}` has shape {np.shape(state[name])} in the state and "
                f"{tensor.shape} in {type(module).__name__}",
                span=trace.here(),
            )


def _flatten(module: Module) -> tuple[Sequence[Any], Sequence[str], Layout]:
    items = module._items()
    names = tuple(name for name, _ in items)
    static = {k: v for k, v in vars(module).items() if k not in names and k not in Module._own}
    static["training"] = module.training
    layout = Layout(type(module), names, module._buffers, module._frozen, static)
    return [value for _, value in items], names, layout


def _unflatten(layout: Layout, children: Sequence[Any]) -> Module:
    module = layout.cls.__new__(layout.cls)
    # Straight into the dictionary: the copy may hold anything, such as flags or shapes.
    vars(module).update(zip(layout.children, children, strict=True))
    vars(module).update(layout.static)
    vars(module).update(_children=layout.children, _buffers=layout.buffers, _frozen=layout.frozen)
    return module


tree.register_node(Module, _flatten, _unflatten)
