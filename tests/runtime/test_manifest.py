"""The manifest: its JSON round-trips, and whatever is wrong with one is said exactly."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slopec_runtime.errors import Error
from slopec_runtime.manifest import Manifest
from slopec_runtime.tree import Branch, flatten, leaves, unflatten


@pytest.fixture
def document(manifest):
    return json.loads(manifest.to_json())


def test_json_round_trips(manifest):
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert Manifest.from_json(manifest.to_json().encode()) == manifest


def test_the_schema_is_the_documented_one(document):
    assert list(document) == [
        "format",
        "name",
        "producer",
        "target",
        "module",
        "dims",
        "cost",
        "entries",
        "state",
        "constants",
        "sources",
        "compilation",
    ]
    predict = document["entries"]["predict"]
    assert predict["inputs"][0] == {
        "name": "x",
        "shape": ["batch", 3],
        "dtype": "float32",
        "slot": None,
        "donated": False,
    }
    assert predict["arguments"] == [["x", 0]]
    assert predict["result"] == {"kind": "tuple", "items": [0, 1, 2]}
    assert predict["variants"] == [
        {"symbol": "predict.1", "dims": {"batch": 1}},
        {"symbol": "predict.4", "dims": {"batch": 4}},
    ]
    assert document["entries"]["step"]["result"] == {
        "kind": "dict",
        "items": [0, 1],
        "keys": ["loss", "w"],
    }
    assert document["entries"]["init"]["result"] == {"kind": "none"}


REMOVED = object()
BROKEN = [
    (["format"], 2, "S0505", "has format 2"),
    (["format"], "1", "S0504", "format must be an integer, not '1'"),
    (["name"], REMOVED, "S0504", "name is missing"),
    (["nmae"], 1, "S0504", "nmae is not a known field"),
    (["target"], None, "S0504", "target must be an object, not None"),
    (["target", "drivers"], [], "S0504", "target.drivers must name at least one"),
    (["target", "features"], "avx2", "S0504", "target.features must be a list, not 'avx2'"),
    (["module", "size"], -1, "S0504", "module.size must not be negative"),
    (["module", "size"], True, "S0504", "module.size must be an integer, not True"),
    (["cost", "flops"], "many", "S0504", "cost.flops must be a number"),
    (["cost"], 1, "S0504", "cost must be an object or null, not 1"),
    (["dims", "batch", "sizes"], [], "S0504", "dims.batch.sizes must be distinct"),
    (["dims", "batch", "sizes"], [1, 1], "S0504", "dims.batch.sizes must be distinct"),
    (["dims", "batch", "sizes"], [0, 1], "S0504", "positive"),
    (["dims", "batch"], REMOVED, "S0504", "names the dimension 'batch', which is not in dims"),
    (["state", "w", "shape"], [3, -2], "S0504", "state.w.shape[1] must not be negative"),
    (["state", "w", "shape"], ["batch"], "S0504", "state.w.shape[0] must be an integer"),
    (["state", "w", "dtype"], "float31", "S0504", "did you mean 'float"),
    (["state", "w", "dtype"], "float64", "S0504", "'w' has another shape or dtype"),
    (["state", "w"], REMOVED, "S0504", "'w' is not in state"),
]
ENTRY = [
    ("predict", ["inputs", 0, "shape", 1], -3, "inputs[0].shape[1] must not be negative"),
    ("predict", ["inputs", 0, "shape", 1], 1.5, "must be an integer or a string, not 1.5"),
    ("predict", ["inputs", 0, "shape", 1], "batch", "'batch' in a formula or twice"),
    ("predict", ["inputs", 0, "shape", 1], "2 * batch", "'batch' in a formula or twice"),
    ("predict", ["inputs", 0, "shape", 1], "batch ** 2", "is no formula of dimensions"),
    ("predict", ["inputs", 0, "shape", 1], "1 + 2", "names no dimension"),
    ("predict", ["inputs", 0, "shape", 1], "batc", "which is not in dims"),
    ("predict", ["inputs", 0, "donated"], 1, "inputs[0].donated must be true or false"),
    ("predict", ["arguments"], [], "must use each of the inputs [0] exactly once, not []"),
    ("predict", ["arguments"], [["x", 0], ["x", 0]], "arguments must have distinct names"),
    ("predict", ["arguments"], [["x", 1]], "must use each of the inputs [0]"),
    ("predict", ["arguments"], [["x"]], "arguments[0] must have 2 items, not 1"),
    ("predict", ["result"], 3, "result refers to output 3 of 3"),
    ("predict", ["result"], {"kind": "set"}, "result.kind must be 'tuple' or 'list'"),
    ("predict", ["result"], {"kind": "dict", "items": [0]}, "keys that do not match"),
    ("predict", ["result"], {"kind": "none", "items": [0]}, "none with items"),
    ("predict", ["result"], [0], "result must be an integer or an object, not [0]"),
    ("predict", ["variants"], [], "variants must hold at least one"),
    ("predict", ["variants", 0, "dims"], {}, "must give a size for each of ['batch']"),
    ("predict", ["variants", 0, "dims"], {"batch": 4}, "variants[1].dims repeats"),
    ("predict", ["variants", 0, "dims"], {"batch": 7}, "is 7, which dims.batch.sizes does not"),
    ("peek", ["outputs", 0, "shape", 0], "batch", "which no input determines"),
    ("step", ["outputs", 1, "slot"], None, "donates 'w' but no output sets it"),
    ("step", ["outputs", 2, "slot"], "w", "'w' is used twice"),
    ("step", ["inputs", 0, "slot"], "nope", "'nope' is not in state"),
]


def edit(document, path, value):
    for step in path[:-1]:
        document = document[step]
    if value is REMOVED:
        del document[path[-1]]
    else:
        document[path[-1]] = value


@pytest.mark.parametrize(("path", "value", "code", "part"), BROKEN)
def test_what_is_wrong_is_said(document, failure, path, value, code, part):
    edit(document, path, value)

    assert part in failure(code, Manifest.from_json, json.dumps(document))


@pytest.mark.parametrize(("entry", "path", "value", "part"), ENTRY)
def test_what_is_wrong_with_an_entry_is_said(document, failure, entry, path, value, part):
    edit(document, ["entries", entry, *path], value)

    text = failure("S0504", Manifest.from_json, json.dumps(document))
    assert f"manifest: entries.{entry}" in text
    assert part in text


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1", '"x"', "[" * 100_000, b"\xff\xfe"])
def test_what_is_no_manifest_at_all(failure, text):
    failure("S0504", Manifest.from_json, text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


def outcome(function, *args, **kwargs):
    """What a function returns, or the runtime's Error it raises; any other exception passes."""
    try:
        return function(*args, **kwargs)
    except Error as problem:
        return problem


