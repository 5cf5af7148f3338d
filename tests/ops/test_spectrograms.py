"""Windows and short-time Fourier transforms against PyTorch, SciPy and JAX, in double precision."""

import jax
import numpy as np
import pytest
import scipy.signal

import slopec as sp
from slopec.diagnostics import ShapeError, UsageError
from tests.ops.harness import normal


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


WINDOWS = {
    "hann_window": {},
    "hamming_window": {},
    "hamming_window of others": {"alpha": 0.6, "beta": 0.4},
    "blackman_window": {},
    "bartlett_window": {},
    "kaiser_window": {"beta": 7.5},
}


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("name", WINDOWS)
def test_windows(torch, name, periodic):
    function = name.split()[0]
    for length in (0, 1, 2, 7, 16):
        ours = getattr(sp, function)(length, periodic, **WINDOWS[name], dtype="float64")
        theirs = getattr(torch, function)(length, periodic, **WINDOWS[name], dtype=torch.float64)
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-12, atol=1e-15)


X = normal(2, 61, dtype="float64")
Z = normal(2, 61, dtype="complex128")
TAPER = 0.5 + normal(16, seed=1, dtype="float64") ** 2
SHORT = TAPER[:11]
CASES = {
    "by default": (X, {"window": TAPER}),
    "no window": (X, {}),
    "one signal": (X[0], {"window": TAPER, "hop_length": 5}),
    "short window": (X, {"window": SHORT, "win_length": 11, "hop_length": 3}),
    "normalized": (X, {"window": TAPER, "normalized": True, "pad_mode": "constant"}),
    "not centred": (X, {"window": TAPER, "center": False, "hop_length": 6}),
    "far apart": (X, {"window": TAPER, "hop_length": 16, "pad_mode": "replicate"}),
    "two sides": (X, {"window": TAPER, "onesided": False, "pad_mode": "circular"}),
    "complex": (Z, {"window": TAPER, "hop_length": 7}),
}
ONLY_FORWARD = ("pad_mode",)


def pair(value):
    return np.stack([value.real, value.imag], -1)


@pytest.mark.filterwarnings("ignore:A window was not provided")
@pytest.mark.parametrize("name", CASES)
def test_against_torch(torch, name):
    signal, options = CASES[name]
    x = torch.tensor(signal, requires_grad=True)
    theirs = {k: torch.tensor(v) if k == "window" else v for k, v in options.items()}
    expected = torch.stft(x, 16, **theirs, return_complex=True)
    backwards = {k: v for k, v in theirs.items() if k not in ONLY_FORWARD}
    options_back = {k: v for k, v in options.items() if k not in ONLY_FORWARD}
    whole = np.iscomplexobj(signal)
    given = {"length": None if name == "not centred" else 50, "return_complex": whole}
    again = torch.istft(expected * 2, 16, **backwards, **given)
    weights = normal(*again.shape, seed=3, dtype="float64")
    ((again.abs() if whole else again) * torch.tensor(weights)).sum().backward()

    def both(x):
        spectrum = sp.stft(x, 16, **options)
        back = sp.istft(spectrum * 2, 16, **options_back, **given)
        return ((abs(back) if whole else back) * weights).sum(), (spectrum, back)

    slope, (spectrum, back) = sp.jit(sp.grad(both, has_aux=True))(sp.tensor(signal))
    np.testing.assert_allclose(spectrum.numpy(), expected.detach(), atol=1e-12)
    np.testing.assert_allclose(back.numpy(), again.detach(), atol=1e-12)
    slope = slope.numpy()
    # PyTorch's gradients of complex numbers are the conjugates of JAX's.
    np.testing.assert_allclose(np.conj(slope), x.grad, atol=1e-11)


def test_a_batch_and_a_tangent():
    def f(x):
        return sp.istft(sp.stft(x, 16, 5, window=TAPER) ** 2, 16, 5, window=TAPER)

    x, v = sp.tensor(X), sp.tensor(normal(2, 61, seed=5, dtype="float64"))
    each = np.stack([f(row).numpy() for row in x])
    np.testing.assert_allclose(sp.vmap(f)(x).numpy(), each, atol=1e-12)
    np.testing.assert_allclose(f(x.reshape(2, 1, 61)).numpy()[:, 0], each, atol=1e-12)
    _, tangent = sp.jvp(f, (x,), (v,))
    near = (f(x + 1e-6 * v) - f(x - 1e-6 * v)) / 2e-6
    np.testing.assert_allclose(tangent.numpy(), near.numpy(), rtol=1e-5, atol=1e-6)


def test_against_scipy_and_jax():
    options = {"window": TAPER, "nperseg": 16, "noverlap": 11, "boundary": None, "padded": False}
    ours = sp.stft(X, 16, 5, window=TAPER, center=False) / TAPER.sum()
    with jax.enable_x64(True):
        theirs = jax.scipy.signal.stft(X, **options)[2]
    np.testing.assert_allclose(ours.numpy(), scipy.signal.stft(X, **options)[2], atol=1e-12)
    np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-12)


def test_parts_instead_of_complex_numbers():
    whole, parts = sp.stft(X, 16), sp.stft(X, 16, return_complex=False)
    assert (pair(whole.numpy()) == parts.numpy()).all()


def test_what_no_window_reaches_is_no_number():
    window = sp.hann_window(8)
    spectrum = sp.stft(sp.ones(32), 8, 8, window=window, center=False)
    signal = sp.istft(spectrum, 8, 8, window=window, center=False)
    assert np.isnan(signal.numpy()).nonzero()[0].tolist() == [0, 8, 16, 24]


MISTAKES = {
    "no frame": (lambda: sp.stft(sp.ones(10), 16, center=False), ShapeError, "does not fit"),
    "window": (lambda: sp.stft(X, 16, window=SHORT), ShapeError, "win_length"),
    "too long a window": (lambda: sp.stft(X, 8, window=TAPER, win_length=16), ShapeError, "frame"),
    "hop": (lambda: sp.stft(X, 2), UsageError, "at least 1"),
    "sides": (lambda: sp.stft(Z, 16, onesided=True), UsageError, "two sides"),
    "padding": (lambda: sp.stft(X, 16, pad_mode="edge"), UsageError, "replicate"),
    "frequencies": (lambda: sp.istft(sp.ones((2, 8, 3)), 16), ShapeError, r"9, frames"),
    "back": (lambda: sp.istft(sp.ones((9, 3)), 16, return_complex=True), UsageError, "two sides"),
    "length": (lambda: sp.hann_window(-1), UsageError, "natural"),
    "integers": (lambda: sp.hann_window(4, dtype="int32"), UsageError, "floats"),
    "scalar": (lambda: sp.stft(1.0, 4), ShapeError, "dimension"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name):
    make, error, said = MISTAKES[name]
    with pytest.raises(error, match=said) as caught:
        make()
    assert caught.value.span.file == __file__
