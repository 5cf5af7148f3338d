"""Reading and writing at computed places."""

import jax.numpy as jnp
import numpy as np
from jax import lax

from tests.transforms.harness import Case, normal

X = normal(5, 3)
REPEATED, OUTSIDE = np.array([0, 2, 2, 1]), np.array([0, 9, -7, 1])


def update(kind, **options):
    return lambda x, u, i: getattr(x.at[i], kind)(u, mode="drop", **options)


def window_scatter(kind):
    """Windows of two rows, some of which stick out."""
    numbers = lax.ScatterDimensionNumbers((0, 1), (), (0, 1))
    scatter = getattr(lax, kind)
    return lambda x, u, i: scatter(x, i, u, numbers, mode="drop")


WINDOW_SCATTER = """
func.func public @main(%x: tensor<5x3xf64>, %u: tensor<4x2x2xf64>, %i: tensor<4x2xi64>)
    -> tensor<5x3xf64> {
  %0 = "stablehlo.scatter"(%x, %i, %u) <{
      scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2],
      scatter_dims_to_operand_dims = [1, 0], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<f64>, %b: tensor<f64>):
    BODY
  }) : (tensor<5x3xf64>, tensor<4x2xi64>, tensor<4x2x2xf64>) -> tensor<5x3xf64>
  return %0 : tensor<5x3xf64>
}
"""
ADD = "%s = stablehlo.add %a, %b : tensor<f64> stablehlo.return %s : tensor<f64>"
SUBTRACT = "%s = stablehlo.subtract %a, %b : tensor<f64> stablehlo.return %s : tensor<f64>"
SET = "stablehlo.return %b : tensor<f64>"
KEEP = "stablehlo.return %a : tensor<f64>"
TWO_SCATTERS = """
func.func public @main(%x: tensor<5xf64>, %y: tensor<5xf64>, %u: tensor<3xf64>, %v: tensor<3xf64>,
    %i: tensor<3x1xi32>) -> (tensor<5xf64>, tensor<5xf64>) {
  %0:2 = "stablehlo.scatter"(%x, %y, %i, %u, %v) <{
      scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0],
      scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<f64>, %b: tensor<f64>, %c: tensor<f64>, %d: tensor<f64>):
    %s = stablehlo.add %a, %c : tensor<f64>
    stablehlo.return %s, %d : tensor<f64>, tensor<f64>
  }) : (tensor<5xf64>, tensor<5xf64>, tensor<3x1xi32>, tensor<3xf64>, tensor<3xf64>)
      -> (tensor<5xf64>, tensor<5xf64>)
  return %0#0, %0#1 : tensor<5xf64>, tensor<5xf64>
}
"""
PARTLY_OUT = np.array([[0, 0], [2, 4], [-1, 1], [1, 3]])

CASES = [
    Case("take", lambda x: jnp.take(x, REPEATED, axis=1, mode="clip"), (normal(2, 3, 4),)),
    Case("take clipped", lambda x, i: jnp.take(x, i, 0, mode="clip"), (X, OUTSIDE)),
    Case("take or fill", lambda x, i: x.at[i].get(mode="fill", fill_value=0.0), (X, OUTSIDE)),
    Case("take pairs", lambda x, i, j: x[i, j], (X, REPEATED, np.array([[0], [1]]))),
    Case(
        "take along",
        lambda x, i: jnp.take_along_axis(x, i, 1, mode="clip"),
        (X, np.array([[0, 0], [1, 2], [2, 2], [0, 1], [1, 0]])),
    ),
    Case("take complex", lambda x, i: x[i], (normal(5, 3, kind="c"), REPEATED)),
    Case("take bytes", lambda x, i: x.at[i].get(mode="clip"), (normal(300), np.uint8([7, 255]))),
    Case("take nothing", lambda x, i: x[i], (X, np.zeros((0,), int))),
    Case(
        "dynamic_slice",
        lambda x, i, j: lax.dynamic_slice(x, (i, j), (2, 2)),
        (X, np.int32(4), np.int32(1)),
    ),
    Case(
        "dynamic_update_slice",
        lambda x, u, i, j: lax.dynamic_update_slice(x, u, (i, j)),
        (X, normal(2, 2), np.int32(4), np.int32(-3)),
    ),
    *(
        Case(f"scatter {kind}", update(kind), (X, normal(4, 3), np.array([0, 2, 0, 7])))
        for kind in ("add", "max", "min", "set")
    ),
    Case("scatter mul", update("mul"), (X, normal(4, 3), np.array([0, 2, 0, 7])), jax=False),
    Case(
        "scatter mul with a zero",
        update("mul"),
        (normal(5), np.array([2.0, 0.0, 3.0, 5.0]), np.array([1, 1, 1, 2])),
        jax=False,
    ),
    *(
        Case(
            f"scatter {kind} apart",
            update(kind, unique_indices=True),
            (X, normal(3, 3), np.array([0, 2, 1])),
        )
        for kind in ("add", "max", "min", "mul", "set")
    ),
    Case(
        "scatter apply",
        lambda x, i: x.at[i].apply(jnp.sin, unique_indices=True),
        (X, np.array([0, 2, 1])),
        jax=False,
    ),
    Case("scatter one", lambda x, u, i: x.at[i].set(u), (X, normal(3), np.int32(2))),
    Case("scatter nothing", update("add"), (X, normal(0, 3), np.zeros((0,), int))),
    *(
        Case(
            f"scatter {name} windows",
            WINDOW_SCATTER.replace("BODY", body),
            (X, normal(4, 2, 2), PARTLY_OUT),
        )
        for name, body in (("add", ADD), ("subtract", SUBTRACT), ("set", SET), ("keep", KEEP))
    ),
    Case(
        "scatter two",
        TWO_SCATTERS,
        (normal(5), normal(5), normal(3), normal(3), np.int32([[1], [4], [1]])),
    ),
]
