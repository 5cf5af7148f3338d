"""A module is a pytree with a `forward`: tensors are its leaves, everything else is its shape.

Attributes that are tensors or modules, or lists, tuples and dicts with such inside, are children;
all else (numbers, strings, functions, NumPy arrays) is static: it takes part in the pytree's
structure, is compared with `==`, and is a constant of compiled programs.

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

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self

import numpy as np

from slopec import dtypes, tracing, tree
from slopec.diagnostics import TraceError, UsageError, did_you_mean
from slopec.nn import hooks
from slopec.nn.layout import Attribute, Layout, take_apart
from slopec.nn.parameters import ABSENT, adopted, entrust, forget, require
from slopec.tensor import Tensor


class Module(hooks.Hooked):
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
    _attributes: Mapping[str, Attribute] = MappingProxyType({})
    _buffers: frozenset[str] = frozenset()
    _frozen: frozenset[str] = frozenset()
    _made_in: tracing.Trace | None = None
    _rebuilt: bool = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make an empty module, which knows the traced function that makes it, if one does."""
        module = super().__new__(cls)
        if tracing.is_tracing():
            vars(module)["_made_in"] = tracing.current()
        return module

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; subclasses define it."""
        raise UsageError(
            "S0106",
            f"{type(self).__name__} has no forward",
            span=tracing.here(),
            hint="define `def forward(self, x): …` in the class",
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run `forward`."""
        if self._rebuilt:
            self._adopt()
        return hooks.run(self, args, kwargs) if self._hooks else self.forward(*args, **kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        """Assign an attribute; within a trace, not to a module that comes from outside."""
        if isinstance(value, Tensor) and value._trace is not None:
            if not tracing.is_tracing() or self._made_in is not tracing.current():
                raise _would_leak(self, name)
        elif not tracing.is_tracing() and name not in self._frozen:
            entrust(vars(self).get(name, ABSENT), value, buffer=name in self._buffers)
        super().__setattr__(name, value)

    def _adopt(self) -> None:
        """Make the tensors of a module that was put together outside a trace its parameters."""
        if not self._rebuilt or tracing.is_tracing():
            return
        for attribute, children in list(self._apart()):
            if attribute.name not in self._buffers | self._frozen:
                leaves = [adopted(c) if isinstance(c, Tensor) else c for c in children]
                vars(self)[attribute.name] = attribute.around(leaves)
        self._rebuilt = False

    # --- children ---

    def _apart(self) -> Iterator[tuple[Attribute, list[Any]]]:
        """The attributes that hold children, with these."""
        for name, value in vars(self).items():
            if name not in _OWN:
                known = self._attributes.get(name)
                parts = take_apart(name, value, known, (Tensor, Module))
                if parts is not None:
                    yield parts

    def _parts(self, kind: type) -> Iterator[tuple[str, str, Any]]:
        """(attribute, dotted name, child) of the modules, or of the tensors, next below."""
        for attribute, children in self._apart():
            for path, child in zip(attribute.paths, children, strict=True):
                if isinstance(child, kind):
                    yield attribute.name, path, child

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

    def children(self) -> Iterator["Module"]:
        """The modules directly below."""
        return (module for _, module in self.named_children())

    def apply(self, function: Callable[["Module"], Any]) -> Self:
        """Call `function` with every module below, then with this one; return self.

        >>> from slopec import nn
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
        >>> _ = model.apply(lambda m: nn.init.zeros_(m.bias) if isinstance(m, nn.Linear) else None)
        >>> print(model[0].bias)
        tensor([0. 0. 0.], float32[3], cpu)
        """
        for module in self.children():
            module.apply(function)
        function(self)
        return self

    def replace_children(self, new: Callable[["Module | Tensor"], "Module | Tensor"]) -> None:
        """Put `new(child)` in the place of every module and tensor directly below.

        >>> from slopec import nn
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
        >>> model.replace_children(lambda m: nn.Tanh() if isinstance(m, nn.ReLU) else m)
        >>> print(model[1])
        Tanh()
        """
        for attribute, children in list(self._apart()):
            replaced = [new(child) for child in children]
            if any(a is not b for a, b in zip(replaced, children, strict=True)):
                setattr(self, attribute.name, attribute.around(replaced))

    def add_module(self, name: str, module: "Module | None") -> None:
        """Make `module` the attribute `name`."""
        setattr(self, name, module)

    def get_submodule(self, target: str) -> "Module":
        """The module of a dotted name below this one; itself for the empty name."""
        module: Module = _found(self, target, dict(self.named_modules()), "module")
        return module

    def get_parameter(self, target: str) -> Tensor:
        """The parameter of a dotted name below this module."""
        tensor: Tensor = _found(self, target, dict(self.named_parameters()), "parameter")
        return tensor

    def get_buffer(self, target: str) -> Tensor:
        """The buffer of a dotted name below this module."""
        tensor: Tensor = _found(self, target, dict(self.named_buffers()), "buffer")
        return tensor

    def _named_tensors(self, buffers: Sequence[bool]) -> Iterator[tuple[str, Tensor]]:
        for prefix, module in self.named_modules():
            module._adopt()
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

    def register_parameter(self, name: str, tensor: Tensor | None) -> None:
        """Make `tensor` the attribute `name`, and so a parameter."""
        setattr(self, name, tensor)

    def register_buffer(self, name: str, tensor: Tensor | None) -> None:
        """Make `tensor` the attribute `name`, and that a buffer: state which is not trained."""
        self._buffers = self._buffers | {name}
        setattr(self, name, tensor)

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
        known = [attribute.name for attribute, _ in self._apart()]
        for name in names:
            if name not in known:
                raise UsageError(
                    "S0122",
                    f"{type(self).__name__} has no child `{name}`",
                    span=tracing.here(),
                    hint=did_you_mean(name, known),
                )
        self._frozen = self._frozen | frozenset(names or known)
        for attribute, _, child in [*self._parts(Tensor), *self._parts(Module)]:
            if attribute in self._frozen and not tracing.is_tracing():
                require(child.parameters() if isinstance(child, Module) else [child], False)
        return self

    def unfreeze(self) -> Self:
        """Undo `freeze` here and below; return self."""
        for module in self.modules():
            module._frozen = frozenset()
        return self.requires_grad_()

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Whether `backward()` leaves gradients in the parameters here and below; return self."""
        if not tracing.is_tracing():
            require(self.parameters(), requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or make them zeros."""
        for parameter in self.parameters():
            forget(parameter, set_to_none)

    def to(self, target: Any) -> Self:
        """Convert floating parameters and buffers to a dtype, or move all to a device; return self.

        They are new tensors: make an optimiser afterwards.

        >>> from slopec import nn
        >>> nn.Linear(2, 3).to("bfloat16").weight.dtype.name
        'bfloat16'
        """

        def converted(_: str, tensor: Tensor) -> Tensor:
            new: Tensor = tensor.detach().to(target)
            if new.dtype != tensor.dtype and not dtypes.is_floating(tensor.dtype):
                return tensor
            if not tracing.is_tracing():
                new.requires_grad_(tensor.requires_grad)
            return new

        self._replace(converted)
        return self

    def float(self) -> Self:
        """`to("float32")`."""
        return self.to("float32")

    def double(self) -> Self:
        """`to("float64")`."""
        return self.to("float64")

    def half(self) -> Self:
        """`to("float16")`."""
        return self.to("float16")

    def bfloat16(self) -> Self:
        """`to("bfloat16")`."""
        return self.to("bfloat16")

    def cpu(self) -> Self:
        """`to("cpu")`."""
        return self.to("cpu")

    def cuda(self) -> Self:
        """`to("cuda")`."""
        return self.to("cuda")

    def _replace(self, new: Callable[[str, Tensor], Tensor]) -> None:
        """Put `new(dotted name, tensor)` in the place of every tensor here and below."""
        for prefix, module in self.named_modules():
            for attribute, children in list(module._apart()):
                paths = [f"{prefix}.{path}" if prefix else path for path in attribute.paths]
                replaced = [
                    new(path, child) if isinstance(child, Tensor) else child
                    for path, child in zip(paths, children, strict=True)
                ]
                setattr(module, attribute.name, attribute.around(replaced))

    def state_dict(self) -> dict[str, Tensor]:
        """All parameters and buffers by dotted name, PyTorch's names for PyTorch's modules.

        The tensors are values as they are now; training goes on without them.
        """
        named = self._named_tensors([False, True])
        return {name: tensor if tracing.is_tracing() else tensor.detach() for name, tensor in named}

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

        def loaded(path: str, leaf: Tensor) -> Tensor:
            if path not in state:
                return leaf
            new = Tensor(state[path], leaf.dtype)
            if not leaf.requires_grad:
                return new
            leaf.data = new  # the optimiser goes on with the tensors that it knows
            return leaf

        self._replace(loaded)
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


def _found(module: Module, name: str, known: dict[str, Any], what: str) -> Any:
    if name not in known:
        raise UsageError(
            "S0122",
            f"{type(module).__name__} has no {what} `{name}`",
            span=tracing.here(),
            hint=did_you_mean(name, list(known)),
        )
    return known[name]


def _would_leak(module: Module, name: str) -> TraceError:
    return TraceError(
        "S0121",
        f"{type(module).__name__} was about to keep a traced value in `{name}`",
        span=tracing.here(),
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
            span=tracing.here(),
            notes=tuple(notes),
            hint=_way_out(missing, unknown, state),
        )
    for name, tensor in own.items():
        if name not in state:
            continue
        problem = None
        if np.shape(state[name]) != tensor.shape:
            problem = f"has shape {np.shape(state[name])} in the state and {tensor.shape}"
        elif np.iscomplexobj(state[name]) and not dtypes.is_complex(tensor.dtype):
            problem = f"is complex in the state and {tensor.dtype}"
        if problem is not None:
            where = f"in {type(module).__name__}"
            raise UsageError("S0122", f"`{name}` {problem} {where}", span=tracing.here())


def _way_out(missing: Sequence[str], unknown: Sequence[str], state: Mapping[str, Any]) -> str:
    """What to do about names that do not fit: they may lie deeper, or begin with something else."""
    inner = next((name for name in unknown if isinstance(state[name], Mapping)), None)
    if inner is not None:
        return f"`{inner}` holds names itself: pass that part"
    for name in missing:
        longer = next((other for other in unknown if other.endswith(f".{name}")), None)
        if longer is not None:
            prefix = longer.removesuffix(name)
            return (
                f"names begin with `{prefix}` there; `nn.load_torch_state_dict` takes "
                f"`rename=lambda name: name.removeprefix({prefix!r})`"
            )
    return "`strict=False` loads the names that fit"


_OWN = frozenset(("training", "_attributes", "_buffers", "_frozen", "_made_in", "_rebuilt"))
"""Attributes that are not the subclass's."""


def _flatten(module: Module) -> tuple[Sequence[Any], Sequence[str], Layout]:
    apart = list(module._apart())
    attributes = tuple(attribute for attribute, _ in apart)
    moving = {attribute.name for attribute in attributes}
    static = {k: v for k, v in vars(module).items() if k not in moving and k not in _OWN}
    static["training"] = module.training
    layout = Layout(type(module), attributes, module._buffers, module._frozen, static)
    return [child for _, children in apart for child in children], layout.names, layout


def _unflatten(layout: Layout, children: Sequence[Any]) -> Module:
    cls: type[Module] = layout.cls
    module = cls.__new__(cls)
    # Straight into the dictionary: the copy may hold anything, such as flags or shapes.
    vars(module).update(layout.values(children))
    vars(module).update(
        _attributes={attribute.name: attribute for attribute in layout.attributes},
        _buffers=layout.buffers,
        _frozen=layout.frozen,
        _rebuilt=not tracing.is_tracing(),
    )
    return module


tree.register_node(Module, _flatten, _unflatten)
