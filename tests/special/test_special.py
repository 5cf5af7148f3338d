"""Special functions against SciPy in double precision, their derivatives against JAX and differences."""

import jax
import jax.scipy.special as jsp
import numpy as np
import pytest
from scipy import special

import slopec as sp
from slopec.diagnostics import DTypeError

RNG = np.random.default_rng(0)
A, B = (10 ** RNG.uniform(-2, 2.5, 60) for _ in range(2))
MEAN = A / (A + B)
SPREAD = np.sqrt(MEAN * (1 - MEAN) / (A + B + 1))
SHARES = np.clip(MEAN + SPREAD * RNG.normal(size=60), 1e-3, 1 - 1e-3)
TIMES = A * np.exp(RNG.normal(size=60) * np.minimum(2, 2 / np.sqrt(A)))
REAL = np.concatenate([RNG.uniform(-30, 60, 60), RNG.uniform(-1, 1, 20)])
RANKS = np.concatenate([10 ** RNG.uniform(-30, -1, 20), RNG.uniform(0, 1, 40)])
WHOLE = np.arange(20.0)

CASES = {
    "beta": (A, B),
    "betainc": (A, B, SHARES),
    "comb": (WHOLE, RNG.permutation(WHOLE)),
    "factorial": (REAL[REAL > -1],),
    "gamma": (REAL,),
    "gammainc": (A, TIMES),
    "gammaincc": (A, TIMES),
    "i0": (REAL,),
    "i0e": (REAL,),
    "i1": (REAL,),
    "ndtr": (RNG.uniform(-30, 8, 60),),
    "ndtri": (RANKS,),
    "poch": (TIMES[A < 50], np.round(RNG.uniform(0, 9, (A < 50).sum()))),
}
UNITS = {"float32": 1e-4, "float64": 1e-12}
"""Relative errors: those of arguments in an exponent are larger than the last digits."""


@pytest.mark.parametrize("dtype", UNITS)
@pytest.mark.parametrize("name", CASES)
def test_like_scipy(name, dtype):
    given = [x.astype(dtype) for x in CASES[name]]
    found = getattr(sp, name)(*given)
    wanted = getattr(special, name)(*(x.astype(np.float64) for x in given))
    wanted = np.where(np.abs(wanted) > np.finfo(dtype).max, np.copysign(np.inf, wanted), wanted)
    normal = ~(np.abs(wanted) < np.finfo(dtype).smallest_normal)
    assert str(found.dtype) == dtype
    np.testing.assert_allclose(found.numpy()[normal], wanted[normal], rtol=UNITS[dtype])


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("betainc", "comb")])
def test_slopes_like_jax(name):
    given = CASES[name]
    places = tuple(range(len(given)))
    found = sp.grad(lambda *xs: getattr(sp, name)(*xs).sum(), argnums=places)(
        *map(sp.tensor, given)
    )
    wanted = jax.jit(jax.grad(lambda *xs: getattr(jsp, name)(*xs).sum(), argnums=places))(*given)
    for ours, theirs in zip(found, wanted, strict=True):
        usable = np.isfinite(theirs)
        scale = np.abs(theirs[usable]).min(initial=1)
        np.testing.assert_allclose(
            ours.numpy()[usable], theirs[usable], rtol=1e-5, atol=scale * 1e-8
        )


def test_slopes_of_beta_shares():
    """By all three arguments, which JAX has not."""
    given = (A, B, SHARES)
    found = sp.grad(lambda *xs: sp.betainc(*xs).sum(), argnums=(0, 1, 2))(*map(sp.tensor, given))
    for place, slope in enumerate(found):
        step = 1e-6 * given[place]
        ahead, behind = (
            special.betainc(*(x + sign * step * (i == place) for i, x in enumerate(given)))
            for sign in (1, -1)
        )
        np.testing.assert_allclose(
            slope.numpy(), (ahead - behind) / (2 * step), rtol=1e-5, atol=1e-8
        )


def test_compiled():
    """All of them in one program are what is evaluated without a compiler."""
    given = {name: [x.astype(np.float32) for x in xs] for name, xs in CASES.items()}

    def run(given):
        return {name: getattr(sp, name)(*xs) for name, xs in given.items()}

    for name, found in sp.jit(run)(given).items():
        wanted = run({name: given[name]})[name].numpy()
        np.testing.assert_allclose(found.numpy(), wanted, rtol=2e-5, atol=1e-37, err_msg=name)


ENDS = np.array([0, -0.0, -1, -2.5, 0.5, 1, 3, np.inf, -np.inf, np.nan])
FIRST, SECOND = (x.ravel() for x in np.meshgrid(ENDS, ENDS))


@pytest.mark.parametrize(
    ("name", "given"),
    [
        *((name, (ENDS,)) for name in ("factorial", "gamma", "i0", "i0e", "i1", "ndtr", "ndtri")),
        *((name, (FIRST, SECOND)) for name in ("gammainc", "gammaincc")),
        ("betainc", (np.float64([2, 2, 2, 0, -1, 2, np.nan]), 3.0, np.float64([0, 1, 2, 0.5, 0.5, -1, 0.5]))),
        ("comb", (np.float64([0, 0, 3, 3, -1, 3]), np.float64([0, 1, 4, -1, 0, 3]))),
    ],
    ids=str,
)  # fmt: skip
def test_ends(name, given):
    found = getattr(sp, name)(*given).numpy()
    # SciPy has an infinity for P(0, 0) or B of a = 0, JAX and mathematics no number.
    module = jsp if name == "betainc" else special
    np.testing.assert_allclose(found, getattr(module, name)(*given), rtol=1e-12)


def test_whole_numbers_are_exact():
    assert sp.factorial(sp.arange(14)).numpy().tolist() == special.factorial(np.arange(14)).tolist()
    assert sp.comb(13, sp.arange(14)).numpy().tolist() == special.comb(13, np.arange(14)).tolist()
    assert float(sp.comb(3, 2, repetition=True)) == 6


def test_complex_numbers_are_refused():
    with pytest.raises(DTypeError, match="gamma: expected real elements"):
        sp.gamma(sp.tensor([1j]))
