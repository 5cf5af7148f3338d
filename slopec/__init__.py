"""slopec: model programs in Python become differentiated, optimised, self-describing artifacts."""

from slopec.ops import *
from slopec.tensor import Tensor, tensor
