"""while, if, case and calls: no rounds, many, nested, of every type, with values from outside."""

from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np
from jax import lax

from tests.sweep.case import Case
from tests.sweep.modules import EVERY, case, sample, traced, type_of
from tests.sweep.values import SMALL_FLOATS

X = sample((3, 4))


def cases() -> Iterator[Case]:
    yield from loops()
    yield from branches()
    yield from calls()


def loops() -> Iterator[Case]:
    for n in (0, 1, 5, 100):
        yield traced(f"while/{n} rounds", lambda x, n: lax.while_loop(lambda c: c[0] < n, lambda c: (c[0] + 1, c[1] + 0.25), (jnp.int32(0), x)), X, np.int32(n))  # fmt: skip
        yield traced(f"while/counted, {n} rounds", lambda x, n=n: lax.fori_loop(0, n, lambda i, y: y + 0.5, x), X)  # fmt: skip
    yield traced("while/until a value", lambda x: lax.while_loop(lambda y: y.sum() < 100, lambda y: y * y + 1, x), X)  # fmt: skip
    yield traced("while/from outside", lambda x, y: lax.fori_loop(0, 4, lambda i, z: z + y[i % 2], x), X[0], X)  # fmt: skip
    yield traced("while/nested", lambda x: lax.fori_loop(0, 3, lambda i, y: lax.fori_loop(0, i, lambda j, z: z + j, y), x), X)  # fmt: skip
    yield traced("while/swapping", lambda x, y: lax.fori_loop(0, 5, lambda i, c: (c[1], c[0]), (x, y)), X, -X)  # fmt: skip
    yield traced("while/scan", lambda x: lax.scan(lambda c, r: (c + r, c * r), jnp.zeros(4, x.dtype), x), X)  # fmt: skip
    yield traced("while/scan backwards", lambda x: lax.scan(lambda c, r: (c + r, c - r), jnp.zeros(4, x.dtype), x, reverse=True), X)  # fmt: skip
    yield traced("while/scan of nothing", lambda x: lax.scan(lambda c, r: (c + r, c * r), jnp.zeros(4, x.dtype), x[:0]), X)  # fmt: skip
    yield traced("while/writing where it says", lambda x, i: lax.fori_loop(0, 6, lambda k, y: lax.dynamic_update_slice(y, y[:1] + 1, (i[k], i[k] - 3)), x), X, np.int32([0, 9, -4, 2, 1, 7]))  # fmt: skip
    yield traced("while/gathering in a loop", lambda x, i: lax.fori_loop(0, 6, lambda k, y: y + x.at[i[k]].get(mode="promise_in_bounds"), x[0]), X, np.int32([0, 9, -4, 2, 1, 7]))  # fmt: skip
    yield traced("while/scattering in a loop", lambda x, i: lax.fori_loop(0, 3, lambda k, y: y.at[i].add(1.0, mode="drop"), x), X, np.int32([0, 9, 1, 1, 7]))  # fmt: skip
    yield traced("while/an empty carry", lambda x: lax.fori_loop(0, 3, lambda i, c: (c[0], c[1] + 1), (x[:0], x)), X)  # fmt: skip
    yield traced("while/40 values carried", lambda x: lax.fori_loop(0, 3, lambda i, c: [*c[1:], c[0] + i], [x + k for k in range(40)]), X[0])  # fmt: skip
    for kind in (*EVERY, *SMALL_FLOATS):
        yield traced(f"while/carrying {kind}", lambda x: lax.fori_loop(0, 3, lambda i, y: jnp.flip(y), x), sample((5,), kind))  # fmt: skip
    yield traced("while/counting in int64", lambda x: lax.fori_loop(jnp.int64(0), jnp.int64(3), lambda i, y: y + i, x), X)  # fmt: skip
    yield traced("while/counting down", lambda n: lax.while_loop(lambda c: c[0] > 0, lambda c: (c[0] - 1, c[1] * c[0]), (n, jnp.int32(1))), np.int32(10))  # fmt: skip
    yield from until()


def until() -> Iterator[Case]:
    """Loops that carry what no iteration reads of the one before."""
    for kind in (*EVERY, *SMALL_FLOATS):
        yield traced(f"while/anew, {kind}", lambda x: lax.while_loop(lambda c: c[0] < 5, lambda c: (c[0] * 2, jnp.flip(x)), (np.float32(1), x)), sample((5,), kind))  # fmt: skip
    sum_ = lambda c: (c[0] + 1, c[0].sum())  # noqa: E731
    yield traced("while/until the sum", lambda x: lax.while_loop(lambda c: c[1] < 10, sum_, (x, x[0, 0] * 0)), X)  # fmt: skip
    yield traced("while/until a flag", lambda x: lax.while_loop(lambda c: ~c[1], lambda c: (c[0] + 1, c[0].sum() > 20), (x, np.bool_(False))), X)  # fmt: skip
    yield traced("while/one value anew", lambda x: lax.while_loop(lambda y: y < 10, lambda y: x[0, 0] + 20, x[0, 0] * 0), X)  # fmt: skip
    yield traced("while/nothing anew", lambda x: lax.while_loop(lambda c: c[0].sum() < 100, lambda c: (c[0] + 1, c[0][:0], c[0][1]), (x, x[1:1], x[1])), X)  # fmt: skip
    yield traced("while/until, in until", lambda x: lax.while_loop(lambda c: c[1] < 30, lambda c: (c[0] + 1, lax.while_loop(lambda d: d[1] < 5, sum_, (c[0], c[0][0, 0] * 0))[0].sum()), (x, x[0, 0] * 0)), X)  # fmt: skip
    row = lambda c, step, x: (c[0] + step, x[c[0]], c[2] + x[c[0]])  # noqa: E731
    yield traced("while/rows, down", lambda x: lax.while_loop(lambda c: c[0] >= 0, lambda c: row(c, -1, x), (np.int32(2), x[0], x[1])), X)  # fmt: skip
    for name, ends in {"to": jnp.less, "up to": jnp.less_equal, "until": jnp.not_equal}.items():
        for last in (np.int32(2), np.uint32(2)):
            yield traced(f"while/rows, {name} {last.dtype}", lambda x, n, e=ends: lax.while_loop(lambda c: e(c[0], n), lambda c: row(c, 1, x), (n * 0, x[0], x[1])), X, last)  # fmt: skip


