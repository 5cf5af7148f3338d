"""What the package `onnx` knows of its operators: reading, folding, and bodies of functions."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from slopec.interop.onnx.graph import Graph, Node, Value
from slopec.interop.onnx.types import number_of

_EVALUATORS: dict[bytes, Any] = {}
"""Evaluators of single nodes by what these are, since making one takes longer than running it."""


def fold(node: Node, inputs: list[Any]) -> tuple[Value, ...]:
    """What ONNX's reference makes of a node whose inputs are known."""
    from onnx import ValueInfoProto, helper
    from onnx.reference import ReferenceEvaluator

    key = node.proto.SerializeToString(deterministic=True) + bytes([node.version])
    if key not in _EVALUATORS:
        untyped = [ValueInfoProto(name=n) for n in dict.fromkeys(node.inputs) if n]
        results = [ValueInfoProto(name=n) for n in node.outputs if n]
        graph = helper.make_graph([node.proto], "node", untyped, results)
        opset = [helper.make_opsetid(node.proto.domain, node.version)]
        _EVALUATORS[key] = ReferenceEvaluator(helper.make_model(graph, opset_imports=opset))
    given = {name: v for name, v in zip(node.inputs, inputs, strict=True) if name}
    found = iter(_EVALUATORS[key].run(None, given))
    return tuple(np.asarray(next(found)) if name else None for name in node.outputs)


def body_of(node: Node, inputs: list[Value]) -> Graph | None:
    """The graph of other operators by which ONNX defines this one, or None."""
    from onnx import defs, helper

    try:
        schema = defs.get_schema(node.op, node.version, node.proto.domain)
    except defs.SchemaError:
        return None
    if schema.has_function:
        function = schema.function_body
    elif schema.has_context_dependent_function:
        from onnx import FunctionProto

        types = [
            helper.make_tensor_type_proto(number_of(v.dtype), v.shape).SerializeToString()
            if v is not None
            else b""
            for v in inputs
        ]
        text = schema.get_context_dependent_function_with_opset_version(
            node.version, node.proto.SerializeToString(), types
        )
        function = FunctionProto.FromString(text)
    else:
        return None
    versions = {opset.domain: opset.version for opset in function.opset_import}
    given = {a.name: a for a in node.proto.attribute}
    nodes = [_bound(inner, given, schema) for inner in function.node]
    return Graph(
        tuple(function.input),
        tuple(function.output),
        {},
        tuple(read_node(inner, versions) for inner in nodes),
    )


def _bound(node: Any, given: Mapping[str, Any], schema: Any) -> Any:
    """A node of a function's body with attributes in place of references to the function's."""
    from onnx import NodeProto

    bound = NodeProto()
    bound.CopyFrom(node)
    del bound.attribute[:]
    for attribute in node.attribute:
        name = attribute.ref_attr_name
        if not name:
            bound.attribute.append(attribute)
            continue
        default = schema.attributes.get(name) if schema is not None else None
        value = given.get(name)
        if value is None and default is not None and default.default_value.name:
            value = default.default_value
        if value is not None:
            copied = bound.attribute.add()
            copied.CopyFrom(value)
            copied.name = attribute.name
    return bound


def read_node(node: Any, versions: Mapping[str, int]) -> Node:
    """A node of ONNX as one of ours."""
    from onnx import AttributeProto, helper

    attributes: dict[str, Any] = {}
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        if attribute.type == AttributeProto.GRAPH:
            value = read_graph(value, versions)
        elif isinstance(value, bytes):
            value = value.decode()
        elif attribute.type == AttributeProto.STRINGS:
            value = [part.decode() for part in value]
        attributes[attribute.name] = value
    domain = "" if node.domain == "ai.onnx" else node.domain
    op = f"{domain}::{node.op_type}" if domain else node.op_type
    version = versions.get(node.domain, versions.get("", 1))
    return Node(op, node.name, tuple(node.input), tuple(node.output), attributes, node, version)


def read_graph(graph: Any, versions: Mapping[str, int]) -> Graph:
    """A graph of ONNX as one of ours, with its initializers as constants."""
    from onnx import numpy_helper

    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    digest = hashlib.sha256(graph.SerializeToString(deterministic=True)).hexdigest()
    return Graph(
        tuple(value.name for value in graph.input if value.name not in constants),
        tuple(value.name for value in graph.output),
        constants,
        tuple(read_node(node, versions) for node in graph.node),
        digest,
    )
