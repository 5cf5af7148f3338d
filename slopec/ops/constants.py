"""The Array API's constants, and what it asks of a namespace about itself."""

import math
from typing import Any

from slopec import dtypes
from slopec.lazy import device
from slopec.ops.data_types import isdtype

__all__ = ["__array_namespace_info__", "e", "inf", "nan", "newaxis", "pi"]

e = math.e
inf = math.inf
nan = math.nan
newaxis = None
pi = math.pi


class _NamespaceInfo:
    """The Array API's inspection: capabilities, devices, dtypes."""

    def capabilities(self) -> dict[str, Any]:
        """What depends on values, which are known outside traced functions only."""
        return {
            "boolean indexing": True,
            "data-dependent shapes": True,
            "max dimensions": None,
        }

    def default_device(self) -> str:
        """Where results are computed unless something else is asked for."""
        return device.chosen() or "cpu"

    def devices(self) -> tuple[str, ...]:
        """Where results can be computed here."""
        return tuple(
            name for name in ("cpu", *device.GPUS, device.REFERENCE) if device.usable(name)
        )

    def default_dtypes(self, *, device: str | None = None) -> dict[str, dtypes.DType]:
        """The types that Python's numbers take."""
        return {
            "real floating": dtypes.float32,
            "complex floating": dtypes.complex64,
            "integral": dtypes.int32,
            "indexing": dtypes.int32,
        }

    def dtypes(self, *, device: str | None = None, kind: Any = None) -> dict[str, dtypes.DType]:
        """The Array API's dtypes by name, those of `kind` if given (see `slopec.isdtype`)."""
        known = {
            name: dtype
            for name, dtype in dtypes.BY_NAME.items()
            if "float8" not in name and name not in ("bfloat16", "float16")
        }
        return {n: d for n, d in known.items() if kind is None or isdtype(d, kind)}


def __array_namespace_info__() -> _NamespaceInfo:  # noqa: N807, the Array API names it
    """The Array API's inspection object for this namespace.

    >>> import slopec as sp
    >>> sp.__array_namespace_info__().default_dtypes()["integral"].name
    'int32'
    """
    return _NamespaceInfo()
