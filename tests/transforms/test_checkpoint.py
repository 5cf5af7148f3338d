"""Checkpointing changes what is saved and computed again, and no value of any derivative."""

import re

import jax
import jax.ad_checkpoint
import jax.numpy as jnp
import numpy as np
import pytest
from iree.compiler.tools import compile_str

import slopec as sp
import slopec_runtime
from slopec import ir
from slopec.build import LEGALIZE, Artifact, transform
from slopec.diagnostics import TransformError
from slopec.passes import parse_pipeline, run_pipeline
from slopec.transforms.checkpoint_policies import policy_of, read_policy, write_policy

P = sp.checkpoint_policies
W = np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32) / 2
X = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)

POLICIES = {
    "default": (None, None),
    "nothing": ("nothing_saveable", jax.checkpoint_policies.nothing_saveable),
    "everything": ("everything_saveable", jax.checkpoint_policies.everything_saveable),
    "dots": ("dots_saveable", jax.checkpoint_policies.dots_saveable),
    "dots without batches": (
        "dots_with_no_batch_dims_saveable",
        jax.checkpoint_policies.dots_with_no_batch_dims_saveable,
    ),
    "auto": ("auto", None),
    "only names": (
        P.save_only_these_names("h", "unused"),
        jax.checkpoint_policies.save_only_these_names("h", "unused"),
    ),
    "all but names": (
        P.save_anything_except_these_names("h"),
        jax.checkpoint_policies.save_anything_except_these_names("h"),
    ),
    "any names but": (
        P.save_any_names_but_these("h"),
        jax.checkpoint_policies.save_any_names_but_these("h"),
    ),
    "both": (
        P.save_from_both_policies("dots_saveable", P.save_only_these_names("h")),
        jax.checkpoint_policies.save_from_both_policies(
            jax.checkpoint_policies.dots_saveable,
            jax.checkpoint_policies.save_only_these_names("h"),
        ),
    ),
}


class Jax:
    """JAX under slopec's names."""

    tanh, sin, exp, where = jnp.tanh, jnp.sin, jnp.exp, jnp.where
    checkpoint, checkpoint_name = jax.checkpoint, staticmethod(jax.ad_checkpoint.checkpoint_name)
    grad, vmap, jvp, jit, hessian, scan = (
        jax.grad,
        jax.vmap,
        jax.jvp,
        jax.jit,
        jax.hessian,
        jax.lax.scan,
    )
    cond, stop_gradient = jax.lax.cond, jax.lax.stop_gradient


def layer(m):
    """Contractions, named values, branches and elementwise functions."""

    def apply(w, x):
        h = m.checkpoint_name(m.tanh(x @ w), "h")
        y = m.sin(h @ w) * m.where(h > 0, h, 0.1 * h)
        return m.exp(-y * y) + m.stop_gradient(y)

    return apply


def uses(m, policy):
    """Every way to nest checkpointing with another transform, as functions of (w, x)."""
    f = m.checkpoint(layer(m), policy=policy)

    def loss(w, x):
        return (f(w, f(w, x)) ** 2).sum()

    def scanned(w, x):
        step = m.checkpoint(lambda c, row: (m.tanh(f(w, c) + row), (c * row).sum()), policy=policy)
        last, sums = m.scan(step, x[:1] * 0.0, x)
        return (last**2).sum() + (sums**2).sum()

    def nested(w, x):
        return m.checkpoint(scanned, policy=policy)(w, x)

    def branching(w, x):
        return m.cond(x.sum() > 0, f, lambda w, x: x, w, x).sum()

    return {
        "value": loss,
        "gradient": m.grad(loss, argnums=(0, 1)),
        "gradient of the compiled": m.grad(lambda w, x: m.jit(loss)(w, x)),
        "tangent": lambda w, x: m.jvp(loss, (w, x), (w * 0.5, x * 2.0))[1],
        "gradient of the tangent": m.grad(
            lambda w, x: m.jvp(lambda w: f(w, x), (w,), (w * w,))[1].sum()
        ),
        "tangent of the gradient": lambda w, x: m.jvp(
            lambda w: m.grad(loss)(w, x), (w,), (w * 0.5,)
        )[1],
        "gradient of the gradient": m.grad(lambda w, x: (m.grad(loss)(w, x) ** 2).sum()),
        "hessian": m.hessian(lambda w, x: loss(w, x), argnums=1),
        "batch of gradients": m.vmap(m.grad(loss), in_axes=(None, 0)),
        "gradient of a batch": m.grad(
            lambda w, x: (m.vmap(f, in_axes=(None, 0))(w, x[:, None]) ** 2).sum()
        ),
        "scan": m.grad(scanned, argnums=(0, 1)),
        "scan inside": m.grad(nested, argnums=(0, 1)),
        "hessian of scan inside": m.hessian(nested),
        "branch": m.grad(branching),
    }


