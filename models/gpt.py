"""A small decoder-only transformer over characters (Radford et al., 2019, at a thousandth)."""

import slopec as sp
from slopec import nn


class Block(nn.Module):
    """Attention to what came before, then a perceptron, each added to its input."""

    def __init__(self, width: int, heads: int):
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)

    def attend(self, x):
        batch, length, width = x.shape
        qkv = self.qkv(x).reshape(batch, length, 3, self.heads, width // self.heads)
        q, k, v = (qkv[:, :, i].permute(0, 2, 1, 3) for i in range(3))
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.project(y.permute(0, 2, 1, 3).reshape(batch, length, width))

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        y = nn.functional.gelu(self.widen(self.norm2(x)), approximate="tanh")
        return x + self.narrow(y)


class GPT(nn.Module):
    """Tokens (N, T) to logits (N, T, vocabulary) of each next token."""

    def __init__(
        self,
        vocabulary: int = 128,
        context: int = 64,
        width: int = 128,
        heads: int = 4,
        layers: int = 4,
    ):
        self.token = nn.Embedding(vocabulary, width)
        self.position = nn.Embedding(context, width)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens):
        x = self.token(tokens) + self.position.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


@sp.program(tokens=sp.spec("int32", ("batch", 64)))
def predict(model: GPT, tokens):
    """Logits of the token after each of the given ones."""
    return {"logits": model.eval()(tokens)}
