"""Mistakes that users make with transforms: each is said at their line, with a way out."""

import inspect
import math

import numpy as np
import pytest

import slopec as sp
from slopec.diagnostics import SlopecError

X = sp.tensor([1.0, 2.0, 3.0])
SQUARE = sp.ones((3, 3))
INTS = sp.tensor([1, 2])
ESCAPED = []


@sp.custom_vjp
def too_few(x, y):
    return x * y


too_few.defvjp(lambda x, y: (x * y, (x, y)), lambda kept, ct: (ct,))


@sp.custom_vjp
def without_rule(x):
    return x * 2.0


@sp.custom_vjp
def halved(x):
    return x * 0.5


halved.defvjp(lambda x: (x * 0.5, None), lambda kept, ct: (ct * 0.5,))


def changed_in_place(x):
    x[0] = 1.0
    return x


def kept_outside(x):
    ESCAPED.append(x)
    return x


def doubling(x):
    return sp.while_loop(lambda v: v.sum() < 100.0, lambda v: v * 2.0, x).sum()


MISTAKES = {
    # gradients
    "a gradient of a vector": (lambda: sp.grad(lambda x: x * 2.0)(X), "S0206", "float32[3]", "`.sum()`"),
    "a gradient of a complex number": (lambda: sp.grad(lambda z: z * z)(sp.tensor(1 + 2j)), "S0206", "complex64", "vjp"),
    "a gradient by integers": (lambda: sp.grad(lambda i: i.sum())(INTS), "S0205", "argument `i`", "float32"),
    "an argument that is not there": (lambda: sp.grad(lambda x: x.sum(), argnums=2)(X), "S0204", "argnums=2", "argnames"),
    "a name that is not there": (lambda: sp.grad(lambda x: x.sum(), argnames="y")(X), "S0204", "argnames='y'", "`y="),
    "no arguments": (lambda: sp.grad(lambda x: x.sum())(), "S0204", "0 positional", "argnames"),
    "a call in place of a function": (lambda: sp.grad(X.sum())(X), "S0207", "takes a function", "not `grad(f(x))`"),
    "a scan of no function": (lambda: sp.scan(X.sum(), 0.0, X), "S0207", "scan takes a function", "`scan(f, …)`"),
    "a branch that is none": (lambda: sp.cond(True, X, lambda: X), "S0207", "cond takes a function", "`cond(f, …)`"),
    "a loop of no function": (lambda: sp.fori_loop(0, 3, 4, X), "S0207", "fori_loop takes a function", ""),
    "an associative scan of no function": (lambda: sp.associative_scan(X, X), "S0207", "takes a function", "`associative_scan(f, …)`"),
    "an aux that is not returned": (lambda: sp.grad(lambda x: x.sum(), has_aux=True)(X), "S0206", "(scalar, aux)", "return the pair"),
    "an aux of jvp that is not returned": (lambda: sp.jvp(lambda x: x, (X,), (X,), has_aux=True), "S0206", "(value, aux)", "return the pair"),
    "a text as the result": (lambda: sp.grad(lambda x: "loss")(X), "S0109", "str", "return tensors"),
    "a Jacobian by integers": (lambda: sp.jacfwd(lambda x: x.sum())(INTS), "S0205", "int32", "float32"),
    # tangents and cotangents
    "a tangent of another shape": (lambda: sp.jvp(lambda x: x, (X,), (sp.ones(2),)), "S0208", "float32[2], expected float32[3]", "its value"),
    "a tangent of another type": (lambda: sp.jvp(lambda x: x, (X,), (sp.ones(3, dtype="int32"),)), "S0208", "int32[3]", "its value"),
    "a cotangent of another structure": (lambda: sp.vjp(lambda x: (x, x), X)[1](X), "S0208", "expected (*, *)", "structure"),
    "a cotangent of another shape": (lambda: sp.vjp(lambda x: x, X)[1](SQUARE), "S0208", "float32[3, 3]", "shape"),
    "a direction of another shape": (lambda: sp.hvp(lambda x: (x * x).sum(), (X,), (sp.ones(2),)), "S0208", "float32[2]", "its value"),
    # custom rules
    "too few cotangents": (lambda: sp.grad(lambda x: too_few(x, x).sum())(X), "S0211", "each of 2 arguments", ""),
    "a rule that was not given": (lambda: sp.grad(lambda x: without_rule(x).sum())(X), "S0211", "no rule yet", "defvjp"),
    "forward through custom_vjp": (lambda: sp.jvp(halved, (X,), (X,))[1].numpy(), "S0201", "custom_vjp", "custom_jvp"),
    # vmap
    "batches of two sizes": (lambda: sp.vmap(lambda a, b: a + b)(X, sp.ones(4)), "S0214", "different sizes", "None in in_axes"),
    "too few axes": (lambda: sp.vmap(lambda a, b: a + b, in_axes=(0,))(X, X), "S0214", "(*,)", "per argument"),
    "nothing mapped": (lambda: sp.vmap(lambda a: a, in_axes=None)(X), "S0214", "no argument", "axis_size"),
    "an axis that is not there": (lambda: sp.vmap(lambda a: a, in_axes=3)(X), "S0214", "in_axes=3", "`a`"),
    "an axis that no result has": (lambda: sp.vmap(lambda a: a.sum(), out_axes=2)(SQUARE), "S0214", "out_axes=2", "out_axes=0"),
    "one result for a whole batch": (lambda: sp.vmap(lambda a: a * 2.0, out_axes=None)(X), "S0214", "differs along the batch", "out_axes=0"),
    "a size that does not agree": (lambda: sp.vmap(lambda a: a, axis_size=5)(X), "S0214", "different sizes", "one size"),
    "shapes within a batch": (lambda: sp.vmap(lambda a: a @ sp.ones((4, 2)))(SQUARE), "S0101", "(3,) and (4, 2)", ""),
    # control flow
    "a carry that changes its type": (lambda: sp.scan(lambda c, x: (c.astype("float64"), x), 0.0, X), "S0130", "float64[], but carries float32[]", "astype"),
    "a carry that changes its structure": (lambda: sp.fori_loop(0, 3, lambda i, c: (c, c), X), "S0130", "(*, *)", "structure"),
    "a scan without a pair": (lambda: sp.scan(lambda c, x: c, 0.0, X), "S0133", "one tensor", "carry, None"),
    "sequences of two lengths": (lambda: sp.scan(lambda c, x: (c, x), 0.0, (X, sp.ones(4))), "S0134", "[3, 4]", "agree"),
    "a scan without a length": (lambda: sp.scan(lambda c, x: (c, x), 0.0, None), "S0134", "length", "length="),
    "branches of two types": (lambda: sp.cond(X.sum() > 0, lambda x: x, lambda x: x.sum(), X), "S0132", "float32[] and float32[3]", "same structure"),
    "no branches": (lambda: sp.switch(0, [], X), "S0132", "at least one", ""),
    "a condition that is no bool": (lambda: sp.while_loop(lambda v: v, lambda v: v, X), "S0131", "float32[3]", "`.any()`"),
    "reverse through an open loop": (lambda: sp.grad(doubling)(X).numpy(), "S0210", "how often", "max_steps"),
    # values that are not known yet
    "a choice by if": (lambda: sp.jit(lambda x: x if x.sum() > 0 else -x)(X), "S0105", "not known yet", "sp.where"),
    "a float of a traced tensor": (lambda: sp.jit(lambda x: float(x.sum()))(X), "S0105", "not known yet", ""),
    "a function of NumPy": (lambda: sp.jit(lambda x: np.sin(x))(X), "S0105", "not known yet", ""),
    "a function of math": (lambda: sp.jit(lambda x: math.sin(x[0]))(X), "S0105", "not known yet", ""),
    "a size from data": (lambda: sp.jit(lambda x: sp.arange(x.sum()))(X), "S0105", "not known yet", ""),
    "a mask that chooses": (lambda: sp.jit(lambda x: x[x > 1.0])(X), "S0108", "depends on the values", "sp.where"),
    "an assignment": (lambda: sp.jit(changed_in_place)(X), "S0104", "cannot be changed in place", ".at["),
    "a tensor that escaped": (lambda: (sp.jit(kept_outside)(X), ESCAPED[-1] + 1.0), "S0103", "escaped", "return the tensor"),
    # compilation
    "a static set": (lambda: sp.jit(lambda x, n: x * len(n), static_argnums=1)(X, {2}), "S0209", "not hashable", "tuples"),
    "a dtype for amp": (lambda: sp.amp(lambda x: x, "float8")(X), "S0128", "float8", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_explained(name):
    mistake, code, said, advice = MISTAKES[name]
    with pytest.raises(SlopecError) as caught:
        mistake()
    error = caught.value
    assert error.code == code
    assert said in "\n".join([error.message, *error.notes])
    assert advice in (error.hint or "")
    assert error.span is not None
    assert error.span.file == __file__
    source = inspect.getsourcelines(inspect.getmodule(test_mistakes_are_explained))[0]
    line = source[error.span.line - 1]
    # At the mistake's own line, or in the function above that it calls.
    assert f'"{name}":' in line or not line.startswith('    "')
    assert "^" in str(error)