USES = list(uses(sp, None))


def flat(value):
    leaves = jax.tree.leaves(value, is_leaf=lambda leaf: isinstance(leaf, sp.Tensor))
    return [np.asarray(leaf) for leaf in leaves]


@pytest.fixture(scope="module")
def expected():
    """JAX's results, which no policy changes."""
    found = {}
    for name, function in uses(Jax, None).items():
        x = X[:, None] if "batch of" in name else X
        found[name] = flat(jax.jit(function)(W, x))
    return found


@pytest.mark.parametrize("policy", POLICIES)
def test_every_nesting_gives_what_jax_gives(policy, expected):
    for name, function in uses(sp, POLICIES[policy][0]).items():
        x = X[:, None] if "batch of" in name else X
        found = flat(function(sp.tensor(W), sp.tensor(x)))
        assert len(found) == len(expected[name]), name
        for mine, reference in zip(found, expected[name], strict=True):
            np.testing.assert_allclose(mine, reference, rtol=2e-3, atol=2e-4, err_msg=name)


# --- what is computed again ------------------------------------------------------------------


def optimized(function, *arguments):
    """The text of a function after all passes."""
    module = sp.jit(function).lower(*map(sp.tensor, arguments))
    transform(module)
    return str(module)


def counts(function, *arguments):
    text = optimized(function, *arguments)
    return {op: text.count(f"stablehlo.{op} ") for op in ("tanh", "dot_general", "sine")}


RECOMPUTED = {
    # policy: how often tanh, dot_general (2 forward, 3 adjoint) and sine run; the sine's derivative
    # is the cosine, so that the sine is never needed
    "default": (2, 3 + 4, 1),
    "nothing": (2, 3 + 4, 1),
    "everything": (1, 2 + 3, 1),
    "dots": (2, 2 + 3, 1),
    "auto": (1, 2 + 3, 1),
    "only names": (1, 3 + 3, 1),
    "all but names": (2, 2 + 3, 1),
    "any names but": (2, 3 + 4, 1),
    "both": (1, 2 + 3, 1),
}


@pytest.mark.parametrize("policy", RECOMPUTED)
def test_optimisation_does_not_undo_it(policy):
    def f(w, x):
        return sp.sin(sp.checkpoint_name(sp.tanh(x @ w), "h") @ w)

    checkpointed = sp.checkpoint(f, policy=POLICIES[policy][0])
    found = counts(sp.grad(lambda w, x: (checkpointed(w, x) ** 2).sum()), W, X)

    assert tuple(found.values()) == RECOMPUTED[policy]


def test_only_reverse_mode_is_changed():
    checkpointed = sp.checkpoint(layer(sp))
    for make in (lambda f: f, lambda f: lambda w, x: sp.jvp(f, (w, x), (w, x))):
        plain, found = (optimized(make(f), W, X) for f in (layer(sp), checkpointed))
        assert sorted(re.findall(r"stablehlo\.\w+", found)) == sorted(
            re.findall(r"stablehlo\.\w+", plain)
        )
        assert "barrier" not in found


def test_a_policy_that_recomputes_nothing_needs_no_barrier():
    checkpointed = sp.checkpoint(lambda x: sp.sin(sp.exp(x)), policy="everything_saveable")

    assert "barrier" not in optimized(sp.grad(lambda x: checkpointed(x).sum()), X)


