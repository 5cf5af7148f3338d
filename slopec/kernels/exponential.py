"""exp of float32: 2ⁿ times a polynomial of what is left, with few steps that wait for each other.

A processor has room for few vectors whose steps wait, so how long one takes counts for more than
how many steps there are.
"""

from slopec import dtypes, ir
from slopec.kernels.body import Body, Term

# exp(r) = 1 + r + r²·(c₀ + c₁r + …) for -½ log 2 ≤ r ≤ log 2, to 0.03 units of the 24th bit: the
# polynomial of least largest error (Remez), whose coefficients were rounded one after the other.
_POLYNOMIAL = (
    0.4999999403953552,
    0.16666696965694427,
    0.041668184101581573,
    0.008326932787895203,
    0.0013833472039550543,
    0.00023280567256733775,
)
_LOG2_E = 1.4426950408889634
# log 2 in two parts, of which the first has so few bits that products with n are exact
# (W. J. Cody, W. Waite: Software Manual for the Elementary Functions, 1980, chapter 6).
_LOG_2 = (0.693359375, -2.12194440054690e-4)
_LEAST = -88.02  # of which exp is 0, as of what is less: subnormal results are 0
_MOST = 127.0  # the largest n, beyond which r reaches log 2 before the result is infinite
# Of a sum with this the last bits are the other number, rounded, plus the bias of exponents.
_ROUNDS, _FRACTION = 1.5 * 2**23 + 127, 23


def exponential(k: Body, x: Term) -> Term:
    """exp(x) of a float32, or a vector of them, to less than one unit in the last place.

    Where x is not a number, neither is the result; results below the least normal number are 0.
    """
    x = _at_least(k, x, _LEAST)
    rounds = k.like(_ROUNDS, x)
    biased = _at_most(k, k.fma(x, k.like(_LOG2_E, x), rounds), _ROUNDS + _MOST)
    n = biased - rounds
    high, low = (k.like(-part, x) for part in _LOG_2)
    r = k.fma(n, low, k.fma(n, high, x))
    c = [k.like(number, x) for number in _POLYNOMIAL]
    square = r * r
    front, middle, back = (k.fma(c[i + 1], r, c[i]) for i in (0, 2, 4))
    less_one = k.fma(k.fma(k.fma(back, square, middle), square, front), square, r)
    power = _power_of_two(k, biased)
    return k.fma(less_one, power, power)


def _power_of_two(k: Body, biased: Term) -> Term:
    """2ⁿ for a whole number n from -126 to 127, given with `_ROUNDS` added, and 0 for -127."""
    lanes = k.lanes(biased)
    integers = f"vector<{lanes}xi32>" if lanes else "i32"
    whole = k.op("arith.bitcast", biased, type=integers)
    bits = k.op("arith.shli", whole, k.number(_FRACTION, dtypes.int32, lanes))
    return k.op("arith.bitcast", bits, type=biased.type)


def _at_least(k: Body, x: Term, bound: float) -> Term:
    """The larger of both, or x where it is not a number: one instruction."""
    return _chosen(k, x, bound, ir.i64(4))


def _at_most(k: Body, x: Term, bound: float) -> Term:
    """The smaller of both, or x where it is not a number."""
    return _chosen(k, x, bound, ir.i64(2))


def _chosen(k: Body, x: Term, bound: float, predicate: ir.Attribute) -> Term:
    lanes, other = k.lanes(x), k.like(bound, x)
    type_ = f"vector<{lanes}xi1>" if lanes else "i1"
    is_beyond = k.op("arith.cmpf", x, other, type=type_, predicate=predicate)
    return k.select(is_beyond, other, x)
