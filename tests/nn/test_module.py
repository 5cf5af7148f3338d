"""Modules as pytrees and as PyTorch's users know them: names, state, flags, text."""

import numpy as np
import pytest

import slopec as sp
from slopec import nn, tree
from slopec.diagnostics import TraceError, UsageError


class Block(nn.Module):
    """A child of every kind, and constants of every kind."""

    def __init__(self, width=3, activation=nn.functional.relu):
        self.inner = nn.Linear(width, width, key=sp.random.key(1))
        self.parts = [nn.Linear(width, 1, bias=False, key=sp.random.key(2)), None]
        self.named = {"scale": sp.tensor(2.0), "other": (sp.tensor([1.0, 1.0, 1.0]), "x")}
        self.activation = activation
        self.table = np.arange(3.0, dtype=np.float32)
        self.sizes = [width, 2]
        self.bias = None
        self.register_buffer("count", sp.tensor(0.0))

    def forward(self, x):
        self.count = self.count + 1
        y = self.activation(self.inner(x)) * self.named["other"][0] + self.table
        return self.parts[0](y) * self.named["scale"]


NAMES = [
    "inner.weight",
    "inner.bias",
    "parts.0.weight",
    "named.scale",
    "named.other.0",
]


def test_names():
    block = Block()
    assert sorted(name for name, _ in block.named_parameters()) == sorted(NAMES)
    assert [name for name, _ in block.named_buffers()] == ["count"]
    assert [name for name, _ in block.named_modules()] == ["", "inner", "parts.0"]
    assert set(block.state_dict()) == {*NAMES, "count"}
    assert block.num_parameters == 9 + 3 + 3 + 1 + 3
    assert sorted(tree.paths(block)) == sorted([*NAMES, "count"])


def test_a_module_is_rebuilt_as_it_was():
    block = Block()
    leaves, treedef = tree.flatten(block)
    again = treedef.unflatten(leaves)

    assert type(again) is Block
    assert tree.structure(again) == treedef
    assert hash(tree.structure(again)) == hash(treedef)
    assert again.activation is block.activation
    assert again.table is block.table
    x = sp.ones((2, 3))
    np.testing.assert_array_equal(again(x).numpy(), block(x).numpy())


CHANGES = {
    "a number": lambda b: setattr(b, "sizes", [3, 4]),
    "an array": lambda b: setattr(b, "table", np.zeros(3, np.float32)),
    "a function": lambda b: setattr(b, "activation", nn.functional.tanh),
    "a missing child": lambda b: setattr(b.inner, "bias", None),
    "training": lambda b: b.eval(),
    "freezing": lambda b: b.freeze("inner"),
    "a constant beside a child": lambda b: b.named.update(other=(b.named["other"][0], "y")),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_static_is_part_of_the_structure(name):
    assert tree.structure(Block()) == tree.structure(Block())
    changed = Block()
    CHANGES[name](changed)
    assert tree.structure(changed) != tree.structure(Block())


def test_missing_leaves_keep_their_places():
    block = Block()
    chosen, rest = nn.partition(block, lambda name, leaf: name.endswith("weight"))

    assert [n for n, _ in chosen.named_parameters()] == ["inner.weight", "parts.0.weight"]
    assert chosen.inner.bias is None
    assert "inner.bias" in dict(rest.named_parameters())
    whole = nn.combine(chosen, rest)
    assert tree.structure(whole) == tree.structure(block)
    for ours, theirs in zip(tree.leaves(whole), tree.leaves(block), strict=True):
        assert ours is theirs


def test_gradients_have_the_structure_of_the_module():
    block = Block()
    x = sp.ones((2, 3))

    def loss(block):
        return block(x).sum(), block

    (_, after), slope = sp.value_and_grad(loss, has_aux=True)(block)

    assert tree.structure(slope) == tree.structure(block)
    assert after.count.item() == 1.0
    assert block.count.item() == 0.0
    chosen, rest = nn.partition(block, lambda name, leaf: name == "inner.weight")
    expected = sp.grad(lambda chosen: loss(nn.combine(chosen, rest))[0])(chosen)
    np.testing.assert_allclose(slope.inner.weight.numpy(), expected.inner.weight.numpy())


def test_a_module_from_outside_a_trace_is_not_changed():
    block = Block()
    with pytest.raises(TraceError, match=r"Block was about to keep a traced value in `count`"):
        sp.grad(lambda x: block(x).sum())(sp.ones((2, 3)))


def test_state_dicts():
    a, b = Block(), Block()
    b.inner.weight = b.inner.weight + 1.0
    state = {name: np.asarray(x, np.float64) for name, x in b.state_dict().items()}

    assert a.load_state_dict(state) is a

    np.testing.assert_array_equal(a.inner.weight.numpy(), b.inner.weight.numpy())
    assert a.inner.weight.dtype == np.float32
    del state["inner.bias"]
    state["elsewhere"] = np.zeros(1)
    with pytest.raises(UsageError, match="1 missing and 1 unknown") as raised:
        a.load_state_dict(state)
    assert "missing: inner.bias" in str(raised.value)
    a.load_state_dict(state, strict=False)
    with pytest.raises(UsageError, match=r"`inner.weight` has shape \(2,\)"):
        a.load_state_dict({"inner.weight": np.zeros(2)}, strict=False)


def test_training_flags_reach_everything():
    model = nn.Sequential(Block(), nn.Sequential(nn.Dropout()))
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    model.train()
    assert all(module.training for module in model.modules())


def test_freezing():
    model = nn.Sequential(nn.Linear(2, 3), Block())
    model[0].freeze()
    model[1].freeze("named")
    trained = dict(nn.partition(model)[0].named_parameters())
    assert set(trained) == {"1.inner.weight", "1.inner.bias", "1.parts.0.weight"}
    assert len(list(model.parameters())) == 7
    model.unfreeze()
    assert len(list(nn.partition(model)[0].parameters())) == 7
    with pytest.raises(UsageError, match=r"no child `innner`\n(.*\n)*.*did you mean `inner`"):
        model[1].freeze("innner")


def test_conversion():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).to("float64")
    assert {x.dtype.name for x in tree.leaves(model)} == {"float64"}
    assert model(sp.ones((4, 2), dtype="float64")).dtype == np.float64


