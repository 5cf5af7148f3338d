"""Bilinear ops; dimension orders, groups and dilations are drawn in `test_drawn`."""

import jax.numpy as jnp
import numpy as np
from jax import lax

from tests.transforms.harness import Case, normal


def dot(contracting: tuple, batch: tuple = ((), ())) -> object:
    return lambda a, b: lax.dot_general(a, b, (contracting, batch))


def conv(**options: object) -> object:
    return lambda x, k: lax.conv_general_dilated(x, k, **options)


LAYOUT = ("NHWC", "HWIO", "NHWC")

CASES = [
    Case("matmul", jnp.matmul, (normal(3, 4), normal(4, 2))),
    Case("dot batched", dot(((2,), (1,)), ((0,), (2,))), (normal(2, 3, 4), normal(5, 4, 2))),
    Case("dot of two", dot(((0, 2), (2, 1))), (normal(2, 3, 4), normal(5, 4, 2))),
    Case("outer", dot(((), ())), (normal(2), normal(3))),
    Case("inner", dot(((0,), (0,))), (normal(3), normal(3, seed=1))),
    Case("dot complex", dot(((1,), (0,))), (normal(3, 4, kind="c"), normal(4, 2, kind="c"))),
    Case("dot of itself", lambda a: a @ a, (normal(3, 3),)),
    Case("dot over nothing", dot(((1,), (0,))), (normal(3, 0), normal(0, 2))),
    Case("dot of nothing", dot(((1,), (0,))), (normal(0, 3), normal(3, 2))),
    Case(
        "dot widening",
        lambda a, b: lax.dot(a, b, preferred_element_type=np.float64),
        (normal(3, 4).astype(np.float32), normal(4, 2).astype(np.float32)),
        tolerance=1e-5,
        numeric=False,
    ),
    Case(
        "convolution",
        conv(window_strides=(1, 1), padding="SAME", dimension_numbers=LAYOUT),
        (normal(2, 5, 4, 3), normal(3, 3, 3, 2)),
    ),
    Case(
        "convolution complex",
        conv(window_strides=(2,), padding=((1, 0),)),
        (normal(2, 3, 5, kind="c"), normal(2, 3, 3, kind="c")),
    ),
    Case(
        "convolution depthwise",
        conv(window_strides=(1,), padding="VALID", feature_group_count=3),
        (normal(2, 3, 5), normal(6, 1, 2)),
    ),
    Case(
        "convolution transposed",
        lambda x, k: lax.conv_transpose(x, k, (2, 2), "SAME"),
        (normal(1, 3, 3, 2), normal(3, 3, 2, 2)),
    ),
    Case(
        "convolution of nothing",
        conv(window_strides=(1,), padding="SAME"),
        (normal(0, 3, 5), normal(2, 3, 3)),
    ),
]
