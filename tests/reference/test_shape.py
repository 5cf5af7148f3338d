"""Moving elements: reshape, transpose, slice, pad and their kin, against XLA."""

from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from tests.reference.harness import Group, sample

X = sample((3, 4, 5), "float32")
SHAPES = Group()
SHAPES.add("reshape", lambda x: x.reshape(5, 12), X)
SHAPES.add("transpose", lambda x: x.transpose(2, 0, 1), X)
SHAPES.add("broadcast", lambda x: lax.broadcast(x, (2, 1)), X)
SHAPES.add("broadcast_in_dim", lambda x: lax.broadcast_in_dim(x, (3, 2, 4, 5), (0, 2, 3)), X)
SHAPES.add(
    "expand ones", lambda x: lax.broadcast_in_dim(x, (4, 2, 3), (0, 2)), sample((4, 1), "int8")
)
SHAPES.add("scalar", lambda x: lax.broadcast(x, (2, 3)), np.float32(2))
SHAPES.add("slice", lambda x: lax.slice(x, (0, 1, 1), (3, 4, 5), (2, 1, 3)), X)
SHAPES.add("reverse", lambda x: lax.rev(x, (0, 2)), X)
SHAPES.add(
    "concatenate", lambda x, y: lax.concatenate([x, y, x], 1), X, sample((3, 0, 5), "float32")
)
SHAPES.add("iota", lambda: lax.broadcasted_iota(jnp.bfloat16, (2, 3, 4), 1))
for _starts in [(0, 0, 0), (1, 2, 3), (9, -9, 100)]:
    _where = tuple(np.int32(s) for s in _starts)
    SHAPES.add(
        f"dynamic_slice {_starts}", lambda x, *s: lax.dynamic_slice(x, s, (2, 2, 2)), X, *_where
    )
    SHAPES.add(
        f"dynamic_update_slice {_starts}",
        lambda x, u, *s: lax.dynamic_update_slice(x, u, s),
        X,
        sample((2, 3, 1), "float32", 1),
        *_where,
    )
for _pads in [
    [(1, 2, 0), (0, 0, 0), (0, 0, 2)],
    [(-1, 0, 0), (0, -2, 0), (-1, -1, 0)],
    [(-2, 1, 1), (3, -4, 2), (-9, 20, 1)],
    [(0, -3, 0), (0, 0, 0), (0, 0, 0)],
]:
    SHAPES.add(f"pad {_pads}", partial(lax.pad, padding_config=_pads), X, np.float32(7))
SHAPES.add("pad nothing", lambda x: lax.pad(x, np.int32(3), [(2, 1, 5)]), np.zeros(0, np.int32))


@pytest.mark.parametrize("name", list(SHAPES.cases))
def test_shape_op(name: str) -> None:
    SHAPES.check(name, 0.0)