def test_containers():
    layers = nn.ModuleList([nn.Linear(1, 1) for _ in range(3)])
    layers.append(nn.Identity()).extend([nn.Flatten()])
    assert len(layers) == 5
    assert isinstance(layers[-1], nn.Flatten)
    assert [type(m).__name__ for m in layers[1:4]] == ["Linear", "Linear", "Identity"]
    stack = nn.Sequential({"first": nn.Linear(2, 2), "last": nn.ReLU()})
    assert [name for name, _ in stack.named_children()] == ["first", "last"]
    assert isinstance(stack[:1], nn.Sequential)
    heads = nn.ModuleDict({"a": nn.Linear(2, 2)})
    heads["b"] = nn.Linear(2, 1)
    assert (len(heads), "b" in heads, heads.keys()) == (2, True, ["a", "b"])
    assert [name for name, _ in heads.named_parameters()][-1] == "b.bias"
    assert [type(m).__name__ for m in heads.values()] == ["Linear", "Linear"]
    with pytest.raises(UsageError, match="method's name"):
        heads["forward"] = nn.Linear(1, 1)


def test_text():
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Sequential(nn.Dropout(0.1)))
    assert repr(model) == (
        "Sequential(\n"
        "  (0): Conv2d(1, 4, kernel_size=(3, 3), stride=1, padding=1)\n"
        "  (1): Sequential(\n"
        "    (0): Dropout(p=0.1)\n"
        "  )\n"
        ")"
    )


def test_summary():
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2).freeze())
    before = model[1].running_mean

    lines = nn.summary(model, sp.ones((5, 4))).splitlines()

    assert lines[0].split() == ["module", "type", "output", "parameters"]
    assert lines[3].split() == ["0", "Linear", "(5,", "8)", "40"]
    assert lines[-1] == "74 parameters, of which 56 are trained; 296 B"
    assert model[1].running_mean is before
    assert "output" not in nn.summary(model)


def test_a_module_without_forward_says_so():
    with pytest.raises(UsageError, match="Empty has no forward"):
        type("Empty", (nn.Module,), {})()(sp.ones(1))


def test_a_compiled_step_carries_the_state():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))
    optimizer = sp.optim.sgd(0.1)

    @sp.jit
    def step(model, state, x, key):
        def loss(model):
            with sp.random.stream(key):
                return (model(x) ** 2).sum(), model

        (value, model), slope = sp.value_and_grad(loss, has_aux=True)(model)
        return *optimizer.update(slope, state, model), value

    state = optimizer.init(model)
    x = sp.random.normal(sp.random.key(0), (6, 3))
    values = []
    for i in range(3):
        model, state, value = step(model, state, x, sp.random.key(i))
        values.append(value.item())
    assert model[1].num_batches_tracked.item() == 3.0
    assert len(set(values)) == 3


def test_an_inner_trace_does_not_change_the_module_of_an_outer_one():
    def outer(block, x):
        return sp.grad(lambda x: block(x).sum())(x).sum()

    with pytest.raises(TraceError, match="S0121"):
        sp.grad(outer)(Block(), sp.ones((2, 3)))

    def remembers(x):
        block.seen = x
        return x.sum()

    block = Block()
    with pytest.raises(TraceError, match="keep a traced value in `seen`"):
        sp.grad(remembers)(sp.ones(3))


def test_a_module_made_within_a_trace_may_change():
    def loss(x):
        block = Block()
        block(x)
        return block(x).sum() * block.count

    assert sp.grad(loss)(sp.ones((2, 3))).shape == (2, 3)


def test_children_within_registered_nodes():
    class Pair:
        def __init__(self, a, b):
            self.a, self.b = a, b

    tree.register_node(Pair, lambda p: ((p.a, p.b), ("a", "b"), None), lambda _, c: Pair(*c))
    block = Block()
    block.pair = Pair(sp.tensor(1.0), "constant")
    assert "pair.a" in dict(block.named_parameters())
    again = tree.structure(block).unflatten(tree.leaves(block))
    assert (again.pair.a.item(), again.pair.b) == (1.0, "constant")


def test_parts_by_name():
    """PyTorch's ways to put parts into a module, and to find them."""
    model = nn.Sequential()
    model.add_module("inner", nn.Linear(2, 3))
    model.register_parameter("scale", sp.ones(3))

    assert model.get_submodule("") is model
    assert model.get_submodule("inner").weight is model.get_parameter("inner.weight")
    assert {name for name, _ in model.named_parameters()} == {"inner.weight", "inner.bias", "scale"}
