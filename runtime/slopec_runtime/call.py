"""Calling one compiled function: arguments in, state slots fed and replaced, memory kept apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from iree.runtime import HalBufferView, VmVariantList

from . import buffers
from .arrays import Array
from .dtypes import numpy_dtype
from .errors import Error
from .sizes import evaluate
from .tree import leaves

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from iree.runtime import VmFunction

    from .context import Context
    from .manifest import EntryPoint, Shape, Variant
    from .operands import Operand


class Call:
    """One variant of an entry: a function for one choice of symbolic sizes.

    `run` takes one operand per input that is not fed from state, in order, with exactly the
    shapes of this variant, and gives one array per output; outputs that only replace state are
    None.
    """

    def __init__(self, name: str, entry: EntryPoint, variant: Variant, context: Context) -> None:
        self._name = name
        self._entry = entry
        self._context = context
        self._function = context.function(variant.symbol)
        self._scratch = scratch_size(self._function)
        fed = [array for array in entry.inputs if array.slot is None]
        self._names = [array.name for array in fed]
        self._given_up = [i for i, array in enumerate(fed) if array.donated]
        self._slots = [array.slot for array in entry.inputs]
        # Whether the function takes just what is passed, which then needs no sorting out.
        self._is_plain = not any(array.slot is not None or array.donated for array in entry.inputs)
        self._donates = [array.slot for array in entry.inputs if array.slot and array.donated]
        self._replaces = [(i, out.slot) for i, out in enumerate(entry.outputs) if out.slot]
        returned = set(leaves(entry.result))
        self._results = [
            (i, _sized(output.shape, variant.dims), numpy_dtype(output.dtype), output.slot)
            for i, output in enumerate(entry.outputs)
            if i in returned
        ]
        # Outputs that share memory with another array; known after the first run.
        self._entangled: list[int] | None = None

    def run(self, operands: Sequence[Operand]) -> list[Array | None]:
        """Run the function once. Raises Error S0514, S0515 or S0516."""
        fed, uploaded = self._upload(operands)
        state, meter = self._context.state, self._context.meter
        with state.lock:
            outputs = self._invoke(fed if self._is_plain else self._arguments(operands, fed))
            for i, slot in self._replaces:
                state.views[slot] = outputs[i]
            meter.count_call()
        if uploaded:
            meter.add(uploaded=uploaded)
        device = self._context.device
        results: list[Array | None] = [None] * len(outputs)
        for i, shape, dtype, kept in self._results:
            view = outputs[i] if kept is None else state.own(kept, outputs[i])
            results[i] = Array(device, shape, dtype, view, None, meter, kept is not None)
        return results

    def _upload(self, operands: Sequence[Operand]) -> tuple[list[HalBufferView], int]:
        """The handles of the operands and the bytes sent."""
        device = self._context.device
        fed: list[HalBufferView] = []
        sent = 0
        for value in operands:
            if isinstance(value, Array) and value.device is device:
                fed.append(value.view())
                continue
            # An array of another device comes through the host.
            array = np.asarray(value)
            sent += array.nbytes
            fed.append(buffers.upload(device, array))
        return fed, sent

    def _arguments(
        self, operands: Sequence[Operand], fed: list[HalBufferView]
    ) -> list[HalBufferView]:
        """One handle per input, in order. Nothing is donated before everything is known good."""
        state = self._context.state
        held = state.views
        for slot in self._slots:
            if slot is not None and slot not in held:
                raise state.missing(slot)
        for i in self._given_up:
            if isinstance(operands[i], Array) and operands[i].device is self._context.device:
                fed[i] = self._consume(operands, i)
        given = iter(fed)
        return [next(given) if slot is None else held[slot] for slot in self._slots]

    def _consume(self, operands: Sequence[Operand], position: int) -> HalBufferView:
        array: Any = operands[position]
        name = self._names[position]
        if sum(other is array for other in operands) > 1:
            raise Error(
                "S0515",
                f"{self._name}() donates its input '{name}', but got the same array twice",
                hint="pass a copy: np.array(x)",
            )
        view: HalBufferView = array.consume(f"{self._name}({name})")
        return view

    def _invoke(self, views: Sequence[HalBufferView]) -> list[HalBufferView]:
        """Run the function; from here on the donated slots are gone unless it succeeds."""
        state = self._context.state
        arguments = VmVariantList(len(views) + 1)
        for view in views:
            arguments.push_ref(view)
        if self._scratch is not None:
            arguments.push_ref(self._context.scratch(self._scratch))
        count = len(self._entry.outputs)
        results = VmVariantList(count)
        for slot in self._donates:
            del state.views[slot]
        try:
            self._context.invoke(self._function, arguments, results)
        except Error:
            state.lost.update(dict.fromkeys(self._donates, self._name))
            raise
        outputs = [results.get_as_object(i, HalBufferView) for i in range(count)]
        if self._entangled is None:
            self._entangled = self._find_entangled(views, outputs)
        for i in self._entangled:
            outputs[i] = buffers.duplicate(self._context.device, outputs[i])
        return outputs

    def _find_entangled(
        self, views: Sequence[HalBufferView], outputs: Sequence[HalBufferView]
    ) -> list[int]:
        """Outputs that lie where a lasting input or an earlier output lies.

        IREE returns an input that passes through unchanged, or is only reshaped, in place, and
        one buffer for two equal outputs. If one of two such arrays were donated later, the other
        would change with it, so all but the first get memory of their own. Which ones is a
        property of the compiled function.
        """
        device = self._context.device
        seen = {
            buffers.address(device, view)
            for view, array in zip(views, self._entry.inputs, strict=True)
            if not array.donated
        }
        found = []
        for i, view in enumerate(outputs):
            place = buffers.address(device, view)
            if place in seen if place is not None else self._may_be_entangled(i):
                found.append(i)
            seen.add(place)
        return found

    def _may_be_entangled(self, position: int) -> bool:
        """For a device that tells no addresses: outputs that later calls will write to.

        A function that updates its donated inputs in place cannot give two of them one buffer.
        """
        slot = self._entry.outputs[position].slot
        return slot in self._context.state.donated and not self._donates


def scratch_size(function: VmFunction) -> int | None:
    """The bytes that a function takes as its last argument; None if it has no such argument."""
    stated = function.reflection.get("iree.abi.transients.size.constant")
    return None if stated is None else max(1, int(stated))


def _sized(shape: Shape, dims: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(evaluate(size, dims) for size in shape)
