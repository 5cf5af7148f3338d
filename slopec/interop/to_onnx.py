"""From a function of ours to a model of ONNX: its StableHLO is written op by op."""

from collections.abc import Callable, Sequence
from typing import Any

from slopec import ir
from slopec.build import DERIVE
from slopec.dtypes import DType
from slopec.interop.from_onnx import require_onnx
from slopec.interop.onnx.types import number_of
from slopec.interop.onnx_writing import TABLE
from slopec.interop.onnx_writing.writer import Writer, refused
from slopec.nn.module import Module
from slopec.passes import parse_pipeline, run_pipeline
from slopec.transforms.function import Arguments, Traced, check_callable, trace_function
from slopec.version import VERSION

OPSET, FORMAT = 21, 10
"""The versions of the operator set and of the file that are written."""


def to_onnx(function: Callable[..., Any], *args: Any, **kwargs: Any) -> bytes:
    """The bytes of a model of ONNX that computes `function` for arguments like these.

    Tensors, arrays and numbers among the arguments become inputs, named after the parameters;
    everything else is part of the model. Tensors that the function closes over, the weights of a
    module above all, become initializers under their dotted names. Results are outputs named
    `output`, or after their place. Sizes are those of the example. Derivatives are written out, so
    that a gradient can be exported. ONNX leaves open what becomes of numbers beyond the limits of
    an integer that they are cast to.

    The package `onnx` must be installed; slopec does not depend on it. Raises UsageError: S0163
    without it, S0166 at the line of an operation that ONNX has no counterpart of.

    >>> import slopec as sp
    >>> try:
    ...     import onnx
    ... except ImportError:
    ...     onnx = None
    >>> if onnx is not None:
    ...     data = sp.to_onnx(lambda x: sp.exp(x).sum(), sp.zeros(3))
    ...     assert sp.from_onnx(data)(sp.zeros(3)).item() == 3.0
    """
    require_onnx("to_onnx")
    check_callable("to_onnx", function, runs=True)
    arguments = Arguments.of(args, kwargs)
    module = ir.new_module()
    traced = trace_function(function, arguments, None, module)
    ir.function(module, traced.symbol).attributes["sym_visibility"] = ir.string("public")
    run_pipeline(module, parse_pipeline(f"{DERIVE},simplify,canonicalize,cse,symbol-dce"))
    name = getattr(function, "__name__", type(function).__name__)
    names = arguments.names(getattr(function, "forward", function))
    return _written(module, traced, name, names, _names_of(function, traced))


def _names_of(function: Any, traced: Traced) -> list[str]:
    """Names for what the function closes over, a module's tensors by theirs (tied: the first)."""
    known: dict[int, str] = {}
    if isinstance(function, Module):
        pairs = [*function.named_parameters(), *function.named_buffers()]
        known = {id(tensor): name for name, tensor in reversed(pairs)}
    return [known.get(id(tensor), "captured") for tensor in traced.captures]


def _written(
    module: ir.Module, traced: Traced, name: str, inputs: Sequence[str], captures: Sequence[str]
) -> bytes:
    from onnx import helper

    writer = Writer()
    block = ir.body_of(ir.function(module, traced.symbol))
    values = list(block.arguments)
    entering = []
    for value, stem in zip(values, inputs, strict=False):
        chosen = writer.fresh(stem)
        writer.bind(value, chosen)
        entering.append(_typed(chosen, *ir.type_of(value)))
    for value, stem, tensor in zip(values[len(inputs) :], captures, traced.captures, strict=True):
        writer.bind(value, writer.initializer(tensor.numpy(), stem))
    *body, returned = block.operations
    for each in body:
        op = each.operation
        rule = TABLE.get(op.name)
        if rule is None or len(op.results) != 1:
            raise refused(op)
        writer.bind(op.results[0], rule(writer, op))
    leaving = []
    for value, path in zip(returned.operation.operands, traced.result.paths(), strict=True):
        chosen = writer.fresh(f"output.{path}" if path else "output")
        writer.nodes.append(helper.make_node("Identity", [writer.name(value)], [chosen]))
        leaving.append(_typed(chosen, *ir.type_of(value)))
    used = {stem for node in writer.nodes for stem in node.input}
    held = [tensor for tensor in writer.initializers if tensor.name in used]
    graph = helper.make_graph(writer.nodes, name, entering, leaving, held)
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=FORMAT,
        producer_name="slopec",
        producer_version=VERSION,
    )
    data: bytes = model.SerializeToString()
    return data


def _typed(name: str, shape: Sequence[int], dtype: DType) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, number_of(dtype), list(shape))
