"""ONNX's operations on images: resizing by matrices of weights, and rearranged pixels."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from slopec import ops
from slopec.diagnostics import UsageError
from slopec.nn import functional
from slopec.tensor import Tensor


def _places(size: int, out: int, scale: float, mode: str, roi: tuple[float, float]) -> np.ndarray:
    """Where in the old dimension the elements of the new one lie."""
    i: np.ndarray = np.arange(out, dtype=np.float64)
    match mode:
        case "half_pixel":
            return (i + 0.5) / scale - 0.5
        case "half_pixel_symmetric":
            adjusted = out / (scale * size)
            return size / 2 * (1 - adjusted) + (i + 0.5) / scale - 0.5
        case "pytorch_half_pixel":
            return (i + 0.5) / scale - 0.5 if out > 1 else i * 0
        case "asymmetric":
            return np.asarray(i / scale)
        case "align_corners":
            return i * (size - 1) / (scale * size - 1) if scale * size > 1 else i * 0
        case "tf_crop_and_resize" if out > 1:
            return roi[0] * (size - 1) + i * (roi[1] - roi[0]) * (size - 1) / (out - 1)
        case "tf_crop_and_resize":
            return i * 0 + 0.5 * (roi[0] + roi[1]) * (size - 1)
    raise UsageError("S0164", f"Resize: no such coordinate_transformation_mode: {mode!r}")


_ROUNDED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "round_prefer_floor": lambda p: np.asarray(np.ceil(p - 0.5)),
    "round_prefer_ceil": lambda p: np.floor(p + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def _linear(distance: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(1 - np.abs(distance), 0))


def _cubic(a: float) -> Callable[[np.ndarray], np.ndarray]:
    """Keys' convolution (Keys, 1981)."""

    def kernel(distance: np.ndarray) -> np.ndarray:
        d = np.abs(distance)
        near = (a + 2) * d**3 - (a + 3) * d**2 + 1
        far = a * (d**3 - 5 * d**2 + 8 * d - 4)
        return np.where(d <= 1, near, np.where(d < 2, far, 0))

    return kernel


def _kernel(mode: str, a: float) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    """What elements count by their distance, and how far that reaches."""
    match mode:
        case "linear" | "bilinear":
            return _linear, 1
        case "cubic":
            return _cubic(a), 2
    raise UsageError("S0164", f"Resize: no such mode: {mode!r}")


def _weights(
    places: np.ndarray,
    size: int,
    kernel: Callable[[np.ndarray], np.ndarray],
    reach: int,
    narrow: float,
    exclude: bool,
) -> np.ndarray:
    """A matrix (new, old) of what each old element counts in each new one."""
    wide = math.ceil(reach / narrow)
    first = np.floor(places).astype(int) - wide + 1
    near = first[:, None] + np.arange(2 * wide)
    shares = kernel((near - places[:, None]) * narrow)
    if exclude:
        shares = np.where((near < 0) | (near >= size), 0, shares)
    shares = shares / shares.sum(axis=1, keepdims=True)
    matrix = np.zeros((len(places), size))
    np.add.at(matrix, (np.arange(len(places))[:, None], np.clip(near, 0, size - 1)), shares)
    return matrix


def _target(
    sizes: Sequence[int],
    wanted: Sequence[int] | None,
    scales: Sequence[float] | None,
    policy: str,
) -> tuple[list[int], list[float]]:
    """The new sizes and the scales of the dimensions that are resized."""
    if wanted is None:
        factors = [float(s) for s in scales or ()]
        return [math.floor(n * s) for n, s in zip(sizes, factors, strict=True)], factors
    targets = [int(n) for n in wanted]
    ratios = [m / n for n, m in zip(sizes, targets, strict=True)]
    if policy != "stretch":
        ratio = min(ratios) if policy == "not_larger" else max(ratios)
        ratios = [ratio] * len(ratios)
        targets = [math.floor(n * ratio + 0.5) for n in sizes]
    return targets, ratios


