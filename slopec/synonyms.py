"""Names that NumPy, JAX and PyTorch have for functions that the Array API calls otherwise."""

from collections.abc import Sequence

from slopec.diagnostics import did_you_mean

SYNONYMS = {
    "absolute": "abs",
    "amax": "max",
    "amin": "min",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "around": "round",
    "array": "tensor",
    "as_tensor": "asarray",
    "autocast": "amp",
    "bartlett": "bartlett_window",
    "bitwise_not": "bitwise_invert",
    "blackman": "blackman_window",
    "bmm": "matmul",
    "cat": "concat",
    "clamp": "clip",
    "concatenate": "concat",
    "conjugate": "conj",
    "degrees": "rad2deg",
    "div": "divide",
    "eq": "equal",
    "expit": "sigmoid",
    "fabs": "abs",
    "fix": "trunc",
    "from_numpy": "asarray",
    "gammaln": "lgamma",
    "gather": "take_along_axis",
    "ge": "greater_equal",
    "gt": "greater",
    "hamming": "hamming_window",
    "hanning": "hann_window",
    "i1e": "bessel_i1e",
    "invert": "bitwise_invert",
    "kaiser": "kaiser_window",
    "le": "less_equal",
    "left_shift": "bitwise_left_shift",
    "lt": "less",
    "mm": "matmul",
    "mod": "remainder",
    "movedim": "moveaxis",
    "mul": "multiply",
    "mv": "matmul",
    "ne": "not_equal",
    "neg": "negative",
    "permute": "permute_dims",
    "power": "pow",
    "psi": "digamma",
    "radians": "deg2rad",
    "repeat_interleave": "repeat",
    "right_shift": "bitwise_right_shift",
    "rint": "round",
    "sub": "subtract",
    "swapdims": "swapaxes",
    "take_along_dim": "take_along_axis",
    "top_k": "topk",
    "transpose": "permute_dims",
    "true_divide": "divide",
    "unbind": "unstack",
    "unsqueeze": "expand_dims",
}


def hint(name: str, names: Sequence[str]) -> str:
    """Where to find what is called `name` elsewhere: one of the public `names`, or a submodule's.

    >>> hint("concatenate", ["concat", "sum"])
    'it is `slopec.concat` here'
    >>> hint("softmax", ["concat", "sum"])
    'it is `slopec.nn.functional.softmax` here'
    """
    if SYNONYMS.get(name) in names:
        return f"it is `slopec.{SYNONYMS[name]}` here"
    from slopec import nn

    for path, room in (("nn.functional", nn.functional), ("nn", nn)):
        if name in room.__all__:
            return f"it is `slopec.{path}.{name}` here"
    return did_you_mean(name, list(names)) or ""
