"""Einstein summation: opt_einsum reads the subscripts and orders, `dot_general` contracts.

An operand's dimensions carry labels. Repeated labels take a diagonal, labels that nobody else
needs are summed at once, and two operands contract over the labels they share.
"""

from collections.abc import Sequence
from typing import Any

from slopec import hlo, tracing
from slopec.diagnostics import ShapeError
from slopec.dialects.attributes import DotDimensionNumbers
from slopec.dtypes import DType
from slopec.ops.common import ArrayLike, as_tensor, bad_argument, common_dtype, is_scalar
from slopec.ops.data_types import wanted_dtype
from slopec.ops.linear import contract, diagonal
from slopec.ops.manipulation import moveaxis
from slopec.ops.reductions import sum as sum_
from slopec.tensor import Tensor

__all__ = ["einsum"]

Labelled = tuple[Tensor, str]


def einsum(
    subscripts: str,
    /,
    *operands: ArrayLike,
    optimize: str = "auto",
    preferred_element_type: Any = None,
) -> Tensor:
    """Σ of products over the labels that the output does not have, as `numpy.einsum`.

    Any number of operands; the output may be left out (labels used once, in alphabetical order);
    a label repeated within an operand takes its diagonal; `...` stands for broadcast dimensions.
    `optimize` names opt_einsum's strategy for the order of contractions.

    Raises UsageError for subscripts that do not fit the operands, ShapeError for sizes that differ.

    >>> import slopec as sp
    >>> a, b = sp.ones((2, 3)), sp.ones((3, 4))
    >>> sp.einsum("ij,jk->ik", a, b).shape, sp.einsum("ii", sp.ones((5, 5))).item()
    ((2, 4), 5.0)
    """
    tensors = [as_tensor("einsum", x) for x in operands]
    if not tensors:
        raise bad_argument("einsum: there are no operands")
    dtype = common_dtype([x if is_scalar(x) else t for x, t in zip(operands, tensors, strict=True)])
    wanted = None if preferred_element_type is None else wanted_dtype(preferred_element_type)
    if wanted is not None and len(tensors) > 2:
        dtype = wanted  # the intermediate products are operands too
    inputs, output = _parsed(subscripts, [t.shape for t in tensors])
    sizes = _sizes(subscripts, inputs, tensors)
    terms = [
        _without_ones(hlo.convert(t, dtype), labels, sizes)
        for t, labels in zip(tensors, inputs, strict=True)
    ]
    for places in _order(terms, output, optimize):
        used = [terms.pop(i) for i in sorted(places, reverse=True)][::-1]
        terms.append(_contracted(used, _needed(terms, output), wanted))
    return _finished(terms[0], output, sizes)


def _parsed(subscripts: str, shapes: Sequence[tuple[int, ...]]) -> tuple[list[str], str]:
    """The labels of every operand and of the output, with `...` spelled out."""
    if len(shapes) == 1 and "..." not in subscripts and "->" in subscripts:
        left, _, right = subscripts.replace(" ", "").partition("->")
        inputs, output = [left], right
    else:
        from opt_einsum.parser import parse_einsum_input

        try:
            left, output, _ = parse_einsum_input((subscripts, *shapes), shapes=True)
        except ValueError as error:
            raise bad_argument(f"einsum: {subscripts!r}: {error}") from None
        inputs = left.split(",")
    if len(inputs) != len(shapes):
        raise bad_argument(
            f"einsum: {subscripts!r} is for {len(inputs)} operands, got {len(shapes)}"
        )
    for labels, shape in zip(inputs, shapes, strict=True):
        if len(labels) != len(shape):
            raise bad_argument(
                f"einsum: {labels!r} labels {len(labels)} dimensions of a tensor of shape {shape}"
            )
    if not set(output) <= set("".join(inputs)) or len(set(output)) < len(output):
        raise bad_argument(
            f"einsum: each label of the output {output!r} must be one of an operand, used once"
        )
    return inputs, output