def test_batched_contractions_are_told_apart():
    def attend(x):
        scores = sp.einsum("bij,bkj->bik", x, x)
        return sp.sin(sp.tanh(scores) @ sp.tensor(X))

    def products(policy):
        f = sp.checkpoint(attend, policy=policy)
        step = sp.value_and_grad(lambda x: f(x).sum())
        return optimized(step, np.stack([X, X])).count("dot_general ")

    everything = products("everything_saveable")
    assert products("dots_saveable") == everything
    assert products("dots_with_no_batch_dims_saveable") == everything + 1
    assert products("nothing_saveable") == everything + 2


# --- compiled --------------------------------------------------------------------------------


def dispatches(function, *arguments):
    """How many kernels IREE runs for a function, after its own passes."""
    module = sp.jit(function).lower(*map(sp.tensor, arguments))
    transform(module)
    run_pipeline(module, parse_pipeline(LEGALIZE))
    flags = ["--compile-to=flow", "--iree-llvmcpu-target-cpu=host"]
    text = compile_str(
        ir.bytecode(module), target_backends=["llvm-cpu"], input_type="stablehlo", extra_args=flags
    )
    return text.decode().count("flow.dispatch @")


def test_iree_does_not_undo_it_either():
    def f(w, x):
        for _ in range(3):
            x = sp.tanh(x @ w)
        return x

    def step(policy):
        g = sp.checkpoint(f, policy=policy) if policy else f
        return sp.value_and_grad(lambda w, x: (g(w, x) ** 2).sum())

    plain = dispatches(step(None), W, X)
    assert dispatches(step("everything_saveable"), W, X) == plain
    assert dispatches(step("nothing_saveable"), W, X) >= plain + 3


COMPILED = ("gradient", "gradient of the gradient", "scan", "scan inside", "branch")


@pytest.mark.parametrize("device", ["local-sync", "local-task"])
def test_compiled_programs_compute_the_same(device, expected, monkeypatch):
    """Behind barriers, in loops and branches, with and without threads."""
    monkeypatch.setattr(Artifact, "load", lambda self, *_: slopec_runtime.load(self.data, device))
    every = [
        uses(sp, policy)[name] for policy in (None, "auto", "dots_saveable") for name in COMPILED
    ]
    found = sp.jit(lambda w, x: [f(w, x) for f in every])(sp.tensor(W), sp.tensor(X))

    for name, results in zip(COMPILED * 3, found, strict=True):
        for mine, reference in zip(flat(results), expected[name], strict=True):
            np.testing.assert_allclose(mine, reference, rtol=2e-3, atol=2e-4, err_msg=name)


# --- hostile use -----------------------------------------------------------------------------

