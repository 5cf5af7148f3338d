"""Two networks against each other: what is drawn comes to look like what was shown."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp
import slopec_runtime
from slopec.build import build
from slopec.lower import lower
from slopec.programs import Weights
from slopec.targets import parse_target
from slopec.train.data import load_digits
from tests.models.test_gradients import load

DRAW = np.random.default_rng(0)
NOISE = DRAW.normal(size=(256, 16)).astype(np.float32)
IMAGES = (load_digits()[0].reshape(-1, 64) / 16).astype(np.float32)


def likeness(drawn):
    """How alike the pixels' means are, over all images, and how much drawn images differ."""
    means = np.corrcoef(drawn.mean(0), IMAGES.mean(0))[0, 1]
    return means, drawn.std(0).mean() / IMAGES.std(0).mean()


@pytest.mark.slow
def test_training_makes_digits_of_noise(tmp_path):
    module = load("gan")
    sp.manual_seed(0)
    programs = lower(
        [module.step, module.generate],
        name="gan",
        dims={"batch": [len(NOISE)]},
        weights=Weights({"pair": module.Pair()}),
    )
    (artifact,) = build(programs, [parse_target("llvm-cpu")])
    program = slopec_runtime.load(artifact.save(tmp_path / "gan.vmfb"))
    before = likeness(program.generate(noise=NOISE).numpy())

    for _ in range(800):
        program.step(image=IMAGES[DRAW.integers(0, len(IMAGES), 64)])

    means, variety = likeness(program.generate(noise=NOISE).numpy())
    assert abs(before[0]) < 0.3
    assert means > 0.6
    assert variety > 3 * before[1]


def test_gradients_of_both_losses_against_jax():
    module = load("gan")
    sp.manual_seed(1)
    pair = module.Pair().eval()
    params = {name: np.asarray(p) for name, p in pair.named_parameters()}
    noise, images = NOISE[:8], IMAGES[:8]

    def layer(p, name, x):
        return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]

    def leaky(x):
        return jax.nn.leaky_relu(x, 0.2)

    def generator(p, x):
        for place in (0, 2):
            x = leaky(layer(p, f"generator.layers.{place}", x))
        return jax.nn.sigmoid(layer(p, "generator.layers.4", x))

    def critic(p, x):
        return layer(p, "critic.layers.3", leaky(layer(p, "critic.layers.0", x)))[:, 0]

    def said(logits, real):
        return -(
            real * jax.nn.log_sigmoid(logits) + (1 - real) * jax.nn.log_sigmoid(-logits)
        ).mean()

    def both(p):
        drawn = generator(p, noise)
        return (
            said(critic(p, images), 0.9)
            + said(critic(p, drawn), 0.0)
            + 2 * said(critic(p, drawn), 1.0)
        )

    def ours(pair):
        drawn = pair.generator(sp.asarray(noise))
        first = module.critics_loss(pair.critic, sp.asarray(images), drawn)
        return first + 2 * module.generators_loss(pair.generator, pair.critic, sp.asarray(noise))

    value, slope = sp.value_and_grad(ours)(pair)
    expected, slopes = jax.value_and_grad(both)({k: jnp.asarray(v) for k, v in params.items()})
    np.testing.assert_allclose(value.item(), expected, rtol=1e-5)
    for name, own in slope.named_parameters():
        np.testing.assert_allclose(own.numpy(), slopes[name], rtol=1e-4, atol=1e-6)
