"""What users call: functions on tensors under the Array API's names, and what the field adds.

Every function takes tensors, NumPy arrays or scalars, broadcasts as NumPy does, promotes as
`slopec.dtypes` says, and is a composition of `slopec.hlo` ops. One file per family:

common         operands: scalars, promotion, broadcasting, axes, errors
data_types     astype and questions about types; constants
creation       tensors made of numbers; ranges, matrices
unary, signs   functions of one tensor, element by element
arithmetic     functions of two, that compute numbers; powers
logic          comparisons, truth, bits, choice
reductions     sums and means over axes; extremes
cumulative     running sums and their like
manipulation   reshape, permute, squeeze, broadcast
repetition     flip, roll, tile, repeat
joining        concat, stack, split; padding
key            what an index means
indexing       reading by index
updating       x.at[index].set(value)
taking         elements at computed places along an axis
sorting        order, quantiles, places in sorted values
counting       histograms, covariances, sets
nans           folds that leave NaN out
samples        between samples, their slopes; convolutions of vectors
whole          divisors and multiples; mantissas and exponents
mixtures, selecting, arrangements, products, summaries   compositions that PyTorch has names for
ordered        order and spread as PyTorch's methods tell them
linear         products of matrices and tensors, diagonals
directions     projections, bases, arcs
densities      functions of probabilities and of Γ
einstein       einsum
conv, pool     convolutions, pooling; adaptive, windows, image
fft            Fourier transforms, under their own name; spectrograms, window_functions
methods        the same functions as methods of tensors
"""

from typing import Any

from slopec.ops import (
    adaptive,
    arithmetic,
    arrangements,
    constants,
    conv,
    counting,
    creation,
    cumulative,
    data_types,
    densities,
    directions,
    einstein,
    extremes,
    fft,
    image,
    indexing,
    joining,
    linear,
    logic,
    manipulation,
    matrices,
    mixtures,
    nans,
    padding,
    pool,
    powers,
    products,
    ranges,
    reductions,
    repetition,
    samples,
    selecting,
    signs,
    sorting,
    spectrograms,
    summaries,
    taking,
    unary,
    updating,
    whole,
    window_functions,
    windows,
)
from slopec.ops.adaptive import *  # noqa: F403
from slopec.ops.arithmetic import *  # noqa: F403
from slopec.ops.arrangements import *  # noqa: F403
from slopec.ops.common import is_arraylike
from slopec.ops.constants import *  # noqa: F403
from slopec.ops.conv import *  # noqa: F403
from slopec.ops.counting import *  # noqa: F403
from slopec.ops.creation import *  # noqa: F403
from slopec.ops.cumulative import *  # noqa: F403
from slopec.ops.data_types import *  # noqa: F403
from slopec.ops.densities import *  # noqa: F403
from slopec.ops.directions import *  # noqa: F403
from slopec.ops.einstein import *  # noqa: F403
from slopec.ops.extremes import *  # noqa: F403
from slopec.ops.image import *  # noqa: F403
from slopec.ops.indexing import *  # noqa: F403
from slopec.ops.joining import *  # noqa: F403
from slopec.ops.linear import *  # noqa: F403
from slopec.ops.logic import *  # noqa: F403
from slopec.ops.manipulation import *  # noqa: F403
from slopec.ops.matrices import *  # noqa: F403
from slopec.ops.methods import METHODS as METHODS
from slopec.ops.methods import install
from slopec.ops.mixtures import *  # noqa: F403
from slopec.ops.nans import *  # noqa: F403
from slopec.ops.padding import *  # noqa: F403
from slopec.ops.pool import *  # noqa: F403
from slopec.ops.powers import *  # noqa: F403
from slopec.ops.products import *  # noqa: F403
from slopec.ops.ranges import *  # noqa: F403
from slopec.ops.reductions import *  # noqa: F403
from slopec.ops.repetition import *  # noqa: F403
from slopec.ops.samples import *  # noqa: F403
from slopec.ops.selecting import *  # noqa: F403
from slopec.ops.signs import *  # noqa: F403
from slopec.ops.sorting import *  # noqa: F403
from slopec.ops.spectrograms import *  # noqa: F403
from slopec.ops.summaries import *  # noqa: F403
from slopec.ops.taking import *  # noqa: F403
from slopec.ops.unary import *  # noqa: F403
from slopec.ops.updating import *  # noqa: F403
from slopec.ops.whole import *  # noqa: F403
from slopec.ops.window_functions import *  # noqa: F403
from slopec.ops.windows import *  # noqa: F403

__all__ = ["fft"]
__all__ += arrangements.__all__
__all__ += mixtures.__all__
__all__ += products.__all__
__all__ += selecting.__all__
__all__ += spectrograms.__all__
__all__ += summaries.__all__
__all__ += nans.__all__
__all__ += samples.__all__
__all__ += whole.__all__
__all__ += adaptive.__all__
__all__ += arithmetic.__all__
__all__ += constants.__all__
__all__ += conv.__all__
__all__ += counting.__all__
__all__ += creation.__all__
__all__ += cumulative.__all__
__all__ += data_types.__all__
__all__ += densities.__all__
__all__ += directions.__all__
__all__ += einstein.__all__
__all__ += extremes.__all__
__all__ += image.__all__
__all__ += indexing.__all__
__all__ += joining.__all__
__all__ += linear.__all__
__all__ += logic.__all__
__all__ += manipulation.__all__
__all__ += matrices.__all__
__all__ += padding.__all__
__all__ += pool.__all__
__all__ += powers.__all__
__all__ += ranges.__all__
__all__ += reductions.__all__
__all__ += repetition.__all__
__all__ += signs.__all__
__all__ += sorting.__all__
__all__ += taking.__all__
__all__ += unary.__all__
__all__ += updating.__all__
__all__ += window_functions.__all__
__all__ += windows.__all__

_OPERATORS = {
    name: getattr(module, name)
    for module, names in (
        (arithmetic, "add subtract multiply divide floor_divide remainder"),
        (powers, "pow"),
        (linear, "matmul"),
        (logic, "equal not_equal less less_equal greater greater_equal"),
        (logic, "bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift"),
    )
    for name in names.split()
}


def operator(name: str, lhs: Any, rhs: Any) -> Any:
    """The Python operator `name` on two operands; NotImplemented for what is no operand."""
    if not (is_arraylike(lhs) and is_arraylike(rhs)):
        return NotImplemented
    return _OPERATORS[name](lhs, rhs)


install()
