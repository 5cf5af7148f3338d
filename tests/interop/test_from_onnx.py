"""Models of ONNX as modules: values as ONNX's own reference has them, gradients, names, errors."""

import numpy as np
import pytest

import slopec as sp
from slopec.diagnostics import ShapeError, SlopecError, UsageError
from slopec.interop import from_onnx as reader

X = np.random.default_rng(0).standard_normal((2, 3, 8, 8)).astype(np.float32)

CONVNET = """
    c = Conv<kernel_shape = [3, 3], auto_pad = "SAME_UPPER", strides = [2, 2]>(x, conv.weight)
    n = BatchNormalization(c, norm.scale, norm.bias, norm.mean, norm.var)
    a = Clip(n, low, high)
    p = MaxPool<kernel_shape = [2, 2], strides = [2, 2], ceil_mode = 1>(a)
    shape = Shape(p)
    batch = Gather(shape, zero)
    sizes = Concat<axis = 0>(batch, rest)
    f = Reshape(p, sizes)
    y = Gemm<transB = 1, alpha = 0.5>(f, head.weight, head.bias)
"""

RECURRENT = """
    rows = Reshape(x, sizes)
    ys, h, c = LSTM<hidden_size = 4, direction = "bidirectional">(rows, W, R, B)
    first = Slice(ys, zero, one, zero)
    flat = Flatten<axis = 2>(first)
    y = LogSoftmax<axis = -1>(flat)
"""

IMAGES = """
    big = Resize<mode = "cubic">(x, , scales)
    few, places = TopK<axis = 1>(big, one)
    u = ConvTranspose<strides = [2, 2], pads = [1, 0, 0, 1]>(x, up)
    s = ReduceMean<axes = [1, 2], keepdims = 0>(u)
    t = AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(few)
    q = ReduceL2<axes = [1, 2], keepdims = 0>(t)
    k = Einsum<equation = "ni,nj->nij">(s, q)
    y = ReduceSum<keepdims = 1>(k, two)
"""


def normal(*shape):
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def ints(*values):
    return np.array(values, dtype=np.int64)


CASES = {
    "convnet": (
        CONVNET,
        {
            "conv.weight": normal(4, 3, 3, 3),
            "norm.scale": normal(4),
            "norm.bias": normal(4),
            "norm.mean": normal(4),
            "norm.var": np.abs(normal(4)),
            "low": np.float32(-1),
            "high": np.float32(2),
            "zero": ints(0),
            "rest": ints(-1),
            "head.weight": normal(5, 16),
            "head.bias": normal(5),
        },
    ),
    "recurrent": (
        RECURRENT,
        {
            "sizes": ints(6, 2, 32),
            "W": normal(2, 16, 32),
            "R": normal(2, 16, 4),
            "B": normal(2, 32),
            "zero": ints(0),
            "one": ints(1),
        },
    ),
    "images": (
        IMAGES,
        {
            "scales": np.array([1, 1, 1.5, 2], dtype=np.float32),
            "one": ints(1),
            "two": ints(2),
            "up": normal(3, 2, 3, 3),
        },
    ),
}


def model(body, weights):
    onnx = pytest.importorskip("onnx")
    nodes = onnx.parser.parse_graph(
        f"net (float[N, 3, 8, 8] x) => (float[A, B] y) {{ {_plain(body)} }}"
    )
    del nodes.output[0].type.tensor_type.shape.dim[:]
    nodes.output[0].type.tensor_type.ClearField("shape")
    for node in nodes.node:
        node.input[:] = [name.replace("__", ".") for name in node.input]
    nodes.initializer.extend(onnx.numpy_helper.from_array(v, n) for n, v in weights.items())
    return onnx.helper.make_model(nodes, opset_imports=[onnx.helper.make_opsetid("", 17)])


def _plain(body):
    """Names without dots, which the parser does not take."""
    import re

    return re.sub(r"([a-z])\.([a-z])", r"\1__\2", body)


@pytest.mark.parametrize("name", CASES)
def test_values_are_those_of_the_reference(name):
    onnx = pytest.importorskip("onnx.reference")
    proto = model(*CASES[name])
    (expected,) = onnx.ReferenceEvaluator(proto).run(None, {"x": X})

    ours = sp.from_onnx(proto.SerializeToString())
    np.testing.assert_allclose(ours(X).numpy(), expected, rtol=2e-4, atol=2e-5)
    np.testing.assert_allclose(sp.jit(ours)(X).numpy(), expected, rtol=2e-4, atol=2e-5)


def test_weights_have_their_names_and_gradients(tmp_path):
    body, weights = CASES["convnet"]
    path = tmp_path / "net.onnx"
    path.write_bytes(model(body, weights).SerializeToString())
    ours = sp.from_onnx(path)

    assert [name for name, _ in ours.named_parameters()] == [
        *("conv.weight", "norm.scale", "norm.bias", "head.weight", "head.bias")
    ]
    assert [name for name, _ in ours.named_buffers()] == ["norm.mean", "norm.var"]
    slope = sp.grad(lambda net, x: net(x).sum())(ours, sp.asarray(X))
    np.testing.assert_allclose(slope.head.bias.numpy(), np.full(5, 2.0))
    step = np.zeros((4, 3, 3, 3), dtype=np.float32)
    step[1, 2, 0, 1] = 1e-2
    ends = []
    for sign in (1, -1):
        moved = {**weights, "conv.weight": weights["conv.weight"] + sign * step}
        ends.append(float(sp.from_onnx(model(body, moved))(X).sum()))
    wanted = (ends[0] - ends[1]) / 2e-2
    assert float(slope.conv.weight[1, 2, 0, 1]) == pytest.approx(wanted, rel=0.05, abs=0.05)


