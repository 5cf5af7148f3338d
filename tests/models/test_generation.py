"""Generation with GPT-2: weights of published files, caches that change nothing."""

import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file

import slopec as sp
from tests.models.in_jax import gpt2
from tests.models.test_gradients import load

PROMPT = np.array([[3, 1, 4, 1], [5, 9, 2, 6]], np.int32)


@pytest.fixture
def file(tmp_path):
    """Weights as they are published: with a prefix, the other way round, with masks."""
    sp.manual_seed(3)
    model = load("gpt2").GPT2(20, 16, 16, heads=2, layers=2)
    arrays = {f"transformer.{n}": np.asarray(t) * 3 for n, t in model.state_dict().items()}
    arrays["transformer.h.0.attn.bias"] = np.tril(np.ones((1, 1, 16, 16), np.float32))
    save_file(arrays, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors", arrays


def test_generation_follows_the_whole_sequence(file):
    path, arrays = file
    module = load("gpt2")
    model = module.GPT2.load(path, heads=2)
    params = {name.removeprefix("transformer."): array for name, array in arrays.items()}

    found = module.generate(model, sp.tensor(PROMPT), 6).numpy()

    tokens = PROMPT
    for _ in range(6):
        likeliest = np.asarray(jnp.argmax(gpt2(params, tokens)[:, -1], axis=-1))
        tokens = np.concatenate([tokens, likeliest[:, None].astype(np.int32)], axis=1)
    np.testing.assert_array_equal(found, tokens[:, 4:])
    logits, _ = model(sp.tensor(tokens), model.caches(2, 10))
    np.testing.assert_allclose(logits.numpy(), gpt2(params, tokens), rtol=1e-4, atol=1e-4)
