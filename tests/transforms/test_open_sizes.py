"""Modules that JAX exports for sizes to be chosen later, against JAX itself for several sizes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export, lax

import slopec as sp
from slopec.build import build
from slopec.diagnostics import ShapeError, UsageError
from slopec.imported import lower_file
from slopec.targets import parse_target

SIZES = ({"b": 1, "n": 4}, {"b": 5, "n": 6})


def attention(x: Any, y: Any) -> Any:
    scores = jnp.einsum("bnd,bmd->bnm", x, y) / 2
    mask = jnp.tril(jnp.ones(scores.shape[1:], bool))
    return jax.nn.softmax(jnp.where(mask, scores, -1e9), -1) @ y


def recurrent(x: Any) -> Any:
    h, ys = lax.scan(lambda h, row: (jnp.tanh(h + row), h.sum()), jnp.zeros_like(x[:, 0]), x.mT)
    return h, ys


def convolution(x: Any) -> Any:
    kernel = np.arange(18, dtype=np.float32).reshape(3, 3, 1, 2) / 18
    numbers = ("NHWC", "HWIO", "NHWC")
    y = lax.conv_general_dilated(x, kernel, (2, 2), "SAME", dimension_numbers=numbers)
    return lax.reduce_window(y, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 1, 1, 1), "SAME")


def loop(x: Any) -> Any:
    return lax.fori_loop(0, 3, lambda i, c: jnp.sin(c) * (i + 1.0), x)


def chosen(x: Any) -> Any:
    return lax.cond(x.sum() > 0, lambda x: x * 2, lambda x: jnp.concatenate([x[1:], x[:1]]), x)


def generated(x: Any) -> Any:
    return x + jax.random.normal(jax.random.key(0), x.shape, np.float32)


PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "rows": (lambda x: jax.nn.softmax(x @ jnp.ones((3, 2)), -1), ("b, 3",)),
    "mean": (lambda x: x - x.mean(0), ("b, 3",)),
    "merge": (lambda x: x.reshape(x.shape[0] * x.shape[1], -1), ("b, n, 2",)),
    "split": (lambda x: x.reshape(-1, 2).sum(0), ("b, 6",)),
    "strided": (lambda x: jnp.concatenate([x, x])[::2], ("b, 3",)),
    "prefixes": (lambda x: jnp.cumsum(x, 1), ("b, n",)),
    "positions": (lambda x: x * jnp.arange(x.shape[0])[:, None], ("b, n",)),
    "eye": (lambda x: x @ jnp.eye(x.shape[1]), ("b, n",)),
    "sorted": (lambda x: jnp.sort(x, 1), ("b, n",)),
    "ranks": (lambda x: x[:, jnp.argsort(x[0])], ("b, n",)),
    "largest": (lambda x: lax.top_k(x, 3)[0], ("b, n",)),
    "taken": (lambda x: jnp.take(x, jnp.array([2, 0]), axis=1), ("b, n",)),
    "added": (lambda x: jnp.asarray(x).at[:, jnp.array([1, 1])].add(x[:, :2]), ("b, n",)),
    "padded": (lambda x: jnp.pad(x, ((0, 0), (1, x.shape[0]))), ("b, n",)),
    "rolled": (lambda x: jnp.roll(jnp.flip(x, 1), 1, axis=1), ("b, n",)),
    "selected": (lambda x: lax.dynamic_slice(x, (0, 1), (1, 3)), ("b, n",)),
    "product": (lambda x, y: x @ y.T, ("b, n", "b, n")),
    "attention": (attention, ("b, n, 3", "b, n, 3")),
    "recurrent": (recurrent, ("b, n",)),
    "convolution": (convolution, ("b, n, n, 1",)),
    "loop": (loop, ("b, n",)),
    "chosen": (chosen, ("b, n",)),
    "generated": (generated, ("b, n",)),
    "factor": (lambda x: jnp.linalg.cholesky(x @ x.mT + 9 * jnp.eye(3)), ("b, 3, 3",)),
    "transformed": (lambda x: jnp.fft.fft(x).real, ("b, 8",)),
    "even": (lambda x: x.reshape(-1, 2), ("2 * b, 3",)),
}


def exported(function: Callable[..., Any], shapes: tuple[str, ...]) -> bytes:
    scope = export.SymbolicScope(["n >= 4"] if "n" in " ".join(shapes) else [])
    symbols = [export.symbolic_shape(shape, scope=scope) for shape in shapes]
    given = [jax.ShapeDtypeStruct(shape, np.float32) for shape in symbols]
    return bytes(
        export.export(jax.jit(function), platforms=("tpu",))(*given).mlir_module_serialized
    )


def arrays(shapes: tuple[str, ...], sizes: dict[str, int]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    made = [eval(f"({shape},)", {}, sizes) for shape in shapes]
    return [rng.normal(size=shape).astype(np.float32) for shape in made]


def total(function: Callable[..., Any]) -> Callable[..., Any]:
    """The sum of the sines of all that a function returns."""

    def run(*args: Any) -> Any:
        results = function(*args)
        results = results if isinstance(results, tuple) else (results,)
        np_like = jnp if isinstance(results[0], jax.Array) else sp
        return sum(np_like.sin(x).sum() for x in results)

    return run


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients_for_several_sizes(name: str) -> None:
    function, shapes = PROGRAMS[name]
    imported = sp.from_stablehlo(exported(function, shapes))
    for sizes in SIZES:
        given = arrays(shapes, sizes)
        value, gradient = jax.jit(lambda *xs: (function(*xs), jax.grad(total(function))(*xs)))(
            *given
        )
        wanted = jax.tree.leaves(value)
        results = imported(*given)
        found = results if isinstance(results, tuple) else (results,)
        for x, y in zip(found, wanted, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-5)
        slope = sp.grad(total(imported))(*map(sp.tensor, given))
        np.testing.assert_allclose(slope, gradient, rtol=1e-4, atol=1e-5)


def test_sizes_that_do_not_fit_are_told() -> None:
    function, shapes = PROGRAMS["product"]
    imported = sp.from_stablehlo(exported(function, shapes))
    with pytest.raises(ShapeError, match=r"dimension size args\[1\].shape\[1\] \(= 5\)"):
        imported(sp.ones((2, 4)), sp.ones((2, 5)))
    with pytest.raises(ShapeError, match=r"argument 0 has shape \(4,\), expected \(any, any\)"):
        imported(sp.ones((4,)), sp.ones((3, 4)))

    pairs = sp.from_stablehlo(exported(*PROGRAMS["even"]))
    assert pairs(sp.ones((4, 3))).shape == (6, 2)
    with pytest.raises(ShapeError, match="Division had remainder 1"):
        pairs(sp.ones((3, 3)))


UNCHECKED = """func.func @main(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %r = stablehlo.add %x, %y : tensor<?xf32>
  return %r : tensor<?xf32> }"""
BY_VALUE = """func.func @main(%x: tensor<?xf32>, %n: tensor<1xi32>) -> tensor<?xf32> {
  %r = stablehlo.dynamic_reshape %x, %n : (tensor<?xf32>, tensor<1xi32>) -> tensor<?xf32>
  return %r : tensor<?xf32> }"""


def test_modules_without_checks_are_checked_too() -> None:
    imported = sp.from_stablehlo(UNCHECKED)
    np.testing.assert_array_equal(imported(sp.ones(3), sp.ones(3)), 2 * np.ones(3))
    with pytest.raises(ShapeError, match=r"cannot take arguments of the shapes \(3,\), \(4,\)"):
        imported(sp.ones(3), sp.ones(4))


def test_sizes_that_are_values_are_refused() -> None:
    with pytest.raises(
        UsageError, match=r"`stablehlo\.dynamic_reshape` makes depends on values"
    ) as caught:
        sp.from_stablehlo(BY_VALUE)(sp.ones(3), sp.tensor([3], dtype="int32"))
    assert caught.value.code == "S0434"


def test_a_file_is_compiled_for_the_sizes_that_are_named(tmp_path: Path) -> None:
    function, shapes = PROGRAMS["attention"]
    path = tmp_path / "attention.mlir"
    path.write_bytes(exported(function, shapes))
    lowered = lower_file(path, None, {"b": [2], "n": [4, 6]})
    entry = lowered.entries["main"]

    assert [x.shape for x in (*entry.inputs, *entry.outputs)] == [("b", "n", 3)] * 3
    assert [v.dims for v in entry.variants] == [{"b": 2, "n": 4}, {"b": 2, "n": 6}]
    with pytest.raises(UsageError, match="no program has a dimension `arg0_0`"):
        lower_file(path, None, {"b": [2], "n": [4], "arg0_0": [2]})
    (artifact,) = build(lowered, [parse_target("llvm-cpu")])
    given = arrays(shapes, {"b": 2, "n": 6})
    found = artifact.load("local-sync")(*given).numpy()
    np.testing.assert_allclose(found, function(*given), rtol=1e-5, atol=1e-5)


def test_sizes_without_names_are_numbered(tmp_path: Path) -> None:
    path = tmp_path / "add.mlir"
    path.write_text(UNCHECKED)
    lowered = lower_file(path, None, {"arg0_0": [3], "arg1_0": [3]})
    assert [x.shape for x in lowered.entries["main"].inputs] == [(3,), (3,)]

    with pytest.raises(ShapeError, match=r"of the shapes \(1,\), \(32,\)"):
        lower_file(path, None)
    with pytest.raises(UsageError, match="no program has a dimension `arg2_0`"):
        lower_file(path, None, {"arg2_0": [3, 4]})
