"""Margins around windows as ONNX asks for them: given, or derived from the sizes."""

from collections.abc import Sequence


def margins(
    sizes: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
    auto_pad: str,
    *,
    ceil: bool = False,
) -> list[tuple[int, int]]:
    """What is added before and after each dimension.

    `pads` has all beginnings, then all ends. SAME margins make the result ⌈size / stride⌉, the odd
    element behind for SAME_UPPER. With `ceil` a last window that is only partly there counts, as
    long as it does not begin in the margin.
    """
    rank = len(sizes)
    spans = [(k - 1) * gap + 1 for k, gap in zip(window, dilations, strict=True)]
    if auto_pad.startswith("SAME"):
        found = []
        for size, span, stride in zip(sizes, spans, strides, strict=True):
            total = max((-(-size // stride) - 1) * stride + span - size, 0)
            less, more = total // 2, total - total // 2
            found.append((less, more) if auto_pad == "SAME_UPPER" else (more, less))
        return found
    given = tuple(pads) or (0,) * (2 * rank)
    found = list(zip(given[:rank], given[rank:], strict=True))
    if not ceil:
        return found
    for d, (size, span, stride) in enumerate(zip(sizes, spans, strides, strict=True)):
        before, after = found[d]
        count = -(-(size + before + after - span) // stride) + 1
        if (count - 1) * stride >= size + before:
            count -= 1
        found[d] = (before, max((count - 1) * stride + span - size - before, after))
    return found