def branches() -> Iterator[Case]:
    for taken in (True, False):
        yield traced(f"if/{taken}", lambda p, x: lax.cond(p, lambda y: y * 2, lambda y: -y, x), np.bool_(taken), X)  # fmt: skip
        yield traced(f"if/nested, {taken}", lambda p, x: lax.cond(p, lambda y: lax.cond(y.sum() > 0, jnp.negative, jnp.abs, y), lambda y: y + 1, x), np.bool_(taken), X)  # fmt: skip
        yield traced(f"if/in a loop, {taken}", lambda p, x: lax.fori_loop(0, 5, lambda i, y: lax.cond((i % 2 == 0) == p, lambda z: z + i, lambda z: z * 2, y), x), np.bool_(taken), X)  # fmt: skip
    functions = [lambda x: x, lambda x: x * 2, lambda x: x + 10]
    for index in (-5, -1, 0, 1, 2, 3, 100, 2**31 - 1, -(2**31)):
        text = _case_of(index)
        chosen = 2 if index < 0 or index > 2 else index
        yield case(f"case/{index}", [np.int32(index), X], [functions[chosen](X)], text)
    yield traced("case/one branch", lambda i, x: lax.switch(i, functions[:1], x), np.int32(3), X)
    for kind in EVERY:
        yield traced(f"if/of {kind}", lambda p, x: lax.cond(p, lambda y: jnp.flip(y), lambda y: y, x), np.bool_(True), sample((5,), kind))  # fmt: skip


def _case_of(index: int) -> str:
    t = type_of(X)
    return f"""%r = "stablehlo.case"(%0) ({{ stablehlo.return %1 : {t} }},
      {{ %a = stablehlo.add %1, %1 : {t}
         stablehlo.return %a : {t} }},
      {{ %c = stablehlo.constant dense<10.0> : {t}
         %b = stablehlo.add %1, %c : {t}
         stablehlo.return %b : {t} }}) : (tensor<i32>) -> {t}"""


def calls() -> Iterator[Case]:
    t = type_of(X)
    text = f"""func.func private @twice(%x: {t}) -> {t} {{
      %y = stablehlo.add %x, %x : {t}
      return %y : {t} }}
    func.func @main(%0: {t}) -> {t} {{
      %a = call @twice(%0) : ({t}) -> {t}
      %r = call @twice(%a) : ({t}) -> {t}
      return %r : {t} }}"""
    yield Case("call/twice", text, (X,), (X * 4,), ("float32",))
    text = f"""func.func private @twice(%x: {t}) -> {t} {{
      %y = stablehlo.add %x, %x : {t}
      return %y : {t} }}
    func.func @main(%0: {t}) -> {t} {{
      %r = stablehlo.composite "mine.twice" %0 {{decomposition = @twice}} : ({t}) -> {t}
      return %r : {t} }}"""
    yield Case("composite/of mine", text, (X,), (X * 2,), ("float32",))
    mapped = f"""%r = "stablehlo.map"(%0, %1) ({{ ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %p = stablehlo.multiply %a, %b : tensor<f32>
      %c = stablehlo.constant dense<1.5> : tensor<f32>
      %q = stablehlo.subtract %p, %c : tensor<f32>
      stablehlo.return %q : tensor<f32> }}) {{dimensions = array<i64: 0, 1>}} : ({t}, {t}) -> {t}"""
    yield case("map/two operands", [X, -X], [-X * X - 1.5], mapped)
    yield case("call/the same result twice", [X], [X, X], f"%r:2 = stablehlo.optimization_barrier %0, %0 : {t}, {t}")  # fmt: skip
    same = f"func.func @main(%0: {t}) -> ({t}, {t}) {{ return %0, %0 : {t}, {t} }}"
    yield Case("call/arguments returned", same, (X,), (X, X), ("float32", "float32"))
    constant = "func.func @main() -> tensor<2xi32> {\n%c = stablehlo.constant dense<[1, 2]> : tensor<2xi32>\nreturn %c : tensor<2xi32> }"
    yield Case("call/no arguments", constant, (), (np.int32([1, 2]),), ("int32",))
