"""Layers without weights as functions of tensors, under PyTorch's names and with its arguments.

What is an operation on tensors anyway (`conv2d`, `max_pool2d` …) is `slopec`'s own, and
found here too. `dim` is what `axis` is elsewhere.
"""

from slopec.nn.functional import (
    activations,
    attention,
    classification,
    distances,
    images,
    losses,
    maps,
    margins,
    normalization,
    padding,
    pools,
    randomness,
    sampling,
    scores,
    sequences,
)
from slopec.nn.functional.activations import *  # noqa: F403
from slopec.nn.functional.attention import *  # noqa: F403
from slopec.nn.functional.classification import *  # noqa: F403
from slopec.nn.functional.distances import *  # noqa: F403
from slopec.nn.functional.images import *  # noqa: F403
from slopec.nn.functional.losses import *  # noqa: F403
from slopec.nn.functional.maps import *  # noqa: F403
from slopec.nn.functional.margins import *  # noqa: F403
from slopec.nn.functional.normalization import *  # noqa: F403
from slopec.nn.functional.padding import *  # noqa: F403
from slopec.nn.functional.pools import *  # noqa: F403
from slopec.nn.functional.randomness import *  # noqa: F403
from slopec.nn.functional.sampling import *  # noqa: F403
from slopec.nn.functional.scores import *  # noqa: F403
from slopec.nn.functional.sequences import *  # noqa: F403
from slopec.ops import (
    adaptive_avg_pool,
    adaptive_max_pool,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    fold,
    global_avg_pool,
    global_max_pool,
    interpolate,
    max_pool1d,
    max_pool2d,
    max_pool3d,
    one_hot,
    unfold,
)

__all__ = [
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "fold",
    "global_avg_pool",
    "global_max_pool",
    "interpolate",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "one_hot",
    "unfold",
]
__all__ += activations.__all__
__all__ += attention.__all__
__all__ += classification.__all__
__all__ += distances.__all__
__all__ += images.__all__
__all__ += losses.__all__
__all__ += maps.__all__
__all__ += margins.__all__
__all__ += normalization.__all__
__all__ += padding.__all__
__all__ += pools.__all__
__all__ += randomness.__all__
__all__ += sampling.__all__
__all__ += scores.__all__
__all__ += sequences.__all__
