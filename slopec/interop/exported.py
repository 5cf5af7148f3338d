"""Programs that `torch.export` made, read into graphs: alone in knowing PyTorch's classes."""

import re
import traceback
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from slopec import dtypes, tree
from slopec.diagnostics import Span, UsageError
from slopec.dtypes import DType
from slopec.interop.graph import Graph, Ref, Step
from slopec.interop.module import Input, Leaf, Signature
from slopec.nn.interop import array_of
from slopec.tree import TreeDef

_HERE = Path(__file__).parent
_FOR_THE_DEVICE = frozenset(
    "device layout pin_memory memory_format non_blocking generator requires_grad".split()
)
"""Arguments that say where and how a tensor is kept, which here is not the operation's to say."""


def dtype_of(torch_dtype: Any) -> DType:
    """Our dtype of a `torch.dtype`."""
    try:
        return dtypes.as_dtype(str(torch_dtype).removeprefix("torch."))
    except TypeError:
        raise UsageError(
            "S0161", f"tensors of {torch_dtype} have no counterpart here", span=None
        ) from None


def name_of(target: Any) -> str:
    """An operation's name: `add.Tensor` of ATen, `operator.mul` of Python, or any other's own."""
    schema = getattr(target, "_schema", None)
    if schema is None:
        module = getattr(target, "__module__", "") or ""
        short = {"_operator": "operator", "builtins": "builtins", "math": "math"}.get(module)
        name = getattr(target, "__name__", None) or getattr(target, "_name", str(target))
        return f"{short}.{name}" if short else str(name)
    space, _, name = schema.name.partition("::")
    qualified = f"{name}.{schema.overload_name or 'default'}"
    return qualified if space == "aten" else f"{space}::{qualified}"


def span_of(stack: str | None) -> Span | None:
    """The user's line in a stack that PyTorch kept: the innermost outside of it, and of slopec."""
    frames = re.findall(r'File "([^"]+)", line (\d+)', stack or "")
    return _innermost((file, int(line)) for file, line in frames)


def span_of_error(error: BaseException) -> Span | None:
    """The user's line where PyTorch raised an error."""
    frames = traceback.extract_tb(error.__traceback__)
    return _innermost((frame.filename, frame.lineno or 1) for frame in frames)


def _innermost(frames: Iterable[tuple[str, int]]) -> Span | None:
    for file, line in reversed(list(frames)):
        path = Path(file)
        if "torch" not in path.parts and path.parent != _HERE and not file.startswith("<"):
            return Span(file, line)
    return None


def graph_of(module: Any, check: Callable[[str, Any], None]) -> Graph:
    """The graph of a `torch.fx.GraphModule`; `check` sees each operation's name and its node."""
    slots: dict[Any, Ref] = {}
    constants: dict[Any, Any] = {}
    inputs, steps, result = [], [], None
    for node in module.graph.nodes:
        if node.op == "get_attr":
            held = getattr(module, node.target)
            constants[node] = graph_of(held, check) if hasattr(held, "graph") else held
            continue
        if node.op == "output":
            (result,) = _argument(node.args, slots, constants)
            continue
        slots[node] = Ref(len(slots))
        if node.op == "placeholder":
            inputs.append(slots[node].slot)
            continue
        name = name_of(node.target)
        check(name, node)
        steps.append(_step(name, node, slots, constants))
    return Graph(tuple(inputs), tuple(steps), result)


def _step(name: str, node: Any, slots: Mapping[Any, Ref], constants: Mapping[Any, Any]) -> Step:
    kwargs = {
        key: _argument(value, slots, constants)
        for key, value in node.kwargs.items()
        if key not in _FOR_THE_DEVICE
    }
    types = _types(node.meta.get("val"))
    schema = getattr(node.target, "_schema", None)
    taken = [] if schema is None else [a.name for a in schema.arguments if a.kwarg_only]
    if "dtype" in taken and types and types[0] is not None:
        kwargs["dtype"] = types[0]  # what PyTorch decided, even where the call leaves it out
    args = _argument(tuple(node.args), slots, constants)
    return Step(name, args, kwargs, slots[node].slot, types, span_of(node.stack_trace))


