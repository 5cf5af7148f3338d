"""Transforms of batches of images on the host, before they are sent to the device.

Each takes images (N, …, height, width) and the number of the training step, which decides what is
drawn, so that a run that is resumed goes on as it would have.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slopec import ops

Images = NDArray[Any]
Transform = Callable[[Images, int], Images]


def chain(*transforms: Transform) -> Transform:
    """The transforms one after the other.

    >>> import numpy as np
    >>> both = chain(scaled(2.0), scaled(0.5, minus=1.0))
    >>> both(np.float32([[[4.0]]]), 0).tolist()
    [[[2.0]]]
    """

    def run(images: Images, step: int) -> Images:
        for transform in transforms:
            images = transform(images, step)
        return images

    return run


def scaled(by: Any, minus: Any = 0.0) -> Transform:
    """(images - minus) / by in float32; both are numbers, or one for each channel."""

    def run(images: Images, step: int) -> Images:
        scale, mean = (np.asarray(value, np.float32) for value in (by, minus))
        if scale.ndim or mean.ndim:  # channels stand before height and width
            scale, mean = (value.reshape(-1, 1, 1) for value in (scale, mean))
        return (images.astype(np.float32) - mean) / scale

    return run


def shifted(margin: int = 1) -> Transform:
    """Images moved by up to `margin` pixels in each direction, zeros coming in."""

    def run(images: Images, step: int) -> Images:
        height, width = images.shape[-2:]
        moves = np.random.PCG64([step, 1]).random_raw(2 * len(images)) % (2 * margin + 1)
        rest = [(0, 0)] * (images.ndim - 2)
        padded = np.pad(images, [*rest, (margin, margin), (margin, margin)])
        result = np.empty_like(images)
        for i, (down, right) in enumerate(moves.reshape(-1, 2).astype(int)):
            result[i] = padded[i, ..., down : down + height, right : right + width]
        return result

    return run


def mirrored() -> Transform:
    """Every other image, as it is drawn, with left and right exchanged."""

    def run(images: Images, step: int) -> Images:
        chosen = np.random.PCG64([step, 2]).random_raw(len(images)) % 2 == 1
        result = images.copy()
        result[chosen] = images[chosen][..., ::-1]
        return result

    return run


def resized(height: int, width: int) -> Transform:
    """Images of another size: means where they shrink, else linear (`slopec.interpolate`)."""

    def run(images: Images, step: int) -> Images:
        flat = images.reshape(len(images), -1, *images.shape[-2:]).astype(np.float32)
        shrinks = height <= images.shape[-2] and width <= images.shape[-1]
        mode = "area" if shrinks else "bilinear"
        result = ops.interpolate(flat, (height, width), mode=mode)
        return result.numpy().reshape(*images.shape[:-2], height, width)

    return run
