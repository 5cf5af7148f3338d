"""A vision transformer that reads handwritten digits (Dosovitskiy et al., 2021, very small)."""

import slopec as sp
from slopec import nn


class ViT(nn.Module):
    """Images (N, 8, 8) with values 0 … 16 to logits (N, 10), by attention between patches."""

    def __init__(
        self,
        patch: int = 2,
        width: int = 64,
        heads: int = 4,
        layers: int = 3,
        dropout: float = 0.1,
    ):
        self.patches = nn.Conv2d(1, width, patch, stride=patch)
        self.first = nn.Embedding(1, width)
        self.places = nn.Embedding(1 + (8 // patch) ** 2, width)
        layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout, "gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 10)

    def forward(self, image):
        patches = self.patches(image.reshape(-1, 1, 8, 8) / 16.0).flatten(2).mT
        first = self.first.weight.expand(patches.shape[0], 1, -1)
        x = sp.concat([first, patches], axis=1) + self.places.weight
        return self.head(self.norm(self.encoder(x)[:, 0]))


@sp.program(image=sp.spec("float32", ("batch", 8, 8)))
def predict(model: ViT, image):
    """The ten classes' logits and the likeliest class of every image."""
    logits = model.eval()(image)
    return {"logits": logits, "label": logits.argmax(axis=-1)}
