"""GPT-2 (Radford et al., 2019) under the names of its published weights, and generation with it.

model = GPT2.load("gpt2.safetensors")  # the file that is published as `model.safetensors`
print(generate(model, tokens, 40))
"""

from pathlib import Path

import slopec as sp
from slopec import nn


class Conv1D(nn.Module):
    """A linear layer whose weight lies the other way round: (inputs, outputs)."""

    def __init__(self, inputs: int, outputs: int):
        self.weight = nn.init.normal((inputs, outputs), std=0.02)
        self.bias = sp.zeros(outputs)

    def forward(self, x):
        return x @ self.weight + self.bias


class Attention(nn.Module):
    """Attention to what came before, which is in `cache` if there is one."""

    def __init__(self, width: int, heads: int):
        self.heads = heads
        self.c_attn = Conv1D(width, 3 * width)
        self.c_proj = Conv1D(width, width)

    def forward(self, x, cache=None):
        batch, length, width = x.shape
        parts = self.c_attn(x).reshape(batch, length, 3, self.heads, width // self.heads)
        q, k, v = (parts[:, :, i].permute(0, 2, 1, 3) for i in range(3))
        if cache is None:
            y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            cache = cache.append(k, v)
            y = cache.attend(q)
        return self.c_proj(y.permute(0, 2, 1, 3).reshape(batch, length, width)), cache


class MLP(nn.Module):
    """A perceptron four times as wide inside."""

    def __init__(self, width: int):
        self.c_fc = Conv1D(width, 4 * width)
        self.c_proj = Conv1D(4 * width, width)

    def forward(self, x):
        return self.c_proj(nn.functional.gelu(self.c_fc(x), approximate="tanh"))


class Block(nn.Module):
    """Attention, then a perceptron, each added to its input."""

    def __init__(self, width: int, heads: int):
        self.ln_1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = MLP(width)

    def forward(self, x, cache=None):
        y, cache = self.attn(self.ln_1(x), cache)
        x = x + y
        return x + self.mlp(self.ln_2(x)), cache


class GPT2(nn.Module):
    """Tokens (N, T) to logits (N, T, vocabulary) of each next token; by default the small one."""

    def __init__(
        self,
        vocabulary: int = 50257,
        context: int = 1024,
        width: int = 768,
        heads: int = 12,
        layers: int = 12,
    ):
        self.wte = nn.Embedding(vocabulary, width)
        self.wpe = nn.Embedding(context, width)
        self.h = nn.ModuleList([Block(width, heads) for _ in range(layers)])
        self.ln_f = nn.LayerNorm(width)

    def forward(self, tokens, caches=None):
        """The logits, and with `caches`, one for each layer, those after the tokens too."""
        first = 0 if caches is None else caches[0].length
        x = self.wte(tokens) + self.wpe(first + sp.arange(tokens.shape[1]))
        following = []
        for number, block in enumerate(self.h):
            x, cache = block(x, None if caches is None else caches[number])
            following.append(cache)
        logits = self.ln_f(x) @ self.wte.weight.T
        return logits if caches is None else (logits, following)

    def caches(self, batch: int, capacity: int):
        """Empty caches for generation of up to `capacity` tokens."""
        heads, width = self.h[0].attn.heads, self.wte.weight.shape[1]
        return [nn.KVCache(batch, heads, capacity, width // heads) for _ in self.h]

    @classmethod
    def load(cls, path: str | Path, heads: int | None = None) -> "GPT2":
        """The model whose weights a safetensors file has; a head is 64 wide unless told."""
        from safetensors.numpy import load_file

        names = {
            name.removeprefix("transformer."): array for name, array in load_file(path).items()
        }
        vocabulary, width = names["wte.weight"].shape
        layers = sum(name.endswith("ln_1.weight") for name in names)
        context = len(names["wpe.weight"])
        model = cls(vocabulary, context, width, heads or width // 64, layers)
        known = model.state_dict()  # which lacks the masks that some files have
        return nn.load_torch_state_dict(model, names, rename=lambda n: n if n in known else None)


def generate(model: GPT2, tokens, count: int):
    """The likeliest next tokens (N, count) after `tokens` (N, T), one after the other."""
    caches = model.caches(len(tokens), tokens.shape[1] + count)
    chosen = []
    for _ in range(count):
        logits, caches = model(tokens, caches)
        tokens = sp.expand_dims(logits[:, -1].argmax(axis=-1), 1).eval()
        chosen.append(tokens)
    return sp.concat(chosen, axis=1)


@sp.program(tokens=sp.spec("int32", ("batch", 64)))
def predict(model: GPT2, tokens):
    """Logits of the token after each of the given ones."""
    return {"logits": model.eval()(tokens)}
