"""Modules with PyTorch's arguments, and its weights: constructors, values and gradients are its.

A case is one expression over a namespace, `torch` or slopec; what it returns is called with the
inputs, or is a pair of a module and what it is called with besides.
"""

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import slopec as sp
from slopec import nn
from slopec.diagnostics import TraceError
from tests.ops.harness import leaves, normal, positive

SIGNAL, IMAGE, VOLUME = normal(2, 4, 9), normal(2, 4, 7, 6), normal(1, 2, 4, 5, 6)
ROWS, POSITIVE = normal(5, 6), positive(5, 6)
TOKENS = np.array([[1, 3, 3], [0, 3, 1]])
LABELS = np.array([2, 0, 5, 1, 1])
SEQUENCE = normal(4, 2, 6)
SAMPLES = np.random.default_rng(0).uniform(size=(2, 4, 2)).astype(np.float32)


@dataclass(frozen=True)
class Case:
    """A module and what it is called with; the first input, and the weights, are differentiated."""

    make: Any
    inputs: tuple[Any, ...]
    options: Any = None


CASES = {
    **{
        f"{name} {mode}": Case(
            lambda m, name=name, x=x, mode=mode, padding=padding, stride=stride: getattr(m.nn, name)(
                x, 3, 2, padding=padding, stride=stride, padding_mode=mode
            ),
            (data,),
        )
        for name, data, x in (("Conv1d", SIGNAL, 4), ("Conv2d", IMAGE, 4), ("Conv3d", VOLUME, 2))
        for mode, padding, stride in (("reflect", 1, 2), ("replicate", "same", 1), ("circular", 1, 1))
    },
    "Conv2d reflect uneven": Case(lambda m: m.nn.Conv2d(4, 4, (3, 2), (1, 2), (2, 1), 1, 2, False, "reflect"), (IMAGE,)),
    "MaxPool1d": Case(lambda m: m.nn.MaxPool1d(3, 2, 1, 2, True, True), (SIGNAL,)),
    "MaxPool2d": Case(lambda m: m.nn.MaxPool2d((3, 2), 2, 1, return_indices=True, ceil_mode=True), (IMAGE,)),
    "MaxPool3d": Case(lambda m: m.nn.MaxPool3d(2, return_indices=True), (VOLUME,)),
    "AdaptiveMaxPool1d": Case(lambda m: m.nn.AdaptiveMaxPool1d(4, True), (SIGNAL,)),
    "AdaptiveMaxPool2d": Case(lambda m: m.nn.AdaptiveMaxPool2d((3, 4), True), (IMAGE,)),
    "AdaptiveMaxPool3d": Case(lambda m: m.nn.AdaptiveMaxPool3d((2, 3, None), True), (VOLUME,)),
    "AvgPool2d": Case(lambda m: m.nn.AvgPool2d(3, 2, 1, True, False, 5), (IMAGE,)),
    "AvgPool1d": Case(lambda m: m.nn.AvgPool1d(3, 2, 1, True, False), (SIGNAL,)),
    "LPPool1d": Case(lambda m: m.nn.LPPool1d(2, 3, 2, True), (SIGNAL,)),
    "LPPool2d": Case(lambda m: m.nn.LPPool2d(2, 3, stride=2), (IMAGE,)),
    "LPPool3d": Case(lambda m: m.nn.LPPool3d(2, 2), (VOLUME,)),
    "FractionalMaxPool2d": Case(lambda m: m.nn.FractionalMaxPool2d((3, 2), (4, 3), None, True, m.asarray(SAMPLES)), (IMAGE,)),
    "FractionalMaxPool3d": Case(lambda m: m.nn.FractionalMaxPool3d(2, output_ratio=0.6, return_indices=True, _random_samples=m.asarray(normal(1, 2, 3) % 1)), (VOLUME,)),
    "Upsample": Case(lambda m: m.nn.Upsample(None, 1.7, "bilinear", None, True), (IMAGE,)),
    "UpsamplingBilinear2d": Case(lambda m: m.nn.UpsamplingBilinear2d(scale_factor=2), (IMAGE,)),
    "UpsamplingNearest2d": Case(lambda m: m.nn.UpsamplingNearest2d((9, 8)), (IMAGE,)),
    "Softmax2d": Case(lambda m: m.nn.Softmax2d(), (IMAGE,)),
    "RReLU": Case(lambda m: m.nn.RReLU(0.1, 0.5).eval(), (ROWS,)),
    "PReLU": Case(lambda m: m.nn.PReLU(init=0.1), (ROWS,)),
    "Embedding": Case(lambda m: m.nn.Embedding(5, 3, 1, 1.0, 2.0, True), (TOKENS,)),
    "EmbeddingBag": Case(lambda m: m.nn.EmbeddingBag(5, 3, 1.0, mode="mean", padding_idx=1), (TOKENS,)),
    "RNNCell": Case(lambda m: m.nn.RNNCell(6, 3, False, "relu"), (ROWS,)),
    "BatchNorm1d": Case(lambda m: m.nn.BatchNorm1d(4, bias=False), (SIGNAL,)),
    "GroupNorm": Case(lambda m: m.nn.GroupNorm(2, 4, bias=False), (IMAGE,)),
    "InstanceNorm2d": Case(lambda m: m.nn.InstanceNorm2d(4, affine=True, bias=False), (IMAGE,)),
    "attention": Case(lambda m: m.nn.MultiheadAttention(6, 2, 0.0, True, True, True), (SEQUENCE, SEQUENCE, SEQUENCE)),
    "attention, mask": Case(
        lambda m: m.nn.MultiheadAttention(6, 2, 0.0, False, True, False, 6, 6, True),
        (SEQUENCE, SEQUENCE, SEQUENCE),
        lambda m: {"attn_mask": m.asarray(np.triu(np.ones((2, 2), bool), 1)), "key_padding_mask": m.asarray(np.array([[False, True]] * 4))},
    ),
    "TransformerEncoder": Case(
        lambda m: m.nn.TransformerEncoder(m.nn.TransformerEncoderLayer(6, 2, 8, 0.0), 2, m.nn.LayerNorm(6), False),
        (SEQUENCE,),
        lambda m: {"mask": m.asarray(np.triu(np.ones((4, 4), bool), 1)), "is_causal": True},
    ),
    "MultiMarginLoss": Case(lambda m: m.nn.MultiMarginLoss(2, 0.7, m.asarray(POSITIVE[0])), (ROWS, LABELS)),
    "MultiLabelMarginLoss": Case(lambda m: m.nn.MultiLabelMarginLoss(reduction="none"), (ROWS, np.array([[3, 0, -1, 1, 1, 1]] * 5))),
    "MultiLabelSoftMarginLoss": Case(lambda m: m.nn.MultiLabelSoftMarginLoss(m.asarray(POSITIVE[0])), (ROWS, (ROWS > 0).astype(np.float32))),
    "TripletMarginLoss": Case(lambda m: m.nn.TripletMarginLoss(1.0, 2.0, 1e-6, True), (ROWS, POSITIVE, -POSITIVE)),
    "TripletMarginWithDistanceLoss": Case(
        lambda m: m.nn.TripletMarginWithDistanceLoss(distance_function=lambda x, y: abs(x - y).sum(-1), margin=3.0, swap=True, reduction="sum"),
        (ROWS, POSITIVE, -POSITIVE),
    ),
    "HuberLoss": Case(lambda m: m.nn.HuberLoss("sum", 0.5), (ROWS, POSITIVE)),
    "GaussianNLLLoss": Case(lambda m: m.nn.GaussianNLLLoss(full=True), (ROWS, POSITIVE, POSITIVE[:, 0])),
    "GaussianNLLLoss, one": Case(lambda m: m.nn.GaussianNLLLoss(), (ROWS, POSITIVE, POSITIVE[:, :1])),
    "GaussianNLLLoss, a column": Case(lambda m: m.nn.GaussianNLLLoss(), (ROWS, POSITIVE, POSITIVE[:1])),
    "KLDivLoss of numbers": Case(lambda m: m.nn.KLDivLoss(reduction="batchmean"), (ROWS[0, 0], POSITIVE[0, 0])),
    "PairwiseDistance": Case(lambda m: m.nn.PairwiseDistance(2.0, 1e-6, True), (ROWS, POSITIVE)),
    "CosineSimilarity": Case(lambda m: m.nn.CosineSimilarity(-2), (ROWS[:, None], POSITIVE[:1])),
    "adaptive softmax": Case(lambda m: m.nn.AdaptiveLogSoftmaxWithLoss(6, 9, [3, 6], 2.0, True), (ROWS, LABELS)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients(name):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    case = CASES[name]
    theirs, model = case.make(torch), case.make(sp)
    nn.load_torch_state_dict(model, {k: v.numpy() for k, v in theirs.state_dict().items()})
    moves = case.inputs[0].dtype.kind == "f"
    given = [torch.tensor(x) for x in case.inputs]
    given[0].requires_grad_(moves)
    options = [case.options(m) if case.options else {} for m in (torch, sp)]

    expected = leaves(theirs(*given, **options[0]))
    found = leaves(model(*map(sp.asarray, case.inputs), **options[1]))

    assert len(found) == len(expected)
    for own, other in zip(found, expected, strict=True):
        assert own.shape == tuple(other.shape)
        np.testing.assert_allclose(own.numpy(), other.detach().numpy(), rtol=3e-5, atol=3e-5)
    chosen = [i for i, x in enumerate(expected) if x.requires_grad]
    seeds = [1.3 + np.cos(0.7 * np.arange(expected[i].numel()) + i) for i in chosen]
    seeds = [s.reshape(expected[i].shape).astype(np.float32) for s, i in zip(seeds, chosen, strict=True)]  # fmt: skip
    sum(
        (expected[i] * torch.tensor(s)).sum() for i, s in zip(chosen, seeds, strict=True)
    ).backward()

    def total(model, x):
        outputs = leaves(model(x, *map(sp.asarray, case.inputs[1:]), **options[1]))
        return sum((outputs[i] * s).sum() for i, s in zip(chosen, seeds, strict=True))

    wanted = {n: p.grad for n, p in theirs.named_parameters() if p.grad is not None}
    slopes, slope = sp.grad(total, argnums=(0, 1))(model, sp.asarray(case.inputs[0])) if moves else (
        sp.grad(total)(model, sp.asarray(case.inputs[0])), None)  # fmt: skip
    if moves:
        np.testing.assert_allclose(slope.numpy(), given[0].grad.numpy(), rtol=2e-4, atol=2e-4)
    own = dict(slopes.named_parameters())
    for key, other in wanted.items():
        np.testing.assert_allclose(own[key].numpy(), other.numpy(), rtol=2e-4, atol=2e-4)


ABSENT = {
    "Container": "an old name of Module",
    "CrossMapLRN2d": "an old LocalResponseNorm",
    "DataParallel": "programs run on one device",
    "LinearCrossEntropyLoss": "Linear and CrossEntropyLoss are fused by the compiler",
    "NLLLoss2d": "an old name of NLLLoss",
    "RNNBase": "a base class",
    "RNNCellBase": "a base class",
}
DEPRECATED = {"size_average", "reduce", "min_value", "max_value"}
OURS = {"device", "dtype", "key"}
DEFAULTS = {
    ("Softmax", "dim"): "the last dimension, where PyTorch warns and guesses",
    ("Softmin", "dim"): "as Softmax",
    ("LogSoftmax", "dim"): "as Softmax",
    **dict.fromkeys(
        [
            (f"LazyInstanceNorm{n}d", key)
            for n in (1, 2, 3)
            for key in ("affine", "track_running_stats")
        ],
        "as InstanceNorm1d",
    ),
    **dict.fromkeys([(f"ConstantPad{n}d", "value") for n in (1, 2, 3)], "zero, where PyTorch asks"),
    **dict.fromkeys(
        [(f"Transformer{kind}", "activation") for kind in ("", "EncoderLayer", "DecoderLayer")],
        "the name of the same function",
    ),
}


def test_constructors_take_pytorchs_arguments():
    torch = pytest.importorskip("torch")
    differences = []
    for name in sorted(dir(torch.nn)):
        theirs = getattr(torch.nn, name)
        if not (inspect.isclass(theirs) and issubclass(theirs, torch.nn.Module)):
            continue
        if name in ABSENT:
            assert not hasattr(nn, name)
            continue
        wanted = inspect.signature(theirs.__init__).parameters
        own = inspect.signature(getattr(nn, name)).parameters
        for key, parameter in wanted.items():
            if key in {"self", *DEPRECATED, *OURS} or parameter.kind in (2, 4):
                continue
            if key not in own:
                differences.append(f"{name} lacks {key}")
            elif own[key].default != parameter.default and (name, key) not in DEFAULTS:
                differences.append(f"{name}({key}={own[key].default})")
        # What can be given by place stands in the same place.
        places = [k for k, p in own.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
        theirs_places = [k for k in wanted if k != "self"]
        if name not in ("GRU", "LSTM", "RNN") and "inplace" not in own:
            agree = [k for k in theirs_places if k not in OURS][: len(places)]
            if places != agree:
                differences.append(f"{name}: {places} for {agree}")
    assert not differences


def test_unpooling_undoes_pooling():
    torch = pytest.importorskip("torch")
    for rank, data in ((1, SIGNAL), (2, IMAGE), (3, VOLUME)):
        results = []
        for m, x in ((torch, torch.tensor(data)), (sp, sp.asarray(data))):
            pool = getattr(m.nn, f"MaxPool{rank}d")(2, return_indices=True)
            undo = getattr(m.nn, f"MaxUnpool{rank}d")(2)
            pooled, places = pool(x)
            results.append(undo(pooled, places, output_size=x.shape).numpy())
        np.testing.assert_array_equal(*results)


def test_lazy_modules_become_what_they_stand_for():
    model = nn.Sequential(nn.LazyConv2d(3, 2), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(2))
    with pytest.raises(TraceError, match="no parameters"):
        sp.jit(lambda model, x: model(x))(model, sp.asarray(IMAGE))
    y = model(sp.asarray(IMAGE))
    assert y.shape == (2, 2)
    assert [type(m).__name__ for m in model] == ["Conv2d", "BatchNorm2d", "Flatten", "Linear"]
    assert [name for name, _ in model.named_parameters()][:2] == ["0.weight", "0.bias"]
    slope = sp.grad(lambda model: (model(sp.asarray(IMAGE)) ** 2).sum())(model)
    assert slope[0].weight.shape == (3, 4, 2, 2)
    (model(sp.asarray(IMAGE)) ** 2).sum().backward()
    assert model[3].weight.grad.shape == model[3].weight.shape


def test_functions_that_follow_statistics():
    torch = pytest.importorskip("torch")
    for name in ("batch_norm", "instance_norm"):
        results = []
        for m in (torch, sp):
            mean, variance = m.zeros(4), m.ones(4)
            options = {"training": True} if name == "batch_norm" else {"use_input_stats": True}
            function = getattr(m.nn.functional, name)
            y = function(m.asarray(IMAGE), mean, variance, momentum=0.3, **options)
            z = function(m.asarray(IMAGE), mean, variance, None, None, False)
            results.append([t.numpy() for t in (y, z, mean, variance)])
        for own, other in zip(*results, strict=True):
            np.testing.assert_allclose(own, other, rtol=2e-5, atol=2e-5)


def test_margins_are_cut_before_the_rest_is_mirrored():
    torch = pytest.importorskip("torch")
    for mode in ("reflect", "replicate", "circular"):
        expected = torch.nn.functional.pad(torch.tensor(IMAGE), (-1, 2, 1, -2), mode)
        found = nn.functional.pad(sp.asarray(IMAGE), (-1, 2, 1, -2), mode)
        np.testing.assert_array_equal(found.numpy(), expected.numpy())
