"""Two networks against each other: one draws digits, one tells them from real ones.

(Goodfellow et al., *Generative adversarial nets*, 2014.) Both take a step in one program, whose
state stays on the device.
"""

import slopec as sp
from slopec import nn

NOISE = 16


class Generator(nn.Module):
    """Noise (N, 16) to images (N, 64) with values 0 … 1."""

    def __init__(self, width: int = 128):
        self.layers = nn.Sequential(
            nn.Linear(NOISE, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, 64),
            nn.Sigmoid(),
        )

    def forward(self, noise):
        return self.layers(noise)


class Critic(nn.Module):
    """Images (N, 64) to logits (N) of being real."""

    def __init__(self, width: int = 128):
        self.layers = nn.Sequential(
            nn.Linear(64, width), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(width, 1)
        )

    def forward(self, image):
        return self.layers(image)[:, 0]


class Pair(nn.Module):
    """A generator and its critic."""

    def __init__(self):
        self.generator, self.critic = Generator(), Critic()


def said(logits, real):
    """How wrong the critic is who should have said `real` of all."""
    return nn.functional.binary_cross_entropy_with_logits(logits, sp.full_like(logits, real))


def critics_loss(critic, images, drawn):
    """What the critic wants small: real images told from drawn ones."""
    return said(critic(images), 0.9) + said(critic(drawn), 0.0)


def generators_loss(generator, critic, noise):
    """What the generator wants small: its images taken for real."""
    return said(critic(generator(noise)), 1.0)


optimizer = sp.optim.adam(1e-3, betas=(0.5, 0.999))


@sp.program(
    state=("pair", "moments", "key"),
    moments=lambda pair: (optimizer.init(pair.generator), optimizer.init(pair.critic)),
    key=lambda: sp.random.key(0),
    image=sp.spec("float32", (64, 64)),
)
def step(pair: Pair, moments, key, image):
    """A step of the critic, then one of the generator; gives both losses."""
    key, first, second, masks = sp.random.split(key, 4)
    one, two = moments
    with sp.random.stream(masks):
        drawn = pair.generator(sp.random.normal(first, (64, NOISE)))
        loss, slope = sp.value_and_grad(critics_loss)(pair.critic, image, drawn)
        critic, two = optimizer.update(slope, two, pair.critic)
        noise = sp.random.normal(second, (64, NOISE))
        other, slope = sp.value_and_grad(generators_loss)(pair.generator, critic, noise)
        generator, one = optimizer.update(slope, one, pair.generator)
    pair.generator, pair.critic = generator, critic
    return pair, (one, two), key, {"critic": loss, "generator": other}


@sp.program(noise=sp.spec("float32", ("batch", NOISE)))
def generate(pair: Pair, noise):
    """Images made of noise."""
    return pair.eval().generator(noise)
