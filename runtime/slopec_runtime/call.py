"""Calling one compiled function: arguments in, state slots fed and replaced, memory kept apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from iree.runtime import VmVariantList

from . import buffers
from .arrays import Array
from .context import FAILURES, failure
from .convention import scratch_size, turning
from .dtypes import numpy_dtype
from .errors import Error
from .operands import Expected, operand
from .sizes import evaluate
from .tree import leaves

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from iree.runtime import VmRef

    from .context import Context
    from .manifest import EntryPoint, Shape, Variant


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
        self._device, self._state, self._meter = context.device, context.state, context.meter
        self._function = context.function(variant.symbol)
        self._to_its_end = context.runner(self._function)
        self._scratch = scratch_size(self._function)
        fed = [array for array in entry.inputs if array.slot is None]
        self._expected = [
            (
                i,
                Expected(
                    f"input '{array.name}' of {name}()",
                    array.name,
                    _sized(array.shape, variant.dims),
                    array.dtype,
                ),
            )
            for i, array in enumerate(fed)
        ]
        # What an array of this device needs to be taken as it is.
        self._fitting = [(i, e.shape, e.wanted) for i, e in self._expected]
        self._given_up = [i for i, array in enumerate(fed) if array.donated]
        self._slots = [array.slot for array in entry.inputs]
        # Whether the function takes just what is passed, which then needs no sorting out.
        self._is_plain = not any(array.slot is not None or array.donated for array in entry.inputs)
        self._donates = [array.slot for array in entry.inputs if array.slot and array.donated]
        # Slots whose next values go where they were a call before, and the inputs they are.
        self._turning = [
            (slot, self._slots.index(slot))
            for slot in (entry.outputs[i].slot for i in turning(self._function))
            if slot is not None
        ]
        self._replaces = [(i, out.slot) for i, out in enumerate(entry.outputs) if out.slot]
        returned = set(leaves(entry.result))
        self._results = [
            (i, _sized(output.shape, variant.dims), numpy_dtype(output.dtype), output.slot)
            for i, output in enumerate(entry.outputs)
            if i in returned
        ]
        self._positions = range(len(entry.outputs))
        # Outputs that share memory with another array; known after the first run.
        self._entangled: list[int] | None = None

    def run(self, values: Sequence[Any]) -> list[Array | None]:
        """Run the function once. Raises Error S0511, S0512, S0514, S0515 or S0516."""
        device, state, meter = self._device, self._state, self._meter
        device.check()
        # Plain loops and a bare lock: of a small program's call they are what takes the time.
        fed: list[VmRef] = []
        sent: list[int] = []
        for i, shape, dtype in self._fitting:
            value = values[i]
            if (
                type(value) is Array
                and value.dtype is dtype
                and value.shape == shape
                and value.device is device
            ):
                fed.append(value.handle())
            else:
                fed.append(self._feed(value, self._expected[i][1], sent))
        state.lock.acquire()
        try:
            outputs = self._invoke(fed if self._is_plain else self._arguments(values, fed))
            for i, slot in self._replaces:
                state.held[slot] = outputs[i]
            meter.calls += 1
        finally:
            state.lock.release()
        if sent:
            meter.add(uploaded=sum(sent))
        results: list[Array | None] = [None] * len(outputs)
        for i, shape, dtype, kept in self._results:
            handle = outputs[i] if kept is None else state.own(kept, outputs[i])
            results[i] = Array(device, shape, dtype, handle, None, meter, kept is not None)
        return results

    def _feed(self, value: Any, expected: Expected, sent: list[int]) -> VmRef:
        """The handle of what was passed for an input; its bytes join `sent` if they have to go."""
        found = operand(value, expected)
        if isinstance(found, Array) and found.device is self._device:
            return found.handle()
        # An array of another device comes through the host.
        array = np.asarray(found)
        sent.append(array.nbytes)
        return buffers.upload(self._device, array)

    def _arguments(self, values: Sequence[Any], fed: list[VmRef]) -> list[VmRef]:
        """One handle per input, in order. Nothing is donated before everything is known good."""
        state = self._state
        held = state.held
        for slot in self._slots:
            if slot is not None and slot not in held:
                raise state.missing(slot)
        for i in self._given_up:
            value, (_, expected) = values[i], self._expected[i]
            # What was cast, or is elsewhere, is not the memory that the function gets.
            if (
                isinstance(value, Array)
                and value.device is self._device
                and value.dtype == expected.wanted
            ):
                fed[i] = self._consume(values, i, expected.name)
        given = iter(fed)
        return [next(given) if slot is None else held[slot] for slot in self._slots]

    def _consume(self, values: Sequence[Any], position: int, name: str) -> VmRef:
        array = values[position]
        if sum(other is array for other in values) > 1:
            raise Error(
                "S0515",
                f"{self._name}() donates its input '{name}', but got the same array twice",
                hint="pass a copy: np.array(x)",
            )
        handle: VmRef = array.consume(f"{self._name}({name})")
        return handle

    def _invoke(self, fed: Sequence[VmRef]) -> list[VmRef]:
        """Run the function; from here on the donated slots are gone unless it succeeds."""
        arguments, results = VmVariantList(len(fed) + 3), VmVariantList(len(self._positions))
        for handle in fed:
            arguments.push_ref(handle)
        for slot, _ in self._turning:
            arguments.push_ref(self._state.spare(slot))
        if self._scratch is not None:
            arguments.push_ref(self._context.scratch(self._scratch))
        for slot in self._donates:
            del self._state.held[slot]
        try:
            self._to_its_end(self._function, arguments, results)
        except FAILURES as problem:
            self._state.lost.update(dict.fromkeys(self._donates, self._name))
            raise failure(self._function, problem) from None
        outputs = []
        for i in self._positions:
            outputs.append(results.get_as_ref(i))  # noqa: PERF401 - see `run`
        if self._entangled is None:
            self._entangled = self._find_entangled(fed, outputs)
        for i in self._entangled:
            outputs[i] = buffers.duplicate(self._device, outputs[i])
        for slot, i in self._turning:
            self._state.spares[slot] = fed[i]
        return outputs

    def _find_entangled(self, fed: Sequence[VmRef], outputs: Sequence[VmRef]) -> list[int]:
        """Outputs that lie where an input lies that is not overwritten, or an earlier output.

        IREE returns an input that passes through unchanged, or is only reshaped, in place, and
        one buffer for two equal outputs. If one of two such arrays were donated later, the other
        would change with it, so all but the first get memory of their own. Which ones is a
        property of the compiled function.
        """
        device = self._device
        spared = {i for _, i in self._turning}
        seen = {
            buffers.address(device, handle)
            for i, (handle, array) in enumerate(zip(fed, self._entry.inputs, strict=True))
            if not array.donated or i in spared
        }
        found = []
        for i, handle in enumerate(outputs):
            place = buffers.address(device, handle)
            if place in seen if place is not None else self._may_be_entangled(i):
                found.append(i)
            seen.add(place)
        return found

    def _may_be_entangled(self, position: int) -> bool:
        """For a device that tells no addresses: outputs that later calls will write to.

        A function that updates its donated inputs in place cannot give two of them one buffer.
        """
        slot = self._entry.outputs[position].slot
        return slot in self._state.donated and not self._donates


def _sized(shape: Shape, dims: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(evaluate(size, dims) for size in shape)
