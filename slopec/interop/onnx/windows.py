"""Windows as ONNX asks for them: strides, dilations, margins given or derived from the sizes."""

from collections.abc import Sequence
from dataclasses import dataclass

from slopec.diagnostics import ShapeError

Margins = list[tuple[int, int]]
"""What is added before and after each dimension."""


@dataclass(frozen=True)
class Windows:
    """Windows along some dimensions. `asked` are the margins without those for rounding up."""

    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    asked: Margins
    margins: Margins

    @classmethod
    def over(
        cls,
        dims: Sequence[int],
        sizes: Sequence[int],
        strides: Sequence[int],
        dilations: Sequence[int],
        pads: Sequence[int],
        auto_pad: str,
        ceil: bool = False,
    ) -> "Windows":
        """Windows over dimensions of these sizes; strides, dilations and margins may be left out.

        `pads` has all beginnings, then all ends. SAME margins make the result ⌈size / stride⌉, the
        odd element behind for SAME_UPPER. With `ceil` a last window that is only partly there
        counts, as long as it does not begin in the margin. Raises ShapeError for what does not fit.
        """
        rank = len(dims)
        steps, gaps = tuple(strides) or (1,) * rank, tuple(dilations) or (1,) * rank
        edges = tuple(pads) or (0,) * (2 * rank)
        if any(len(v) != rank for v in (sizes, steps, gaps)) or len(edges) != 2 * rank:
            raise ShapeError(
                "S0101",
                f"windows {tuple(sizes)} with strides {steps}, dilations {gaps} and margins "
                f"{edges}, expected {rank} of each and twice as many margins",
            )
        spans = [(k - 1) * gap + 1 for k, gap in zip(sizes, gaps, strict=True)]
        if auto_pad.startswith("SAME"):
            asked = _same(dims, spans, steps, upper=auto_pad == "SAME_UPPER")
        else:
            asked = list(zip(edges[:rank], edges[rank:], strict=True))
        padded = [n + a + b for n, (a, b) in zip(dims, asked, strict=True)]
        if any(span > n for n, span in zip(padded, spans, strict=True)):
            raise ShapeError("S0101", f"windows of {tuple(spans)} do not fit into {tuple(padded)}")
        margins = _rounded_up(dims, spans, steps, asked) if ceil else asked
        return cls(tuple(sizes), steps, gaps, asked, margins)


def _same(
    dims: Sequence[int], spans: Sequence[int], strides: Sequence[int], *, upper: bool
) -> Margins:
    found = []
    for size, span, stride in zip(dims, spans, strides, strict=True):
        total = max((-(-size // stride) - 1) * stride + span - size, 0)
        less, more = total // 2, total - total // 2
        found.append((less, more) if upper else (more, less))
    return found


def _rounded_up(
    dims: Sequence[int], spans: Sequence[int], strides: Sequence[int], asked: Margins
) -> Margins:
    found = []
    for size, span, stride, (before, after) in zip(dims, spans, strides, asked, strict=True):
        count = -(-(size + before + after - span) // stride) + 1
        if (count - 1) * stride >= size + before:
            count -= 1
        found.append((before, max((count - 1) * stride + span - size - before, after)))
    return found
