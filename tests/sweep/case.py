"""A case of the sweep: one small program, arguments, and what an independent reference computes."""

from dataclasses import dataclass, field

import ml_dtypes
import numpy as np

from tests.sweep.values import is_float

EXACT = 0.5
"""The units in the last place by which a number differs at most from the nearest of its type."""


@dataclass(frozen=True)
class Case:
    """A StableHLO module whose function `main` takes `arguments` and should return `expected`.

    `name` is `op/what`, the op first. `expected` comes from NumPy, SciPy, JAX or plain Python, in a
    wider type than the program's where there is one; it is rounded to the program's `dtypes`.
    A float is right within `ulps` units in the last place, or within `floor` where it is small.
    A complex number is as far off as the larger of its parts is, the smaller one in units of the
    larger. Where `signs` is false, zeros have none.
    `flushed` is what else is right: the result where subnormal numbers count as zeros.
    `refusal` is the error code by which slopec must refuse the program, if it must.
    """

    name: str
    text: str
    arguments: tuple[np.ndarray, ...]
    expected: tuple[np.ndarray, ...]
    dtypes: tuple[str, ...]
    ulps: float = EXACT
    floor: float = 0.0
    flushed: tuple[np.ndarray, ...] = field(default=(), repr=False)
    signs: bool = True
    refusal: str | None = None

    @property
    def op(self) -> str:
        """The op that the case is about."""
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class Judgement:
    """Why results are wrong, None if they are right, and their largest error in ulps."""

    problem: str | None
    ulps: float


def judge(case: Case, results: list[np.ndarray]) -> Judgement:
    """Compare the results of a case with what is expected."""
    if len(results) != len(case.expected):
        return Judgement(f"{len(results)} results instead of {len(case.expected)}", np.inf)
    worst = 0.0
    for place, (got, expected, name) in enumerate(
        zip(results, case.expected, case.dtypes, strict=True)
    ):
        if got.dtype.name != name or got.shape != expected.shape:
            said = f"{got.dtype.name}{list(got.shape)} instead of {name}{list(expected.shape)}"
            return Judgement(said, np.inf)
        errors = distance(got, expected, case.floor, signs=case.signs)
        if case.flushed:
            others = distance(got, case.flushed[place], case.floor, signs=case.signs)
            errors = np.minimum(errors, others)
        if not errors.size:
            continue
        worst = max(worst, float(errors.max()))
        if worst > case.ulps:
            return Judgement(_difference(case, place, got, errors), worst)
    return Judgement(None, worst)


def distance(
    got: np.ndarray, expected: np.ndarray, floor: float = 0.0, *, signs: bool = True
) -> np.ndarray:
    """How far each element is from what is expected, in units in the last place of its type.

    Zeros of different signs, NaNs beside numbers and different infinities are infinitely far.
    """
    if got.dtype.kind == "c":
        return _complex_distance(got, expected, floor)
    if not is_float(got.dtype):
        return np.where(got == expected.astype(got.dtype), 0.0, np.inf)
    with np.errstate(all="ignore"):
        rounded = expected.astype(got.dtype)
        ours, theirs = got.astype(np.longdouble), expected.astype(np.longdouble)
        away = np.abs(ours - theirs)
        errors = np.where(away <= floor, 0.0, away / _unit(theirs, got.dtype))
        same = got == rounded
        errors = np.where(same & ~(errors <= EXACT), EXACT, errors)
        errors = np.where(np.isnan(got) & np.isnan(rounded), 0.0, errors)
        odd = signs & (got == 0) & same & (np.signbit(got) != np.signbit(rounded))
        return np.where(np.isnan(errors) | odd, np.inf, errors).astype(np.float64)


def _complex_distance(got: np.ndarray, expected: np.ndarray, floor: float) -> np.ndarray:
    """The larger error of both parts, in units of the larger part."""
    expected = expected.astype(np.result_type(expected.dtype, np.complex64))
    parts = [(got.real, expected.real), (got.imag, expected.imag)]
    errors = [distance(a, b, floor, signs=False) for a, b in parts]
    with np.errstate(all="ignore"):
        units = [_unit(b.astype(np.longdouble), got.real.dtype) for _, b in parts]
        scaled = [e * u / np.maximum(*units) for e, u in zip(errors, units, strict=True)]
    return np.maximum(*scaled).astype(np.float64)


def _unit(value: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The distance of neighbouring numbers of a type around `value`."""
    facts = ml_dtypes.finfo(dtype)
    least = int(np.log2(np.longdouble(float(facts.smallest_normal))))
    _, exponent = np.frexp(np.where(np.isfinite(value), value, 1))
    power = np.where(value == 0, least, np.maximum(exponent - 1, least)) - int(facts.nmant)
    unit: np.ndarray = np.ldexp(np.longdouble(1), power)
    return unit


def _difference(case: Case, place: int, got: np.ndarray, errors: np.ndarray) -> str:
    """The worst element of a result, as text."""
    flat = int(np.argmax(errors))
    where = np.unravel_index(flat, got.shape)
    given = [a[where] for a in case.arguments if a.shape == got.shape]
    at = f" at {', '.join(map(str, given))}" if given else f" at {[int(i) for i in where]}"
    wrong = int((errors > case.ulps).sum())
    return (
        f"{got[where]} instead of {case.expected[place][where]}{at}, "
        f"{errors.flat[flat]:.3g} ulp; {wrong} of {got.size} wrong"
    )
