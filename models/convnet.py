"""A small convolutional network that reads handwritten digits."""

import slopec as sp
from slopec import nn


class ConvNet(nn.Module):
    """Images (N, 8, 8) with values 0 … 16 to logits (N, 10)."""

    def __init__(self, width: int = 32, dropout: float = 0.3):
        self.conv1 = nn.Conv2d(1, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(2 * width * 4, 128)
        self.fc2 = nn.Linear(128, 10)
        self.dropout = nn.Dropout(dropout)

    def forward(self, image):
        x = image.reshape(-1, 1, 8, 8) / 16.0
        x = self.pool(nn.functional.relu(self.conv1(x)))
        x = self.pool(nn.functional.relu(self.conv2(x)))
        x = nn.functional.relu(self.fc1(x.reshape(x.shape[0], -1)))
        return self.fc2(self.dropout(x))


@sp.program(image=sp.spec("float32", ("batch", 8, 8)))
def predict(model: ConvNet, image):
    """The ten classes' logits and the likeliest class of every image."""
    logits = model.eval()(image)
    return {"logits": logits, "label": logits.argmax(axis=-1)}
