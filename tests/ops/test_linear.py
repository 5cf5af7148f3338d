"""Products of matrices and tensors: every combination of ranks, batches and subscripts."""

import numpy as np
import pytest

import slopec as sp
from tests.ops.harness import BFLOAT16, Case, check, integers, normal, same

RANKS = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((5, 1, 2, 3), (6, 3, 4)),
    ((1, 6, 2, 3), (5, 1, 3, 4)),
    ((5, 2, 3), (3,)),
    ((3,), (5, 3, 4)),
    ((1, 1, 2, 3), (1, 3, 4)),
    ((2, 0), (0, 4)),
    ((0, 2, 3), (3, 4)),
]
SUBSCRIPTS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ba,cb", (3, 2), (4, 3)),
    ("ij,ij->", (2, 3), (2, 3)),
    ("ij,kl->ijkl", (2, 3), (4, 5)),
    ("bij,bjk->bik", (5, 2, 3), (5, 3, 4)),
    ("bij,bjk->kib", (5, 2, 3), (5, 3, 4)),
    ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)),
    ("...ij,...jk->...ik", (5, 1, 2, 3), (6, 3, 4)),
    ("...ij,jk", (5, 2, 3), (3, 4)),
    ("i...,i...->...", (3, 2, 4), (3, 2, 1)),
    ("ij->ji", (2, 3)),
    ("ij", (2, 3)),
    ("ji", (2, 3)),
    ("ij->", (2, 3)),
    ("ij->j", (2, 3)),
    ("ii->i", (3, 3)),
    ("ii", (3, 3)),
    ("iij->ji", (3, 3, 2)),
    ("iii->i", (3, 3, 3)),
    ("...ii->...i", (2, 3, 3)),
    ("...->", (2, 3)),
    ("ii,ij->j", (3, 3), (3, 4)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)),
    ("ij,jk,kl,lm->im", (2, 3), (3, 4), (4, 2), (2, 3)),
    ("i,j,k->ijk", (2,), (3,), (4,)),
    ("ij,ij,ij->i", (2, 3), (2, 3), (2, 3)),
    ("ijk,ik,jk", (2, 3, 4), (2, 4), (3, 4)),
    ("ij,j->ij", (2, 3), (3,)),
    (" i j , j k -> i k ", (2, 3), (3, 4)),
    ("ij,jk->ik", (2, 3), (1, 4)),
    (",i->i", (), (3,)),
]


def inputs(*shapes, dtype="float32"):
    return tuple(normal(*shape, seed=i, dtype=dtype) for i, shape in enumerate(shapes))


def einsum(subscripts):
    return lambda np, *xs: np.einsum(subscripts, *xs)


CASES = (
    *(Case(f"matmul {a} {b}", lambda np, x, y: np.matmul(x, y), inputs(a, b)) for a, b in RANKS),
    *(Case(f"matmul of {dtype}", lambda np, x, y: x @ y, inputs((3, 5), (5, 2), dtype=dtype), looser=2)
      for dtype in ("float16", BFLOAT16, "int32", "int8", "complex64", "bool")),
    Case("matmul of types", lambda np, x, y: x @ y, (integers(2, 3), normal(3, 4))),
    Case("matmul wider", lambda np, x, y: np.matmul(x, y, preferred_element_type="float32"), inputs((2, 3), (3, 2), dtype="float16"), gradient=False),
    *(Case(f"einsum {s} {shapes}", einsum(s), inputs(*shapes)) for s, *shapes in SUBSCRIPTS),
    Case("einsum of bool", einsum("ij,jk"), inputs((2, 3), (3, 2), dtype="bool"), gradient=False,
         reference=lambda np, x, y: x @ y),
    Case("einsum of types", einsum("ij,jk->ik"), (integers(2, 3), normal(3, 4))),
    Case("tensordot 2", lambda np, x, y: np.tensordot(x, y, axes=2), inputs((2, 3, 4), (3, 4, 5))),
    Case("tensordot 0", lambda np, x, y: np.tensordot(x, y, axes=0), inputs((2,), (3,))),
    Case("tensordot axes", lambda np, x, y: np.tensordot(x, y, axes=([1, 0], [0, -1])), inputs((2, 3, 4), (3, 5, 2))),
    Case("vecdot", lambda np, x, y: np.vecdot(x, y), inputs((2, 1, 3), (4, 3))),
    Case("vecdot of complex", lambda np, x, y: np.vecdot(x, y), inputs((3,), (3,), dtype="complex64")),
    Case("vecdot axis", lambda np, x, y: np.vecdot(x, y, axis=-2), inputs((3, 2), (3, 2))),
    Case("inner", lambda np, x, y: np.inner(x, y), inputs((2, 3), (4, 3))),
    Case("dot", lambda np, x, y: np.dot(x, y), inputs((2, 3), (5, 3, 4))),
    Case("dot scalar", lambda np, x, y: np.dot(x, y), inputs((2, 3), ())),
    Case("outer", lambda np, x, y: np.outer(x, y), inputs((2, 3), (4,))),
    Case("kron", lambda np, x, y: np.kron(x, y), inputs((2, 3), (2, 2))),
    Case("kron ranks", lambda np, x, y: np.kron(x, y), inputs((3,), (2, 2))),
    Case("cross", lambda np, x, y: np.cross(x, y), inputs((4, 3), (4, 3))),
    *(Case(f"diagonal {o}", lambda np, x, o=o: np.diagonal(x, offset=o, axis1=0, axis2=2), inputs((3, 2, 5))) for o in (-3, -1, 0, 2, 4, 7)),
    Case("trace", lambda np, x: np.trace(x, 1, 0, 2), inputs((3, 2, 5))),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_linear(case):
    check(case, CASES)


def test_einsum_contracts_in_the_cheap_order():
    a, b, c = sp.ones((1, 50)), sp.ones((50, 50)), sp.ones((50, 60))
    x = sp.einsum("ij,jk,kl->il", a, b, c)

    assert x.shape == (1, 60)
    assert (x.numpy() == 2500).all()


def test_a_batch_of_one_operand_is_not_copied():
    x, w = sp.zeros((8, 16, 4)), sp.zeros((4, 2))
    written = str(sp.jit(sp.matmul).lower(x, w))

    assert "dot_general" in written
    assert "broadcast_in_dim" not in written
    assert "batching" not in written


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_vecdot_counts_axes_as_numpy_does(axis):
    x, y = integers(3, 3), integers(3, 3, seed=1)

    same(sp.vecdot(x, y, axis=axis), np.sum(x * y, axis=axis, dtype=np.int32))
