"""Resizing against JAX's, which agrees with PyTorch where the corners are not aligned, and loops."""

import jax
import numpy as np
import pytest
from scipy import ndimage

import slopec as sp
from slopec.diagnostics import ShapeError, UsageError
from tests.ops.harness import Case, check, normal, positive, same

X = normal(2, 3, 5, 4)


def resized(size, method):
    return lambda np, x: jax.image.resize(x, (*x.shape[:2], *size), method, antialias=False)


CASES = (
    *(Case(f"bilinear {size}", lambda np, x, size=size: np.interpolate(x, size, mode="bilinear"), (X,), reference=resized(size, "linear")) for size in ((10, 8), (7, 9), (3, 2), (5, 1))),
    *(Case(f"nearest-exact {size}", lambda np, x, size=size: np.interpolate(x, size, mode="nearest-exact"), (X,), reference=resized(size, "nearest")) for size in ((10, 8), (7, 9), (3, 2))),
    Case("nearest doubles", lambda np, x: np.interpolate(x, scale_factor=2), (X,), reference=lambda np, x: x.repeat(2, 2).repeat(2, 3)),
    Case("nearest", lambda np, x: np.interpolate(x, (3, 7)), (X,), reference=lambda np, x: x[:, :, [0, 1, 3]][..., [0, 0, 1, 1, 2, 2, 3]]),
    Case("linear", lambda np, x: np.interpolate(x, 8, mode="linear"), (normal(2, 3, 5),), reference=resized((8,), "linear")),
    Case("trilinear", lambda np, x: np.interpolate(x, (4, 2, 6), mode="trilinear"), (normal(1, 2, 3, 4, 5),), reference=resized((4, 2, 6), "linear")),
    Case("area", lambda np, x: np.interpolate(x, (5, 2), mode="area"), (X,), reference=lambda np, x: x.reshape(2, 3, 5, 2, 2).mean(-1)),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_interpolate(case):
    check(case, CASES)


@pytest.mark.parametrize("size", [1, 3, 5, 9])
def test_aligned_corners(size):
    x = normal(1, 1, 5)
    expected = np.interp(np.linspace(0, 4, size), np.arange(5), x[0, 0])
    ours = sp.interpolate(x, size, mode="linear", align_corners=True)

    same(ours, expected.astype("float32").reshape(1, 1, size))


def test_bicubic_has_the_weights_of_pytorch_and_opencv():
    quarter = np.float32([-0.10546875, 0.87890625, 0.26171875, -0.03515625])
    picture = np.zeros((1, 1, 1, 9), "float32")
    picture[..., 4] = 1
    ours = sp.interpolate(picture, (1, 18), mode="bicubic").numpy()[0, 0, 0]

    # New pixel 9 lies a quarter behind old pixel 4, pixel 8 a quarter before it, and so on.
    np.testing.assert_allclose(ours[[11, 9, 7, 5]], quarter[[0, 1, 2, 3]], atol=1e-6)
    np.testing.assert_allclose(ours[[6, 8, 10, 12]], quarter[[0, 1, 2, 3]], atol=1e-6)


def test_bicubic_leaves_pixels_in_place():
    same(sp.interpolate(X, (5, 4), mode="bicubic"), X)


def test_a_scale_factor_need_not_be_whole():
    assert sp.interpolate(X, scale_factor=1.5).shape == (2, 3, 7, 6)
    assert sp.interpolate(X, scale_factor=(0.5, 2.0)).shape == (2, 3, 2, 8)


def test_mistakes():
    with pytest.raises(UsageError, match="either `size` or `scale_factor`"):
        sp.interpolate(X)
    with pytest.raises(UsageError, match="unknown mode 'cubic'"):
        sp.interpolate(X, 3, mode="cubic")
    with pytest.raises(UsageError, match="'linear' is for 1 spatial dimensions"):
        sp.interpolate(X, 3, mode="linear")
    with pytest.raises(ShapeError, match="got shape"):
        sp.interpolate(sp.zeros((3, 4)), 3)


def test_colours_are_products_and_filters_are_convolutions():
    """What image libraries do to pictures, as ops that derivatives flow through."""
    picture = positive(5, 6, 3)
    luma = np.float32([0.299, 0.587, 0.114])  # ITU-R BT.601
    sigma, radius = 0.8, 2
    places = np.arange(-radius, radius + 1)
    bell = np.exp(-0.5 * (places / sigma) ** 2)
    bell = (bell / bell.sum()).astype(np.float32)

    def blurred(picture):
        grey = sp.tensordot(picture, sp.asarray(luma), axes=1)
        wide = sp.pad(grey, radius, mode="edge")[None, None]
        return sp.conv2d(wide, sp.outer(bell, bell)[None, None])[0, 0]

    expected = ndimage.gaussian_filter(picture @ luma, sigma, radius=radius, mode="nearest")
    np.testing.assert_allclose(blurred(sp.asarray(picture)).numpy(), expected, rtol=1e-5)
    slope = sp.grad(lambda x: blurred(x).sum())(sp.asarray(picture)).numpy()
    np.testing.assert_allclose(slope.sum((0, 1)), 30 * luma, rtol=1e-5)
