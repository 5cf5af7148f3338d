"""A perceptron with one hidden layer that reads handwritten digits."""

import slopec as sp
from slopec import nn


class MLP(nn.Module):
    """Images (N, 8, 8) with values 0 … 16 to logits (N, 10)."""

    def __init__(self, hidden: int = 256, dropout: float = 0.2):
        self.fc1 = nn.Linear(64, hidden)
        self.fc2 = nn.Linear(hidden, 10)
        self.dropout = nn.Dropout(dropout)

    def forward(self, image):
        x = image.reshape(-1, 64) / 16.0
        x = nn.functional.relu(self.fc1(x))
        return self.fc2(self.dropout(x))


@sp.program(image=sp.spec("float32", ("batch", 8, 8)))
def predict(model: MLP, image):
    """The ten classes' logits and the likeliest class of every image."""
    logits = model.eval()(image)
    return {"logits": logits, "label": logits.argmax(axis=-1)}
