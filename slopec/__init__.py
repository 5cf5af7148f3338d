"""slopec: model programs in Python become differentiated, optimised, self-describing artifacts.

The names here follow the pipeline: tensors and the functions on them, transforms of functions,
control flow, programs, compilation. `slopec.nn`, `slopec.optim` and `slopec.random` are modules,
optimisers and random numbers; `slopec.hlo` is StableHLO itself.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slopec.public import *


def _public() -> ModuleType:
    return import_module("slopec.public")


def _ignore(package: ModuleType, value: Any) -> None:
    """Importing a submodule sets its name here; the function of that name has precedence."""


_DUNDERS = ("__all__", "__array_api_version__", "__array_namespace_info__", "__version__")


class _Package(ModuleType):
    """The package itself: names load when they are wanted, so that the command line starts fast."""

    jit = property(lambda package: _public().jit, _ignore)
    tensor = property(lambda package: _public().tensor, _ignore)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in _DUNDERS:
            raise AttributeError(f"module 'slopec' has no attribute {name!r}")
        if find_spec(f"slopec.{name}") is not None:
            return import_module(f"slopec.{name}")
        value = getattr(_public(), name, self)
        if value is self:
            hint = import_module("slopec.synonyms").hint(name, _public().__all__)
            message = f"module 'slopec' has no attribute {name!r}"
            raise AttributeError(f"{message}; {hint}" if hint else message)
        vars(self)[name] = value
        return value

    def __dir__(self) -> list[str]:
        own = (name for name in super().__dir__() if name.startswith("__"))
        return sorted({*own, *_public().__all__})


sys.modules[__name__].__class__ = _Package