def _types(value: Any) -> tuple[DType | None, ...]:
    """The dtypes of a result's parts; None for what is no tensor."""
    parts = value if isinstance(value, tuple | list) else [value]
    return tuple(dtype_of(part.dtype) if hasattr(part, "dtype") else None for part in parts)


def _argument(value: Any, slots: Mapping[Any, Ref], constants: Mapping[Any, Any]) -> Any:
    if hasattr(value, "op") and hasattr(value, "graph"):
        return slots[value] if value in slots else constants[value]
    if isinstance(value, tuple | list):
        made = [_argument(part, slots, constants) for part in value]
        return tuple(made) if isinstance(value, tuple) else made
    if isinstance(value, Mapping):
        return {key: _argument(part, slots, constants) for key, part in value.items()}
    if isinstance(value, slice):
        return value
    kind = f"{type(value).__module__}.{type(value).__name__}"
    if kind == "torch.dtype":
        return dtype_of(value)
    return None if kind in ("torch.device", "torch.layout", "torch.memory_format") else value


# --- signatures ------------------------------------------------------------------------------


def leaves_of(program: Any) -> tuple[list[Leaf], dict[str, str]]:
    """Parameters and buffers, kept ones first; and further names of the same tensors."""
    signature = program.graph_signature
    held = {**program.state_dict}
    held |= {name: program.constants[name] for name in signature.non_persistent_buffers}
    parameters, leaves, aliases = set(signature.parameters), [], {}
    first: dict[Any, str] = {}
    for name, tensor in held.items():
        place = (tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), tensor.dtype)
        known = first.setdefault(place, name) if tensor.numel() else name
        if known != name:
            aliases[name] = known
            continue
        trained = name in parameters or type(tensor).__name__ == "Parameter"
        array = array_of(tensor).astype(dtype_of(tensor.dtype))
        leaves.append(Leaf(name, array, not trained, trained and not tensor.requires_grad))
    return leaves, aliases


def signature_of(
    program: Any, aliases: Mapping[str, str], check: Callable[[str, Any], None]
) -> Signature:
    """How an exported program is called."""
    state, constants, inputs = [], [], []
    slots: dict[str, list[int]] = {"state": [], "constants": [], "inputs": []}
    graph = graph_of(program.graph_module, check)
    nodes = [node for node in program.graph.nodes if node.op == "placeholder"]
    specs = program.graph_signature.input_specs
    for slot, node, spec in zip(graph.inputs, nodes, specs, strict=True):
        kind = spec.kind.name
        if kind in ("PARAMETER", "BUFFER"):
            state.append(aliases.get(spec.target, spec.target))
            slots["state"].append(slot)
        elif kind == "CONSTANT_TENSOR":
            constants.append(array_of(program.constants[spec.target]))
            slots["constants"].append(slot)
        elif kind == "USER_INPUT":
            inputs.append(_input(node, spec.arg))
            slots["inputs"].append(slot)
        else:
            raise _refused(f"inputs of kind {kind.lower()}")
    treedef, order = _arguments(program.call_spec.in_spec, inputs)
    given = [slots["inputs"][i] for i in order]
    graph = Graph((*slots["state"], *slots["constants"], *given), graph.steps, graph.result)
    changed, graph = _outputs(program.graph_signature.output_specs, graph, aliases)
    shape, results = _results(program, graph, len(changed))
    return Signature(
        graph=graph,
        state=tuple(state),
        constants=tuple(constants),
        arguments=treedef,
        inputs=tuple(inputs[i] for i in order),
        changed=changed,
        result=shape,
        order=results,
    )


def _input(node: Any, spec: Any) -> Input:
    value = node.meta.get("val")
    if not hasattr(value, "dtype"):
        return Input(None, None, getattr(spec, "value", value))
    shape = tuple(size if type(size) is int else None for size in value.shape)
    return Input(shape, dtype_of(value.dtype))


