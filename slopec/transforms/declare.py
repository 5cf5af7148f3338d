"""The passes `vjp`, `jvp` and `vmap`: they declare what is derived from a function of any module.

The declared function is public, so that it becomes an entry; `derive` then writes its body:
`slopec opt model.mlir -p 'vjp{function=main wrt=0,1},derive'`.
"""

from dataclasses import dataclass

from slopec import dtypes, ir
from slopec.diagnostics import TransformError
from slopec.transforms.function import Traced, declare_jvp, declare_vjp, declare_vmap


def _function(module: ir.Module, name: str) -> Traced:
    """A function of the module as transforms see it."""
    names = [ir.symbol_name(op) for op in ir.functions(module)]
    if name not in names:
        raise TransformError(
            "S0203",
            f"the module has no function @{name}",
            hint=f"its functions are {', '.join(names) or 'none'}",
        )
    return Traced.of(ir.function(module, name))


def _chosen(
    kind: str, positions: tuple[int, ...] | None, types: tuple[tuple[ir.Shape, dtypes.DType], ...]
) -> list[int]:
    """The chosen positions, by default all that carry derivatives."""
    every = [i for i, (_, dtype) in enumerate(types) if dtypes.is_differentiable(dtype)]
    if positions is None:
        return every
    wrong = [i for i in positions if i not in every]
    if wrong:
        raise TransformError(
            "S0204",
            f"{kind} {wrong[0]} has no derivative",
            hint=f"the {kind}s that have one are {', '.join(map(str, every)) or 'none'}",
        )
    return list(positions)


def _publish(module: ir.Module, symbol: str) -> None:
    # MLIR allows no public function without a body; `derive` keeps the mark and makes it public.
    ir.function(module, symbol).attributes["slope.public"] = ir.unit()


@dataclass(frozen=True)
class Vjp:
    """Declare the reverse-mode derivative of a function as a public function.

    It takes the arguments and a cotangent per differentiable result (or per result in `out`) and
    returns the results and a cotangent per differentiable argument (or per argument in `wrt`).
    """

    function: str = "main"
    wrt: tuple[int, ...] | None = None
    out: tuple[int, ...] | None = None
    name = "vjp"

    def run(self, module: ir.Module) -> None:
        """Add the declaration; raises TransformError for arguments without derivatives."""
        of = _function(module, self.function)
        wrt = _chosen("argument", self.wrt, of.inputs)
        out = _chosen("result", self.out, of.outputs)
        _publish(module, declare_vjp(module, of, wrt, out)[0])


@dataclass(frozen=True)
class Jvp:
    """Declare the forward-mode derivative of a function as a public function.

    It takes the arguments and a tangent per differentiable argument (or per argument in `wrt`) and
    returns the results and a tangent per differentiable result (or per result in `out`).
    """

    function: str = "main"
    wrt: tuple[int, ...] | None = None
    out: tuple[int, ...] | None = None
    name = "jvp"

    def run(self, module: ir.Module) -> None:
        """Add the declaration; raises TransformError for arguments without derivatives."""
        of = _function(module, self.function)
        wrt = _chosen("argument", self.wrt, of.inputs)
        out = _chosen("result", self.out, of.outputs)
        _publish(module, declare_jvp(module, of, wrt, out)[0])


@dataclass(frozen=True)
class Vmap:
    """Declare a function of one thing as a public function of a batch of `size` of them.

    The arguments in `mapped`, by default all, and every result get a leading dimension `size`.
    """

    size: int
    function: str = "main"
    mapped: tuple[int, ...] | None = None
    name = "vmap"

    def run(self, module: ir.Module) -> None:
        """Add the declaration; raises TransformError for arguments that are not there."""
        of = _function(module, self.function)
        every = range(len(of.inputs))
        mapped = every if self.mapped is None else self.mapped
        wrong = [i for i in mapped if i not in every]
        if wrong or not mapped or self.size < 0:
            raise TransformError(
                "S0214",
                f"cannot map the arguments {', '.join(map(str, mapped)) or 'none'} of "
                f"@{self.function} in batches of {self.size}",
                hint=f"it has {len(every)} arguments; map one of them at least",
            )
        _publish(module, declare_vmap(module, of, [i in mapped for i in every], self.size)[0])
