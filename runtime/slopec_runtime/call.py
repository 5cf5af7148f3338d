"""Calling one compiled function: arguments in, state slots fed and replaced, memory kept apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iree.runtime import HalBufferView, VmVariantList

from . import buffers
from .arrays import Array
from .errors import Error
from .tree import leaves

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .context import Context
    from .manifest import EntryPoint, Shape, Variant
    from .operands import Operand


class Call:
    """One variant of an entry: a function for one choice of symbolic sizes.

    `run` takes one operand per input that is not fed from state, in order, with exactly the
    shapes of this variant, and gives one array per output.
    """

    def __init__(self, name: str, entry: EntryPoint, variant: Variant, context: Context) -> None:
        self._name = name
        self._entry = entry
        self._context = context
        self._function = context.function(variant.symbol)
        self._fed = [array for array in entry.inputs if array.slot is None]
        self._slots = [array.slot for array in entry.inputs]
        self._donates = [array.slot for array in entry.inputs if array.slot and array.donated]
        self._replaces = [(i, out.slot) for i, out in enumerate(entry.outputs) if out.slot]
        self._results = [
            (_sized(output.shape, variant.dims), output.dtype) for output in entry.outputs
        ]
        donated = context.state.donated
        self._returned_slots = {
            i for i in leaves(entry.result) if (slot := entry.outputs[i].slot) and slot in donated
        }
        # Outputs that share memory with another array; known after the first run.
        self._entangled: list[int] | None = None

    def run(self, operands: Sequence[Operand]) -> list[Array]:
        """Run the function once. Raises Error S0514, S0515 or S0516."""
        uploaded = [self._upload(value, i) for i, value in enumerate(operands)]
        with self._context.state.lock:
            views = self._arguments(operands, uploaded)
            outputs = self._invoke(views)
            for slot_index, slot in self._replaces:
                self._context.state.views[slot] = outputs[slot_index]
        self._context.meter.add(calls=1)
        return [self._array(i, view) for i, view in enumerate(outputs)]

    def _upload(self, value: Operand, position: int) -> HalBufferView | None:
        """The handle of an operand, or None for a donated array, which is consumed later."""
        context = self._context
        if not isinstance(value, Array):
            context.meter.add(uploaded=value.nbytes)
            return buffers.upload(context.device, value, self._fed[position].dtype)
        if value.device is not context.device:
            return self._upload(value.numpy(), position)
        return None if self._fed[position].donated else value.view()

    def _arguments(
        self, operands: Sequence[Operand], uploaded: Sequence[HalBufferView | None]
    ) -> list[HalBufferView]:
        """One handle per input, in order. Nothing is consumed before everything is known good."""
        state = self._context.state
        for slot in self._slots:
            if slot is not None and slot not in state.views:
                raise state.missing(slot)
        consumed = [self._consume(operands, i) for i, view in enumerate(uploaded) if view is None]
        taken, fed = iter(consumed), iter(uploaded)
        return [
            state.views[slot] if slot is not None else (next(fed) or next(taken))
            for slot in self._slots
        ]

    def _consume(self, operands: Sequence[Operand], position: int) -> HalBufferView:
        array = operands[position]
        name = self._fed[position].name
        if sum(other is array for other in operands) > 1:
            raise Error(
                "S0515",
                f"{self._name}() donates its input '{name}', but got the same array twice",
                hint="pass a copy: np.array(x)",
            )
        assert isinstance(array, Array)
        return array.consume(f"{self._name}({name})")

    def _invoke(self, views: Sequence[HalBufferView]) -> list[HalBufferView]:
        """Run the function; from here on the donated slots are gone unless it succeeds."""
        state = self._context.state
        arguments = VmVariantList(len(views))
        for view in views:
            arguments.push_ref(view)
        results = VmVariantList(len(self._results))
        for slot in self._donates:
            del state.views[slot]
        try:
            self._context.invoke(self._function, arguments, results)
        except Error:
            state.lost.update(dict.fromkeys(self._donates, self._name))
            raise
        outputs = [results.get_as_object(i, HalBufferView) for i in range(len(self._results))]
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
        lasting = [
            view for view, array in zip(views, self._entry.inputs, strict=True) if not array.donated
        ]
        seen = {buffers.address(device, view) for view in lasting}
        found = []
        for i, view in enumerate(outputs):
            place = buffers.address(device, view)
            if place is not None and place in seen:
                found.append(i)
            seen.add(place)
        return found

    def _array(self, position: int, view: HalBufferView) -> Array:
        context = self._context
        shape, dtype = self._results[position]
        if position in self._returned_slots:
            view = buffers.duplicate(context.device, view)
        shared = self._entry.outputs[position].slot is not None
        return Array(context.device, shape, dtype, view=view, meter=context.meter, shared=shared)


def _sized(shape: Shape, dims: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(dims[size] if isinstance(size, str) else size for size in shape)