def _sizes(subscripts: str, inputs: list[str], tensors: list[Tensor]) -> dict[str, int]:
    """The size that each label stands for; size 1 broadcasts."""
    sizes: dict[str, int] = {}
    for labels, tensor in zip(inputs, tensors, strict=True):
        for label, size in zip(labels, tensor.shape, strict=True):
            known = sizes.get(label, 1)
            if 1 not in (known, size) and known != size:
                raise ShapeError(
                    "S0101",
                    f"einsum: label {label!r} of {subscripts!r} has sizes {known} and {size}",
                    span=tracing.here(),
                    notes=(f"shapes are {', '.join(str(t.shape) for t in tensors)}",),
                )
            sizes[label] = size if known == 1 else known
    return sizes


def _without_ones(x: Tensor, labels: str, sizes: dict[str, int]) -> Labelled:
    """`x` with a diagonal for each repeated label, and without dimensions that broadcast."""
    kept = [d for d, label in enumerate(labels) if x.shape[d] == sizes[label]]
    x = hlo.reshape(x, [x.shape[d] for d in kept])
    labels = "".join(labels[d] for d in kept)
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            x = diagonal(x, axis1=first, axis2=second)
            labels = labels[:first] + labels[first + 1 : second] + labels[second + 1 :] + label
    return x, labels


def _order(terms: list[Labelled], output: str, optimize: str) -> list[tuple[int, ...]]:
    """Which operands to contract together, step by step, until one is left."""
    if len(terms) <= 2:
        return [tuple(range(len(terms)))]
    import opt_einsum

    left = ",".join(labels for _, labels in terms)
    kept = "".join(label for label in output if label in left)
    shapes = [x.shape for x, _ in terms]
    path, _ = opt_einsum.contract_path(f"{left}->{kept}", *shapes, shapes=True, optimize=optimize)
    return [tuple(step) for step in path]


def _needed(terms: Sequence[Labelled], output: str) -> set[str]:
    return {label for _, labels in terms for label in labels} | set(output)


def _contracted(terms: list[Labelled], needed: set[str], dtype: DType | None) -> Labelled:
    """Operands made one, from left to right, which keeps the labels that are `needed`."""
    result = terms[0]
    for i, term in enumerate(terms[1:], 2):
        later = needed | {label for _, labels in terms[i:] for label in labels}
        result = _pair(result, term, later, dtype)
    return _summed(result, needed, dtype)


def _pair(lhs: Labelled, rhs: Labelled, needed: set[str], dtype: DType | None) -> Labelled:
    x, a = _summed(lhs, needed | set(rhs[1]), None)
    y, b = _summed(rhs, needed | set(lhs[1]), None)
    both = [label for label in a if label in b]
    batch = [label for label in both if label in needed]
    gone = [label for label in both if label not in needed]
    numbers = DotDimensionNumbers(
        tuple(a.index(label) for label in batch),
        tuple(b.index(label) for label in batch),
        tuple(a.index(label) for label in gone),
        tuple(b.index(label) for label in gone),
    )
    rest = [label for label in a + b if label not in both]
    return contract(x, y, numbers, dtype), "".join(batch + rest)


def _summed(term: Labelled, needed: set[str], dtype: DType | None) -> Labelled:
    x, labels = term
    axes = [d for d, label in enumerate(labels) if label not in needed]
    if axes:
        x = sum_(x, axes, dtype=x.dtype)
    x = x if dtype is None else hlo.convert(x, dtype)
    return x, "".join(label for label in labels if label in needed)


def _finished(term: Labelled, output: str, sizes: dict[str, int]) -> Tensor:
    """The dimensions in the order of the output, with those of size 1 back in place."""
    x, labels = term
    kept = [label for label in output if label in labels]
    x = moveaxis(x, [labels.index(label) for label in kept], range(len(kept)))
    return hlo.reshape(x, [sizes[label] for label in output])