def _outputs(
    specs: Sequence[Any], graph: Graph, aliases: Mapping[str, str]
) -> tuple[tuple[str, ...], Graph]:
    """The buffers that change, and the graph with their new values first."""
    kinds = [spec.kind.name for spec in specs]
    for kind in kinds:
        if kind not in ("USER_OUTPUT", "BUFFER_MUTATION"):
            what = "an input changed in place" if "INPUT" in kind else kind.lower()
            raise _refused(what, "work on a copy: `x = x.clone()`")
    changing = [i for i, kind in enumerate(kinds) if kind == "BUFFER_MUTATION"]
    rest = [i for i in range(len(kinds)) if i not in changing]
    names = tuple(aliases.get(specs[i].target, specs[i].target) for i in changing)
    result = tuple(graph.result[i] for i in [*changing, *rest])
    return names, Graph(graph.inputs, graph.steps, result)


def _arguments(spec: Any, inputs: Sequence[Input]) -> tuple[TreeDef, tuple[int, ...]]:
    """The nest of arguments, with None as a part of it, and which input each leaf is."""
    args, kwargs = _plain(spec.unflatten(list(range(len(inputs)))))
    given = {
        i for i, wanted in enumerate(inputs) if wanted.shape is not None or wanted.value is not None
    }
    leaves, treedef = tree.flatten(_without((args, dict(sorted(kwargs.items()))), given))
    return treedef, tuple(leaves)


def _results(program: Any, graph: Graph, skipped: int) -> tuple[TreeDef, tuple[int, ...]]:
    """The nest of results, and for each of its leaves the place among the graph's results."""
    found = graph.result[skipped:]
    nest = _plain(program.call_spec.out_spec.unflatten(list(range(len(found)))))
    there = {i for i, value in enumerate(found) if value is not None}
    leaves, treedef = tree.flatten(_without(nest, there))
    return treedef, tuple(leaves)


def _plain(nest: Any) -> Any:
    """A nest of PyTorch's as one of ours: mappings are dicts, sequences tuples or lists."""
    if isinstance(nest, Mapping):
        return {key: _plain(part) for key, part in nest.items()}
    if isinstance(nest, tuple) and hasattr(nest, "_fields"):
        return type(nest)(*(_plain(part) for part in nest))
    if hasattr(nest, "n_sequence_fields"):  # what operations of several results give
        kind: Any = type(nest)
        return _named(kind)(*map(_plain, nest))
    if isinstance(nest, tuple | list):
        return type(nest)(_plain(part) for part in nest)
    if nest is None or isinstance(nest, int):
        return nest
    raise _refused(f"{type(nest).__name__} among arguments or results", "return a tuple or a dict")


@cache
def _named(kind: type[Any]) -> Any:
    """The named tuple that has the fields of one of `torch.return_types`."""
    return namedtuple(kind.__name__, kind.__match_args__)


def _without(nest: Any, kept: set[int]) -> Any:
    """A nest of numbers with None for those that are not kept."""
    leaves, treedef = tree.flatten(nest)
    return treedef.unflatten(leaf if leaf in kept else None for leaf in leaves)


def _refused(what: str, hint: str | None = None) -> UsageError:
    return UsageError("S0161", f"{what} cannot be taken over from PyTorch", hint=hint)


# --- before decomposing ----------------------------------------------------------------------


def detach_without_grad(module: Any, detach: Any) -> None:
    """Detach what parts under `torch.no_grad()` give: decomposing forgets that they were such."""
    for node in _nodes(module):
        if name_of(node.target) != "wrap_with_set_grad_enabled" or node.args[0]:
            continue
        body = getattr(node.graph.owning_module, node.args[1].target)
        (output,) = (inner for inner in body.graph.nodes if inner.op == "output")
        with body.graph.inserting_before(output):
            cut = tuple(_detached(body.graph, part, detach) for part in output.args[0])
        output.args = (cut,)
        body.recompile()


def _detached(graph: Any, part: Any, detach: Any) -> Any:
    if not hasattr(getattr(part, "meta", {}).get("val"), "dtype"):
        return part
    made = graph.call_function(detach, (part,))
    made.meta = dict(part.meta)
    return made


def _nodes(module: Any) -> Iterator[Any]:
    for inner in module.modules():
        if hasattr(inner, "graph"):
            yield from list(inner.graph.nodes)