MISTAKES = {
    "misspelt": (lambda: sp.checkpoint(sp.sin, policy="dots_savable"), "did you mean `dots_save"),
    "a number": (lambda: sp.checkpoint(sp.sin, policy=3), "3 is no checkpoint policy"),
    "a function": (lambda: sp.checkpoint(sp.sin, policy=lambda *_: True), "cannot be a function"),
    "JAX's": (
        lambda: sp.checkpoint(sp.sin, policy=jax.checkpoint_policies.everything_saveable),
        'write `policy="everything_saveable"`',
    ),
    "without names": (
        lambda: sp.checkpoint(sp.sin, policy="save_only_these_names"),
        "has no names",
    ),
    "not called": (lambda: sp.checkpoint(sp.sin, policy=P.save_only_these_names), "has no names"),
    "names in a list": (lambda: P.save_only_these_names(["a"]), "takes names, got list"),
    "name that is none": (lambda: sp.checkpoint_name(1.0, 2), "takes a name, got int"),
    "arguments swapped": (lambda: sp.checkpoint_name("h", sp.tensor(1.0)), "takes a name"),
    "a value": (lambda: sp.checkpoint(sp.tensor(1.0)), "takes a function"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_explained(name):
    make, part = MISTAKES[name]
    with pytest.raises(TransformError) as caught:
        make()
    assert part in str(caught.value)
    assert caught.value.span.file == __file__
    assert caught.value.hint


def test_policies_survive_as_text():
    for policy, _ in POLICIES.values():
        op = ir.parse("func.func private @f()").body.operations[0].operation
        op.attributes["slope.policy"] = write_policy(policy_of(policy))
        again = ir.parse(f"module {{ {op} }}").body.operations[0].operation
        assert read_policy(again) == policy_of(policy)
        assert repr(policy_of(policy))

    op = ir.parse('func.func private @f() attributes {slope.policy = [["no"]]}').body.operations[0]
    with pytest.raises(TransformError, match="S0215"):
        read_policy(op.operation)


def test_integers_pytrees_and_static_arguments():
    @sp.checkpoint(policy="auto")
    def f(p, x, *, scale, mode="up"):
        """Documented."""
        up = mode == "up"
        return {"y": x * p["w"] * scale if up else x, "n": p["n"] + 1, "none": None}

    def loss(p, x):
        result = f(p, x, scale=2.0)
        assert result["none"] is None
        return (result["y"] * result["n"]).sum(), result["n"]

    (value, count), slope = sp.value_and_grad(loss, has_aux=True, allow_int=True)(
        {"w": sp.tensor(W[0]), "n": sp.tensor(3)}, sp.tensor(X)
    )

    assert (f.__name__, f.__doc__) == ("f", "Documented.")
    assert int(count) == 4
    np.testing.assert_allclose(slope["w"].numpy(), 8.0 * X.sum(0), rtol=1e-5)
    assert int(slope["n"]) == 0
    assert np.isfinite(float(value))


def test_modules_closures_and_random_numbers():
    from slopec import nn

    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
    key = sp.random.key(0)

    def loss(apply, model, x):
        def noisy(x):
            return apply(x) * sp.random.normal(key, (4, 2))

        return (sp.checkpoint(noisy)(x) ** 2).sum()

    plain = sp.grad(lambda model, x: loss(model, model, x))(model, sp.tensor(X))
    again = sp.grad(lambda model, x: loss(sp.checkpoint(model), model, x))(model, sp.tensor(X))

    for name, expected in plain.state_dict().items():
        np.testing.assert_allclose(
            np.asarray(again.state_dict()[name]), np.asarray(expected), rtol=1e-5
        )


def test_nothing_to_differentiate_or_save():
    assert float(sp.checkpoint(lambda: sp.ones(()))()) == 1.0
    slope = sp.grad(sp.checkpoint(lambda x: sp.ones(()), policy="auto"))(sp.tensor(2.0))
    assert float(slope) == 0.0
    assert float(sp.grad(sp.checkpoint(lambda x: x, policy="dots_saveable"))(3.0)) == 1.0
    empty = sp.grad(sp.checkpoint(lambda x: sp.sin(sp.sin(x)).sum(), policy="auto"))
    assert empty(sp.zeros((0, 3))).shape == (0, 3)


def test_effects_do_not_happen_twice():
    text = """
    func.func private @noisy(%x: tensor<3xf32>) -> tensor<3xf32>
        attributes {slope.keep, slope.rule = "checkpoint"} {
      %a = stablehlo.constant dense<0.0> : tensor<f32>
      %b = stablehlo.constant dense<1.0> : tensor<f32>
      %s = stablehlo.constant dense<3> : tensor<1xi64>
      %r = stablehlo.rng %a, %b, %s, distribution = UNIFORM
          : (tensor<f32>, tensor<f32>, tensor<1xi64>) -> tensor<3xf32>
      %y = stablehlo.multiply %r, %x : tensor<3xf32>
      %z = stablehlo.sine %y : tensor<3xf32>
      return %z : tensor<3xf32>
    }
    func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
      %y = call @noisy(%x) : (tensor<3xf32>) -> tensor<3xf32>
      return %y : tensor<3xf32>
    }
    """
    slope = sp.grad(lambda x: sp.from_stablehlo(text)(x).sum())
    found = optimized(slope, X[0])

    assert found.count("stablehlo.rng ") == 1
    assert "optimization_barrier" in found