NAMES = [
    ("a..b", "a._.b"),
    ("a", "a.b"),
    ("a.b", "a", "a_b_"),
    ("training", "a.train"),
    (".", ".."),
]


@pytest.mark.parametrize("names", NAMES)
def test_weights_whose_names_cannot_stand_side_by_side(names):
    weights = {name: np.full(8, 2.0**i, np.float32) for i, name in enumerate(names)}
    proto = model("y = Sum(x)", weights)
    proto.graph.node[0].input.extend(names)
    ours = sp.from_onnx(proto)

    assert len(ours.state_dict()) == len(names)
    np.testing.assert_allclose(ours(X).numpy(), X + 2.0 ** len(names) - 1, rtol=1e-6)


def test_places_below_zero_count_once_from_the_end():
    places = ints(-8, 7, -1).reshape(1, 1, 1, 3)
    ours = sp.from_onnx(model("y = GatherElements<axis = 3>(x, i)", {"i": places}))
    np.testing.assert_array_equal(ours(X).numpy(), X[:1, :1, :1, [0, 7, 7]])
    past = sp.from_onnx(model("y = Gather<axis = 3>(x, i)", {"i": ints(-9)}))
    np.testing.assert_array_equal(past(X).numpy(), X[..., :1])


def test_what_has_no_counterpart_names_its_node():
    onnx = pytest.importorskip("onnx")
    nodes = onnx.parser.parse_graph("net (float[2] x) => (float[2] y) { y = StringNormalizer(x) }")
    nodes.node[0].name = "odd"
    with pytest.raises(UsageError, match=r"S0164(.|\n)*in the node `odd`"):
        sp.from_onnx(onnx.helper.make_model(nodes))(sp.zeros(2))


def test_conditions_are_known_or_refused():
    onnx = pytest.importorskip("onnx")
    text = """<ir_version: 8, opset_import: ["": 17]> net (float[N] x, bool c) => (float[N] y) {
        y = If (c) <then_branch = g () => (float[N] a) { a = Exp(x) },
                    else_branch = h () => (float[N] b) { b = Neg(x) }>
    }"""
    ours = sp.from_onnx(onnx.parser.parse_model(text))
    assert ours(sp.ones(2), sp.asarray(False)).tolist() == [-1.0, -1.0]
    with pytest.raises(UsageError, match="S0164"):
        sp.jit(ours)(sp.ones(2), sp.asarray(True))


def test_other_arguments_and_files_are_refused(tmp_path):
    ours = sp.from_onnx(model(*CASES["images"]))
    for args, options in (((X, X), {}), ((X,), {"x": X})):
        with pytest.raises(UsageError, match="S0165"):
            ours(*args, **options)
    with pytest.raises(UsageError, match="S0165"):
        sp.from_onnx(b"")
    with pytest.raises(ShapeError, match="`x` has shape"):
        ours(X[0])
    with pytest.raises(UsageError, match="S0165"):
        sp.from_onnx(tmp_path / "nothing.onnx")


def test_without_the_package_the_error_says_so(monkeypatch):
    monkeypatch.setattr(reader, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="S0163"):
        sp.from_onnx("net.onnx")


MISFITS = {
    "channels": ("Conv(x, w)", {"w": normal(2, 4, 3, 3)}, "S0101"),
    "groups": ("ConvTranspose<group = 2>(x, w)", {"w": normal(3, 4, 3, 3)}, "S0101"),
    "large kernel": ("Conv(x, w)", {"w": normal(2, 3, 9, 9)}, "S0101"),
    "large window": ("MaxPool<kernel_shape = [9, 9]>(x)", {}, "S0101"),
    "rank of windows": ("MaxPool<kernel_shape = [2]>(x)", {}, "S0101"),
    "too many inputs": ("Exp(x, x)", {}, "S0165"),
    "too few inputs": ("Add(x)", {}, "S0165"),
    "an input that nothing makes": ("Add(x, z)", {}, "S0165"),
    "axis": ("ScatterElements<axis = 7>(x, i, x)", {"i": ints(0)}, "S0107"),
    "margins of one side": ("LpPool<kernel_shape = [2, 2], pads = [1, 1]>(x)", {}, "S0101"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_fit_names_its_node_and_the_line_that_runs_it(name):
    call, weights, code = MISFITS[name]
    with pytest.raises(SlopecError, match=r"in the node (.|\n)* of `y`") as caught:
        sp.from_onnx(model(f"y = {call}", weights))(X)
    assert caught.value.code == code
    assert caught.value.span.file == __file__
