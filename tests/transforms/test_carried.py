"""Artifacts carry their StableHLO, which is differentiated, batched and compiled again."""

import numpy as np
import pytest

import slopec as sp
from slopec.build import CARRIED, build
from slopec.diagnostics import UsageError
from slopec.lower import lower
from slopec.targets import parse_target
from slopec_runtime.artifact import read
from slopec_runtime.errors import Error

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4)).astype("float32")
W = RNG.normal(size=(4, 4)).astype("float32")
WEIGHT, NOTHING = sp.tensor(W), sp.zeros(())
LARGE = sp.tensor(RNG.normal(size=(2, CARRIED // 8 + 1)).astype("float32"))


@sp.program(x=sp.spec("float32", ("batch", 4)))
def predict(x, w=WEIGHT):
    """Through a loop, so that what is carried has functions, calls and regions."""
    return sp.fori_loop(0, 3, lambda i, y: sp.tanh(y @ w), x)


@sp.program(state=("total",), x=sp.spec("float32", (3, 4)))
def add(x, total=NOTHING):
    """A sum that is kept between calls."""
    return total + (x * x).sum(), x.mean()


@sp.program(x=sp.spec("float32", (2,)))
def heavy(x, w=LARGE):
    """Weights just above what is carried by default."""
    return (x[:, None] * w).sum()


def expected(x):
    for _ in range(3):
        x = sp.tanh(x @ W)
    return x


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    lowered = lower([predict, add], name="both", dims={"batch": [1, 3]})
    (artifact,) = build(lowered, [parse_target("llvm-cpu")])
    return artifact.save(tmp_path_factory.mktemp("carried") / "both.vmfb")


def weighted(function):
    return lambda x: (function(x) ** 2).sum()


def test_an_entry_is_a_function(path):
    function = sp.load_function(path, "predict", dims={"batch": 3})
    pairs = {
        "value": (function(X), expected(X)),
        "grad": (sp.grad(weighted(function))(X), sp.grad(weighted(expected))(X)),
        "jvp": (sp.jvp(function, (X,), (X,))[1], sp.jvp(expected, (X,), (X,))[1]),
        "hvp": (sp.hvp(weighted(function), (X,), (X,)), sp.hvp(weighted(expected), (X,), (X,))),
        "vmap": (sp.vmap(function)(np.stack([X, -X])), sp.vmap(expected)(np.stack([X, -X]))),
        "third": (
            sp.grad(lambda x: (sp.hvp(weighted(function), (x,), (x,)) ** 2).sum())(X),
            sp.grad(lambda x: (sp.hvp(weighted(expected), (x,), (x,)) ** 2).sum())(X),
        ),
    }
    for ours, theirs in pairs.values():
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=2e-4, atol=1e-6)


def test_its_derivative_is_compiled_again(path, tmp_path):
    function = sp.load_function(path, "predict", dims={"batch": 3})

    @sp.program(x=sp.spec("float32", (3, 4)))
    def slope(x):
        return sp.grad(weighted(function))(x)

    targets = [parse_target(name) for name in ("vmvx", "cuda", "metal")]
    artifacts = build(lower([slope], name="slope"), targets)
    result = artifacts[0].load()(X)
    np.testing.assert_allclose(result, sp.grad(weighted(expected))(X).numpy(), rtol=1e-3, atol=1e-5)
    # The new artifact carries StableHLO too: a second derivative of what came from a file.
    again = sp.load_function(artifacts[1].save(tmp_path / "slope.vmfb"))
    curvature = sp.jvp(again, (X,), (X,))[1]
    np.testing.assert_allclose(
        curvature.numpy(), sp.hvp(weighted(expected), (X,), (X,)).numpy(), rtol=1e-3, atol=1e-5
    )


def test_state_is_an_argument(path):
    function = sp.load_function(path, entry="add")
    names = [given.name for given in read(path).manifest.entries["add"].inputs]
    values = {"x": X, "total": np.float32(2.0)}
    total, mean = function(*(values[name] for name in names))
    np.testing.assert_allclose(total.item(), 2 + (X * X).sum(), rtol=1e-5)
    np.testing.assert_allclose(mean.item(), X.mean(), rtol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "which entry is not said"),
        (("predict",), "several sizes"),
        (("predcit",), "no entry `predcit`"),
    ],
)
def test_what_is_not_said(path, arguments, said):
    with pytest.raises(UsageError, match=said) as caught:
        sp.load_function(path, *arguments)
    assert caught.value.code == "S0411"


def test_a_size_that_was_not_compiled(path):
    with pytest.raises(UsageError, match="was not compiled for batch=7") as caught:
        sp.load_function(path, "predict", dims={"batch": 7})
    assert "batch=1; batch=3" in str(caught.value)


def test_what_is_carried_and_what_not(path, tmp_path):
    text = bytes(read(path).stablehlo)
    assert __file__.encode() not in text
    large = lower([heavy], name="heavy")
    for carry, kept in ((None, False), (True, True)):
        (artifact,) = build(large, [parse_target("vmvx")], carry_stablehlo=carry)
        file = artifact.save(tmp_path / "heavy.vmfb")
        assert (read(file).stablehlo is not None) == kept
        if not kept:
            with pytest.raises(UsageError, match="S0425"):
                sp.load_function(file)


def test_files_that_are_none(tmp_path):
    with pytest.raises(Error, match="S0501"):
        sp.load_function(tmp_path / "missing.vmfb")
    (tmp_path / "noise.vmfb").write_bytes(b"noise" * 100)
    with pytest.raises(Error):
        sp.load_function(tmp_path / "noise.vmfb")


def test_derivatives_that_come_from_a_file_are_not_taken_for_ours(tmp_path):
    def loss(x):
        return (x**3).sum()

    @sp.program(x=sp.spec("float32", (2,)))
    def main(x):
        return sp.grad(loss)(x)

    (artifact,) = build(lower([main], name="slope"), [parse_target("vmvx")])
    cubic = sp.load_function(artifact.save(tmp_path / "slope.vmfb"))

    def both():
        def loss(x):
            return (5.0 * x).sum()

        return sp.jit(lambda x: (cubic(x), sp.grad(loss)(x), cubic(x)))

    x = np.float32([1.0, 2.0])
    first, ours, second = both()(x)
    np.testing.assert_array_equal(first, 3 * x**2)
    np.testing.assert_array_equal(second, 3 * x**2)
    np.testing.assert_array_equal(ours, [5.0, 5.0])
