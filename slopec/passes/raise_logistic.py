"""Recognise the logistic function where it is written out, before it is differentiated.

Its own derivative needs its result alone; that of the ops it is written with keeps an exponential,
and computes with it again.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import ir
from slopec.passes.pattern import apply
from slopec.passes.simplify.powers import logistic_written_out


@dataclass(frozen=True)
class RaiseLogistic:
    """1 / (exp(-x) + 1) → logistic(x)."""

    name: ClassVar[str] = "raise-logistic"

    def run(self, module: ir.Module) -> None:
        """Rewrite every logistic function that is written out in `module`."""
        apply(module, [logistic_written_out])
