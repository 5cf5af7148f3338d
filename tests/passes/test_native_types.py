"""Ops in types that IREE lacks them for: what is written instead, and that it means the same."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from slopec import ir, reference
from slopec.passes import parse_pipeline, run_pipeline
from tests.transforms.harness import lower

Z = np.arange(12).reshape(3, 4) + 1j
CASES = {
    "pad of complex": (lambda z: lax.pad(z, 2 + 1j, [(1, -1, 1), (0, 2, 0)]), Z, "stablehlo.complex"),
    "pad with what is not known": (lambda x, v: lax.pad(x, v, [(1, 0, 2)]), np.arange(3.0), np.array(7.0), "stablehlo.select"),
    "reverse of unsigned": (lambda x: x[::-1], np.arange(5, dtype="uint8"), "tensor<5xi8>"),
    "prefixes of unsigned": (lambda x: lax.cummax(x), np.uint8([3, 200, 7]), "tensor<3xi8>"),
    "prefix sums of complex": (lambda z: lax.cumsum(z), Z, "stablehlo.complex"),
    "constants put among unsigned": (lambda x: x.at[jnp.array([2, 0])].set(7), np.arange(5, dtype="uint8"), "tensor<5xi8>"),
    "a lone unsigned": (lambda n: n.astype("uint16"), np.int32(70000), "stablehlo.bitcast_convert"),
    "a lone unsigned of the same width": (lambda n: n.astype("uint32"), np.int32([-7]), "stablehlo.bitcast_convert"),
    "product by an algorithm": (lambda x: lax.dot(x, x, precision=lax.DotAlgorithmPreset.BF16_BF16_F32), np.eye(4, dtype="float32"), "tensor<4x4xf32>"),
    "product of converted unsigned": (lambda x: x.astype("int16") @ x.T.astype("int16"), np.uint8([[3, 200], [250, 9]]), "stablehlo.and"),
    "product of converted bools": (lambda x: x.astype("float32") @ x.T.astype("float32"), np.eye(2) > 0, "stablehlo.select"),
    "zeros of complex128": (lambda z: z + jnp.zeros_like(z), Z, "stablehlo.complex"),
    "convolution of complex": (
        lambda x, w: lax.conv_general_dilated(x, w, (1, 1), "SAME"), Z.reshape(1, 1, 3, 4), Z[:2, :2].reshape(1, 1, 2, 2), "stablehlo.pad",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_meaning_stays(name):
    function, *arrays, made = CASES[name]
    module = ir.parse(lower(function, *arrays))
    before = reference.evaluate(module, "main", *arrays)
    run_pipeline(module, parse_pipeline("inline,native-types"))
    ir.verify(module)
    assert made in str(module)
    once = str(module)
    for mine, theirs in zip(reference.evaluate(module, "main", *arrays), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    run_pipeline(module, parse_pipeline("native-types"))
    assert str(module) == once


def test_complex_numbers_of_another_width_have_the_same_bits():
    for x, y in ((Z, Z.view("complex64").reshape(3, 4, 2)), (Z.astype("complex64"), None)):
        expected = x.view("complex128")[..., None].reshape(3, 2) if y is None else y
        given = x.reshape(3, 2, 2) if y is None else x
        types = [ir.tensor_type(a.shape, a.dtype) for a in (given, expected)]
        module = ir.parse(f"""func.func @main(%z: {types[0]}) -> {types[1]} {{
            %0 = stablehlo.bitcast_convert %z : ({types[0]}) -> {types[1]}
            return %0 : {types[1]} }}""")
        run_pipeline(module, parse_pipeline("native-types"))
        assert "stablehlo.concatenate" in str(module)
        np.testing.assert_array_equal(reference.evaluate(module, "main", given)[0], expected)


def test_other_types_stay():
    module = ir.parse(lower(lambda x: lax.pad(x, 0.0, [(1, 1, 0)])[::-1], np.arange(3.0)))
    before = str(module)
    run_pipeline(module, parse_pipeline("native-types"))
    assert str(module) == before
