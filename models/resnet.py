"""Residual networks for small photographs (He et al., *Deep Residual Learning …*, 2016)."""

from itertools import pairwise

import slopec as sp
from slopec import nn


class Block(nn.Module):
    """Two convolutions, normalised, added to their input; with a stride the image shrinks."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            narrow = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(narrow, nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = nn.functional.relu(self.norm1(self.conv1(x)))
        return nn.functional.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class ResNet(nn.Module):
    """Images (N, 3, H, W) with values 0 … 255 to logits (N, classes); `blocks` 3 is ResNet-20."""

    def __init__(self, classes: int = 10, width: int = 16, blocks: int = 3):
        self.conv = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        widths = [width] * (blocks + 1) + [2 * width] * blocks + [4 * width] * blocks
        self.blocks = nn.Sequential(*(Block(a, b, 1 if a == b else 2) for a, b in pairwise(widths)))
        self.head = nn.Linear(4 * width, classes)

    def forward(self, image):
        x = nn.functional.relu(self.norm(self.conv(image / 127.5 - 1.0)))
        return self.head(nn.functional.global_avg_pool(self.blocks(x)).flatten(1))


@sp.program(image=sp.spec("float32", ("batch", 3, 32, 32)))
def predict(model: ResNet, image):
    """The classes' logits and the likeliest class of every image."""
    logits = model.eval()(image)
    return {"logits": logits, "label": logits.argmax(axis=-1)}
