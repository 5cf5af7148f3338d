"""Values and gradients of every module, in double precision, against JAX and against PyTorch."""

import jax
import numpy as np
import pytest

import slopec as sp
from slopec import nn, tree
from tests.nn.cases import CASES

WITHOUT_WEIGHTS = (
    "Pool",
    "LocalResponseNorm",
    "Upsample",
    "Pad",
    "huffle",
    "Distance",
    "Similarity",
    "old",
)


def made(case):
    options = {} if any(part in case.name for part in WITHOUT_WEIGHTS) else {"dtype": "float64"}
    model = getattr(nn, case.name)(*case.args, **case.kwargs, **options, **key_of(case))
    # Scales of one and shifts of zero would hide mistakes.
    for name, tensor in model.named_parameters():
        noise = np.random.default_rng(len(name)).normal(size=tensor.shape)
        model.load_state_dict({name: tensor.numpy() + 0.3 * noise}, strict=False)
    return model


def key_of(case):
    seeded = ("Norm", "PReLU", *WITHOUT_WEIGHTS)
    return {} if any(part in case.name for part in seeded) else {"key": sp.random.key(1)}


def results(value):
    """The tensors of a result, without attention's weights."""
    return [leaf for leaf in tree.leaves(value) if leaf is not None]


def called(case, model, inputs):
    options = {k: sp.tensor(v) if isinstance(v, np.ndarray) else v for k, v in case.call.items()}
    arguments = [inputs[0], tuple(inputs[1:])] if case.nested else inputs
    value = model(*arguments, **options)
    return results(value)[:1] if case.name == "MultiheadAttention" else results(value)


def seeds(outputs):
    return [np.random.default_rng(i).normal(size=y.shape) for i, y in enumerate(outputs)]


def gradients(case, model, inputs):
    """Outputs, gradients of the parameters by name, gradients of the floating inputs."""
    floating = [i for i, x in enumerate(inputs) if x.dtype.kind == "f"]

    def run(model, *values):
        given = [sp.tensor(x) for x in inputs]
        for i, value in zip(floating, values, strict=True):
            given[i] = value
        return called(case, model, given)

    outputs, pullback = sp.vjp(run, model, *(sp.tensor(inputs[i]) for i in floating))
    slopes = pullback([sp.tensor(seed) for seed in seeds(outputs)])
    by_name = {name: slope.numpy() for name, slope in slopes[0].named_parameters()}
    return [y.numpy() for y in outputs], by_name, [s.numpy() for s in slopes[1:]]


def assert_close(ours, theirs, rtol=1e-9):
    theirs = np.asarray(theirs)
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol * max(1.0, np.abs(theirs).max()))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_against_jax(case):
    model, inputs = made(case), case.inputs
    params = {name: np.asarray(x) for name, x in model.named_parameters()}
    outputs, slopes, backs = gradients(case, model, inputs)
    floating = [i for i, x in enumerate(inputs) if x.dtype.kind == "f"]

    def run(params, *values):
        given = list(inputs)
        for i, value in zip(floating, values, strict=True):
            given[i] = value
        value = case.reference(params, *given)
        return value if isinstance(value, list) else [value]

    @jax.jit
    def both(cotangents, *primals):
        value, pullback = jax.vjp(run, *primals)
        return value, pullback(cotangents)

    values = [inputs[i] for i in floating]
    expected, (by_name, *by_input) = both(seeds(outputs), params, *values)
    for ours, theirs in zip(outputs, expected, strict=True):
        assert_close(ours, theirs)
    assert slopes.keys() == by_name.keys()
    for name, slope in slopes.items():
        assert_close(slope, by_name[name])
    for ours, theirs in zip(backs, by_input, strict=True):
        assert_close(ours, theirs)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_against_torch(case):
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, case.name)(*case.args, **case.kwargs).double()
    model, inputs = made(case), case.inputs
    assert {n: x.shape for n, x in model.named_parameters()} == {
        n: tuple(x.shape) for n, x in theirs.named_parameters()
    }
    assert sum(x.size for x in model.buffers()) == sum(x.numel() for x in theirs.buffers())
    theirs.load_state_dict(
        {n: torch.tensor(x.numpy()) for n, x in model.named_parameters()}, strict=False
    )
    outputs, slopes, backs = gradients(case, model, inputs)
    given = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]
    options = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in case.call.items()}
    arguments = [given[0], tuple(given[1:])] if case.nested else given
    value = theirs(*arguments, **options)
    flat = results(value)[: 1 if case.name == "MultiheadAttention" else None]
    total = sum((y * torch.tensor(s)).sum() for y, s in zip(flat, seeds(flat), strict=True))
    total.backward()
    for ours, y in zip(outputs, flat, strict=True):
        assert_close(ours, y.detach().numpy())
    for name, parameter in theirs.named_parameters():
        assert_close(slopes[name], parameter.grad.numpy())
    for ours, x in zip(backs, [x for x in given if x.requires_grad], strict=True):
        assert_close(ours, x.grad.numpy())


def test_every_module_is_tried():
    """Modules that no table of the tests holds are containers, or have tests of their own."""
    from tests.nn.test_activations import MODULES as ACTIVATIONS
    from tests.nn.test_losses import MODULES as LOSSES
    from tests.nn.test_torch_modules import CASES as TORCH_CASES

    elsewhere = {
        *("Module", "ModuleList", "ModuleDict", "Sequential", "Identity", "Flatten", "Unflatten"),
        *("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "KVCache"),
        *("RotaryEmbedding", "SinusoidalEmbedding", "TransformerEncoder", "TransformerDecoder"),
        *("GlobalAvgPool", "GlobalMaxPool", "InstanceNorm3d", "SyncBatchNorm"),
    }
    classes = {
        name
        for name in nn.__all__
        if isinstance(getattr(nn, name), type) and issubclass(getattr(nn, name), nn.Module)
    }
    elsewhere |= {"FeatureAlphaDropout", "ParameterDict", "ParameterList"}
    of_torch = {name.split()[0].rstrip(",") for name in TORCH_CASES}
    of_torch |= {f"MaxUnpool{rank}d" for rank in (1, 2, 3)} | {"AdaptiveLogSoftmaxWithLoss"}
    lazy = {name for name in nn.__all__ if name.startswith("Lazy")}
    tabled = {case.name for case in CASES} | set(ACTIVATIONS) | set(LOSSES)
    assert classes == (elsewhere | tabled | of_torch | lazy) & set(nn.__all__)