def resize(
    x: Tensor,
    roi: np.ndarray | None = None,
    scales: np.ndarray | None = None,
    sizes: np.ndarray | None = None,
    *,
    version: int,
    mode: str = "nearest",
    coordinate_transformation_mode: str = "half_pixel",
    nearest_mode: str = "round_prefer_floor",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    antialias: int = 0,
    axes: Sequence[int] | None = None,
    keep_aspect_ratio_policy: str = "stretch",
) -> Tensor:
    """`x` in other sizes, one dimension after the other."""
    if version < 11:
        # Version 10 had no region, and looked at the corners of elements.
        roi, scales, coordinate_transformation_mode, nearest_mode = None, roi, "asymmetric", "floor"
    dims = [d % x.ndim for d in axes] if axes is not None else list(range(x.ndim))
    given = None if sizes is None or not sizes.size else sizes.tolist()
    factors = None if scales is None or not scales.size else scales.tolist()
    old = [x.shape[d] for d in dims]
    targets, ratios = _target(old, given, factors, keep_aspect_ratio_policy)
    outside = []
    y = x
    for k, (d, out, ratio) in enumerate(zip(dims, targets, ratios, strict=True)):
        size = x.shape[d]
        region = (0.0, 1.0)
        if roi is not None and roi.size:
            region = (float(roi[k]), float(roi[k + len(dims)]))
        if out == size and ratio == 1 and region == (0.0, 1.0):
            continue
        places = _places(size, out, ratio, coordinate_transformation_mode, region)
        if coordinate_transformation_mode == "tf_crop_and_resize":
            outside.append((d, (places < 0) | (places > size - 1)))
        if mode == "nearest":
            nearest = np.clip(_ROUNDED[nearest_mode](places), 0, size - 1)
            y = ops.take(y, ops.asarray(nearest.astype(np.int32)), axis=d)
            continue
        kernel, reach = _kernel(mode, cubic_coeff_a)
        narrow = min(ratio, 1.0) if antialias else 1.0
        matrix = _weights(places, size, kernel, reach, narrow, bool(exclude_outside))
        moved = ops.matmul(ops.moveaxis(y, d, -1), ops.asarray(matrix.T.astype(x.dtype)))
        y = ops.moveaxis(moved, -1, d)
    for d, mask in outside:
        shape = [-1 if e == d else 1 for e in range(x.ndim)]
        y = ops.where(ops.asarray(mask.reshape(shape)), extrapolation_value, y)
    return y


def upsample(
    x: Tensor,
    factors: np.ndarray | None = None,
    *,
    scales: Sequence[float] | None = None,
    mode: str = "nearest",
) -> Tensor:
    """What resizing was called before version 10."""
    given = np.asarray(scales) if factors is None else factors
    return resize(x, given, version=10, mode=mode)


def depth_to_space(x: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    """Channels rearranged into blocks of pixels."""
    if mode == "CRD":
        return functional.pixel_shuffle(x, blocksize)
    n, c, h, w = x.shape
    b = blocksize
    parts = ops.reshape(x, (n, b, b, c // (b * b), h, w))
    return ops.reshape(ops.permute_dims(parts, (0, 3, 4, 1, 5, 2)), (n, -1, h * b, w * b))


def space_to_depth(x: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    """Blocks of pixels rearranged into channels."""
    if mode == "CRD":
        return functional.pixel_unshuffle(x, blocksize)
    n, c, h, w = x.shape
    b = blocksize
    parts = ops.reshape(x, (n, c, h // b, b, w // b, b))
    return ops.reshape(ops.permute_dims(parts, (0, 3, 5, 1, 2, 4)), (n, -1, h // b, w // b))


_SAMPLED = {"linear": "bilinear", "cubic": "bicubic"}


def grid_sample(
    x: Tensor,
    grid: Tensor,
    *,
    mode: str = "linear",
    padding_mode: str = "zeros",
    align_corners: int = 0,
) -> Tensor:
    """Images at the places of a grid."""
    kind: Any = _SAMPLED.get(mode, mode)
    outside: Any = padding_mode
    return functional.grid_sample(
        x, grid, mode=kind, padding_mode=outside, align_corners=bool(align_corners)
    )


TABLE: dict[str, Callable[..., Any]] = {
    "Resize": resize,
    "Upsample": upsample,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "GridSample": grid_sample,
}

KNOWN = {"Resize": (1, 2, 3), "Upsample": (1,)}
