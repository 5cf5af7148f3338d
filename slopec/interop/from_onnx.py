"""From a model of ONNX to a module of ours: weights are parameters, a table reads the nodes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from os import PathLike, fspath
from typing import Any

from slopec import dtypes, tracing
from slopec.diagnostics import UsageError
from slopec.dtypes import DType
from slopec.interop.module import Leaf, Part, check_shape, furnish, tensor_at
from slopec.interop.onnx import KNOWN
from slopec.interop.onnx.graph import Graph, run
from slopec.ops import asarray
from slopec.ops.common import check_dtype
from slopec.tensor import Tensor


def from_onnx(model: str | PathLike[str] | bytes | Any) -> "OnnxModule":
    """A model of ONNX as a module of slopec, with its weights under their initializers' names.

    `model` is a path, the bytes of such a file, or an `onnx.ModelProto`. The result takes the
    model's inputs in their order or by name and returns its output, a tuple of several; it composes
    with `grad`, `jit`, `vmap` and programs. Initializers of floating numbers with dimensions are
    parameters, the statistics of batch norms buffers; all others are constants. Dots in names make
    children. What shapes depend on (`Shape`, sizes of `Reshape`, conditions of `If`) is computed
    while the model is traced.

    The package `onnx` must be installed; slopec does not depend on it. Raises UsageError: S0163
    without it, S0164 for an operator that has no counterpart here, naming the node, S0165 for what
    is no model.

    >>> import slopec as sp
    >>> try:
    ...     import onnx
    ... except ImportError:
    ...     onnx = None
    >>> if onnx is not None:
    ...     head = '<ir_version: 8, opset_import: ["": 17]>'
    ...     text = head + " f (float[2] x) => (float[2] y) {y = Exp(x)}"
    ...     net = sp.from_onnx(onnx.parser.parse_model(text))
    ...     assert net(sp.zeros(2)).tolist() == [1.0, 1.0]
    """
    require_onnx("from_onnx")
    proto = _inlined(_loaded(model))
    if not proto.graph.output:
        raise UsageError("S0165", "a model of ONNX without a result", span=tracing.here())
    from slopec.interop.onnx.library import read_graph

    versions = {opset.domain: opset.version for opset in proto.opset_import}
    graph = read_graph(proto.graph, versions)
    inputs = tuple(
        _input(value) for value in proto.graph.input if value.name not in graph.constants
    )
    trained, kept = _weights(graph)
    places = _places([*trained, *kept])
    constants = {n: v for n, v in graph.constants.items() if n not in places}
    made = OnnxModule(
        proto.graph.name or "onnx", replace(graph, constants=constants), inputs, places
    )
    leaves = [
        Leaf(path, graph.constants[name], is_buffer=name in kept, is_frozen=False)
        for name, path in places.items()
    ]
    furnish(made, leaves, lambda name: "Part")
    return made


def require_onnx(caller: str) -> None:
    """Raise UsageError unless the package `onnx` can be imported."""
    if find_spec("onnx") is None:
        raise UsageError(
            "S0163",
            f"{caller} needs the package `onnx`, which is not installed",
            span=tracing.here(),
            hint="install it where you convert models: `pip install onnx`",
        )


@dataclass(frozen=True)
class Input:
    """What an argument has to be; None for a size or dtype that is open."""

    name: str
    shape: tuple[int | None, ...] | None
    dtype: DType


class OnnxModule(Part):
    """What `from_onnx` returns: a module whose forward runs a graph of ONNX."""

    def __init__(
        self, kind: str, graph: Graph, inputs: tuple[Input, ...], places: Mapping[str, str]
    ) -> None:
        """A module without weights yet; `places` are their dotted names by initializer."""
        super().__init__(kind)
        self.graph, self.inputs, self.places = graph, inputs, dict(places)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the model returns for these inputs.

        Raises UsageError (S0165) for other arguments than the model's inputs, ShapeError and
        DTypeError for tensors that do not fit them.
        """
        names = [wanted.name for wanted in self.inputs]
        given = dict(zip(names, args, strict=False)) | kwargs
        if len(args) + len(kwargs) != len(names) or given.keys() != set(names):
            raise UsageError(
                "S0165",
                f"{self.kind} takes {', '.join(names) or 'nothing'}; it was given "
                f"{len(args)} by place and {', '.join(kwargs) or 'nothing'} by name",
                span=tracing.here(),
            )
        operands = {
            wanted.name: _checked(self.kind, wanted, given[wanted.name]) for wanted in self.inputs
        }
        weights = {name: tensor_at(self, path) for name, path in self.places.items()}
        found = [asarray(value) for value in run(self.graph, {**operands, **weights})]
        return found[0] if len(found) == 1 else tuple(found)


def _checked(kind: str, wanted: Input, given: Any) -> Tensor:
    x, what = asarray(given), f"{kind}: input `{wanted.name}`"
    if wanted.shape is not None:
        check_shape(what, x, wanted.shape)
    check_dtype(what, x, wanted.dtype)
    return x


def _loaded(model: Any) -> Any:
    """The model as what the package `onnx` reads; weights in files beside it are read too."""
    import onnx

    if isinstance(model, onnx.ModelProto):
        return model
    try:
        if isinstance(model, bytes):
            return onnx.load_from_string(model)
        return onnx.load(fspath(model))
    except Exception as error:
        what = "these bytes" if isinstance(model, bytes) else f"{model}"
        raise UsageError(
            "S0165",
            f"{what} cannot be read as a model of ONNX",
            span=tracing.here(),
            notes=(str(error).splitlines()[0],) if str(error) else (),
        ) from error


def _inlined(proto: Any) -> Any:
    """The model with calls of its own functions replaced by what these do."""
    if not proto.functions:
        return proto
    from onnx import inliner

    return inliner.inline_local_functions(proto)


def _input(value: Any) -> Input:
    from slopec.interop.onnx.types import dtype_of

    tensor = value.type.tensor_type
    if not value.type.HasField("tensor_type"):
        raise UsageError(
            "S0164",
            f"the model's input `{value.name}` is no tensor",
            span=tracing.here(),
        )
    shape = None
    if tensor.HasField("shape"):
        shape = tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim)
    return Input(value.name, shape, dtype_of(tensor.elem_type))


def _weights(graph: Graph) -> tuple[list[str], list[str]]:
    """The initializers that are parameters, and those that are buffers."""
    statistics: set[str] = set()
    decisive: set[str] = set()
    for node in graph.nodes:
        if node.op == "BatchNormalization":
            statistics.update(node.inputs[3:5])
        decisive.update(node.inputs[i] for i in KNOWN.get(node.op, ()) if i < len(node.inputs))
    floats = [
        name
        for name, value in graph.constants.items()
        if value.ndim and dtypes.is_differentiable(value.dtype) and name not in decisive
    ]
    return [n for n in floats if n not in statistics], [n for n in floats if n in statistics]


def _places(names: list[str]) -> dict[str, str]:
    """Attributes for initializers: their dotted names, where these can stand side by side."""
    places: dict[str, str] = {}
    own = set(dir(OnnxModule)) | {"kind", "graph", "inputs", "places"}
    used: set[str] = set()
    owners: set[str] = set()
    for name in names:
        path = ".".join(part or "_" for part in name.split("."))
        parts = path.split(".")
        above = {".".join(parts[:i]) for i in range(1, len(parts))}
        if own.intersection(parts) or above & used or path in owners | used:
            path, above = name.replace(".", "_") + "_", set()
            while path in owners | used:
                path += "_"
        owners |= above
        used.add(path)
        places[name] = path
    return places
