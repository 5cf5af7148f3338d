"""The training step of every recipe, optimiser and all, compiles for every target."""

import pytest

from slopec.build import build
from slopec.lower import lower
from slopec.targets import parse_target
from slopec.train import recipe as recipes
from slopec.train.loop import Training

SMALL = {
    "digits-mlp": {},
    "digits-convnet": {"model.arguments": "{ width = 16 }"},
    "digits-vit": {"model.arguments": "{ width = 16, heads = 2, layers = 1 }"},
    "text-gpt": {"model.arguments": "{ width = 32, heads = 2, layers = 1 }", "train.batch": "4"},
}


@pytest.mark.parametrize("target", ["llvm-cpu", "cuda", "metal"])
@pytest.mark.parametrize("name", SMALL)
def test_compiles(name: str, target: str) -> None:
    training = Training.__new__(Training)
    training.prepare(recipes.read(recipes.find(name), SMALL[name]))
    marked, weights = training.programs()
    lowered = lower(marked[:1], name="step", weights=weights)
    (artifact,) = build(lowered, [parse_target(target)])
    assert artifact.manifest.target.name == target
    assert all(given.donated for given in artifact.manifest.entries["step"].inputs if given.slot)


def test_every_recipe_is_covered() -> None:
    assert set(SMALL) == set(recipes.recipes())
