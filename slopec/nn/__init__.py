"""Modules, under PyTorch's names: pytrees of parameters with a `forward`."""

from slopec.nn import functional, init
from slopec.nn.containers import (
    GELU,
    AvgPool2d,
    Flatten,
    MaxPool2d,
    ModuleList,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
)
from slopec.nn.layers import Conv2d, Dropout, Embedding, LayerNorm, Linear
from slopec.nn.module import Module

__all__ = [
    "GELU",
    "AvgPool2d",
    "Conv2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "LayerNorm",
    "Linear",
    "MaxPool2d",
    "Module",
    "ModuleList",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "functional",
    "init",
]
