"""Modules, under PyTorch's names: pytrees of parameters with a `forward`."""

from slopec.nn import functional, init
from slopec.nn.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d
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
from slopec.nn.partition import combine, partition

__all__ = [
    "GELU",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
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
    "combine",
    "functional",
    "init",
    "partition",
]
