"""What IREE makes of a program's dispatches and temporaries: one recording, one piece of memory."""

import re

from iree.compiler.tools import compile_str

from slopec.targets import parse_target

COUNT, SIZE = 5, 32 * 32 * 4


def lowered(phase):
    """A chain of matrix products, each of which needs the result of the last one alone."""
    type_ = "tensor<32x32xf32>"
    steps = "\n".join(
        f"%{i + 1} = stablehlo.dot_general %{i}, %w, contracting_dims = [1] x [0] : "
        f"({type_}, {type_}) -> {type_}"
        for i in range(COUNT)
    )
    text = f"""func.func @main(%0: {type_}, %w: {type_}) -> {type_} {{
        {steps}
        return %{COUNT} : {type_}
    }}"""
    flags = [*parse_target("llvm-cpu:host").flags, f"--compile-to={phase}"]
    return compile_str(text, input_type="stablehlo", extra_args=flags).decode()


def test_launches_are_recorded_once():
    text = lowered("hal")

    assert text.count("hal.command_buffer.create") == 1
    assert text.count("hal.command_buffer.dispatch") == COUNT
    assert text.count("hal.device.queue.execute") == 1


def test_temporaries_share_one_allocation():
    text = lowered("stream")

    taken = re.findall(r"stream\.resource\.alloca .*!stream\.resource<transient>\{%c(\d+)\}", text)
    # Of four temporaries two live at a time.
    assert taken == [str(2 * SIZE)]
