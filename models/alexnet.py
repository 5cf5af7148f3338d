"""AlexNet for small photographs (Krizhevsky et al., *ImageNet Classification …*, 2012)."""

from itertools import pairwise

import slopec as sp
from slopec import nn


class AlexNet(nn.Module):
    """Images (N, 3, 32, 32) with values 0 … 255 to logits (N, classes)."""

    def __init__(self, classes: int = 100, width: int = 64, dropout: float = 0.5):
        widths = (3, width, 3 * width, 6 * width, 4 * width, 4 * width)
        self.convs = nn.ModuleList([nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(widths)])
        self.pool = nn.MaxPool2d(3, 2)
        self.fc1 = nn.Linear(4 * width * 9, 16 * width)
        self.fc2 = nn.Linear(16 * width, 16 * width)
        self.head = nn.Linear(16 * width, classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, image):
        x = image / 127.5 - 1.0
        for number, conv in enumerate(self.convs):
            x = nn.functional.relu(conv(x))
            if number in (0, 1, 4):
                x = self.pool(x)
        x = self.dropout(x.flatten(1))
        x = self.dropout(nn.functional.relu(self.fc1(x)))
        return self.head(nn.functional.relu(self.fc2(x)))


@sp.program(image=sp.spec("float32", ("batch", 3, 32, 32)))
def predict(model: AlexNet, image):
    """The classes' logits and the likeliest class of every image."""
    logits = model.eval()(image)
    return {"logits": logits, "label": logits.argmax(axis=-1)}
