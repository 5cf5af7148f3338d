"""A case of the sweep: one small program, arguments, and what an independent reference computes."""

from dataclasses import dataclass, field

import ml_dtypes
import numpy as np

EXACT = 0.5
"""The units in the last place by which a number differs at most from the nearest of its type."""


@dataclass(frozen=True)
class Case:
    """A StableHLO module whose function `main` takes `arguments` and should return `expected`.

    `name` is `op/what`, the op first. `expected` comes from NumPy, SciPy, JAX or plain Python, in a
    wider type than the program's where there is one; it is rounded to the program's `dtypes`.
    A float is right within `ulps` units in the last place, or within `floor` where it is small.
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
        errors = distance(got, expected, case.floor)
        if case.flushed:
            errors = np.minimum(errors, distance(got, case.flushed[place], case.floor))
        if not errors.size:
            continue
        worst = max(worst, float(errors.max()))
        if worst > case.ulps:
            return Judgement(_difference(case, place, got, errors), worst)
    return Judgement(None, worst)


def distance(got: np.ndarray, expected: np.ndarray, floor: float = 0.0) -> np.ndarray:
    """How far each element is from what is expected, in units in the last place of its type.

    Zeros of different signs, NaNs beside numbers and different infinities are infinitely far.
    """
    if got.dtype.kind == "c":
        wide = expected.astype(np.result_type(expected.dtype, np.complex64))
        parts = [(got.real, wide.real), (got.imag, wide.imag)]
        found: np.ndarray = np.maximum(*(distance(a, b, floor) for a, b in parts))
        return found
    if not _is_float(got.dtype):
        return np.where(got == expected.astype(got.dtype), 0.0, np.inf)
    with np.errstate(all="ignore"):
        rounded = expected.astype(got.dtype)
        ours, theirs = got.astype(np.longdouble), expected.astype(np.longdouble)
        unit = _unit(theirs, got.dtype)
        errors = np.abs(ours - theirs) / unit
        errors = np.where(np.abs(ours - theirs) <= floor, 0.0, errors)
        same = (got == rounded) & ((got != 0) | (np.signbit(got) == np.signbit(rounded)))
        odd = (got == 0) & (rounded == 0) & ~same
        errors = np.where(same & ~(errors <= EXACT), EXACT, errors)
        errors = np.where(np.isnan(got) & np.isnan(rounded), 0.0, errors)
        return np.where(np.isnan(errors) | odd, np.inf, errors).astype(np.float64)


def _is_float(dtype: np.dtype) -> bool:
    return dtype.kind == "f" or dtype.name in ("bfloat16",) or dtype.name.startswith("float8")


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