def places(node, path=()):
    """The path of every value in a JSON document."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


@given(data=st.data())
def test_no_value_anywhere_makes_the_reader_stumble(manifest, data):
    document = copy.deepcopy(json.loads(manifest.to_json()))
    for name in list(document["entries"]):
        if name.startswith("flip"):
            del document["entries"][name]
    path = data.draw(st.sampled_from(list(places(document))))
    edit(document, path, data.draw(VALUES))

    read = outcome(Manifest.from_json, json.dumps(document))

    if isinstance(read, Error):
        assert read.code in ("S0504", "S0505")
    else:
        assert Manifest.from_json(read.to_json()) == read


TREES = st.recursive(
    st.just(0) | st.just(Branch("none")),
    lambda inner: (
        st.builds(Branch, st.sampled_from(["tuple", "list"]), st.lists(inner).map(tuple))
        | st.dictionaries(st.text(), inner, max_size=3).map(
            lambda d: Branch("dict", tuple(d.values()), tuple(d))
        )
    ),
    max_leaves=8,
)


def numbered(tree, counter):
    """The tree with its leaves numbered from left to right."""
    if isinstance(tree, int):
        return next(counter)
    return Branch(tree.kind, tuple(numbered(item, counter) for item in tree.items), tree.keys)


@given(tree=TREES)
def test_flattening_undoes_unflattening(tree):
    tree = numbered(tree, iter(range(1000)))
    values = [f"leaf {i}" for i in leaves(tree)]
    found: dict[int, str] = {}

    flatten(tree, unflatten(tree, values), "x", found.__setitem__)

    assert [found[i] for i in range(len(values))] == values
