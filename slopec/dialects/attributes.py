"""StableHLO's structured attributes as dataclasses that read and spell themselves.

The bindings hand these attributes over as opaque values, so they are read from their text and
made by parsing it (`ir.attr` keeps the results).
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Dims = tuple[int, ...]


def _dims(text: str, key: str) -> Dims:
    match = re.search(rf"\b{key} = \[([^\]]*)\]", text)
    return tuple(int(d) for d in match.group(1).split(",")) if match and match.group(1) else ()


def _number(text: str, key: str) -> int:
    match = re.search(rf"\b{key} = (\d+)", text)
    return int(match.group(1)) if match else 0


def _spell(kind: str, **fields: Dims | int | None) -> str:
    parts = [
        f"{key} = {list(value) if isinstance(value, tuple) else value}"
        for key, value in fields.items()
        if value is not None and value != ()
    ]
    return f"#stablehlo.{kind}<{', '.join(parts)}>"


@dataclass(frozen=True)
class DotDimensionNumbers:
    """Which dimensions of a `dot_general` are batched and which are summed over."""

    lhs_batching: Dims = ()
    rhs_batching: Dims = ()
    lhs_contracting: Dims = ()
    rhs_contracting: Dims = ()

    @property
    def batching(self) -> tuple[Dims, Dims]:
        """The dimensions that are batched, of both sides."""
        return self.lhs_batching, self.rhs_batching

    @property
    def contracting(self) -> tuple[Dims, Dims]:
        """The dimensions that are summed over, of both sides."""
        return self.lhs_contracting, self.rhs_contracting

    @staticmethod
    def parse(attribute: Any) -> "DotDimensionNumbers":
        """Read `#stablehlo.dot<…>`."""
        return _parse_dot(str(attribute))

    def __str__(self) -> str:
        """The attribute's MLIR spelling."""
        return _spell(
            "dot",
            lhs_batching_dimensions=self.lhs_batching,
            rhs_batching_dimensions=self.rhs_batching,
            lhs_contracting_dimensions=self.lhs_contracting,
            rhs_contracting_dimensions=self.rhs_contracting,
        )


@lru_cache(maxsize=4096)
def _parse_dot(text: str) -> DotDimensionNumbers:
    return DotDimensionNumbers(
        *(
            _dims(text, f"{side}_{kind}_dimensions")
            for kind in ("batching", "contracting")
            for side in ("lhs", "rhs")
        )
    )


@dataclass(frozen=True)
class ConvDimensionNumbers:
    """The place of the batch, feature and spatial dimensions in a convolution's three tensors."""

    input_batch: int
    input_feature: int
    input_spatial: Dims
    kernel_input_feature: int
    kernel_output_feature: int
    kernel_spatial: Dims
    output_batch: int
    output_feature: int
    output_spatial: Dims

    @staticmethod
    def parse(attribute: Any) -> "ConvDimensionNumbers":
        """Read `#stablehlo.conv<[b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1]>` or its raw form."""
        return _parse_conv(str(attribute))

    @staticmethod
    def of_layouts(lhs: str, rhs: str, out: str) -> "ConvDimensionNumbers":
        """From layouts such as `bf01`, `oi01`, `bf01` (JAX's NCHW, OIHW, NCHW are these).

        >>> ConvDimensionNumbers.of_layouts("b01f", "01io", "b01f").kernel_spatial
        (0, 1)
        """
        spatial = tuple(str(i) for i in range(len(lhs) - 2))

        def places(layout: str) -> Dims:
            return tuple(layout.index(d) for d in spatial)

        return ConvDimensionNumbers(
            lhs.index("b"),
            lhs.index("f"),
            places(lhs),
            rhs.index("i"),
            rhs.index("o"),
            places(rhs),
            out.index("b"),
            out.index("f"),
            places(out),
        )

    @property
    def layouts(self) -> tuple[str, str, str]:
        """The three layouts, as `of_layouts` takes them."""

        def layout(first: str, a: int, second: str, b: int, spatial: Dims) -> str:
            letters = {a: first, b: second} | {d: str(i) for i, d in enumerate(spatial)}
            return "".join(letters[i] for i in range(len(letters)))

        return (
            layout("b", self.input_batch, "f", self.input_feature, self.input_spatial),
            layout(
                "i",
                self.kernel_input_feature,
                "o",
                self.kernel_output_feature,
                self.kernel_spatial,
            ),
            layout("b", self.output_batch, "f", self.output_feature, self.output_spatial),
        )

    def __str__(self) -> str:
        """The attribute's MLIR spelling."""
        lhs, rhs, out = (f"[{', '.join(layout)}]" for layout in self.layouts)
        return f"#stablehlo.conv<{lhs}x{rhs}->{out}>"


@lru_cache(maxsize=4096)
def _parse_conv(text: str) -> ConvDimensionNumbers:
    if "raw" in text:
        return ConvDimensionNumbers(
            _number(text, "input_batch_dimension"),
            _number(text, "input_feature_dimension"),
            _dims(text, "input_spatial_dimensions"),
            _number(text, "kernel_input_feature_dimension"),
            _number(text, "kernel_output_feature_dimension"),
            _dims(text, "kernel_spatial_dimensions"),
            _number(text, "output_batch_dimension"),
            _number(text, "output_feature_dimension"),
            _dims(text, "output_spatial_dimensions"),
        )
    layouts = [
        "".join(part.strip() for part in group.split(","))
        for group in re.findall(r"\[([^\]]*)\]", text)
    ]
    return ConvDimensionNumbers.of_layouts(*layouts)


@dataclass(frozen=True)
class GatherDimensionNumbers:
    """How start indices and windows make up the result of a gather (StableHLO, *gather*)."""

    offset_dims: Dims = ()
    collapsed_slice_dims: Dims = ()
    operand_batching_dims: Dims = ()
    start_indices_batching_dims: Dims = ()
    start_index_map: Dims = ()
    index_vector_dim: int = 0

    @staticmethod
    def parse(attribute: Any) -> "GatherDimensionNumbers":
        """Read `#stablehlo.gather<…>`."""
        return _parse_gather(str(attribute))

    def __str__(self) -> str:
        """The attribute's MLIR spelling."""
        return _spell("gather", **self.__dict__)


@lru_cache(maxsize=4096)
def _parse_gather(text: str) -> GatherDimensionNumbers:
    keys = list(GatherDimensionNumbers.__dataclass_fields__)
    offset, collapsed, operand, indices, mapped = (_dims(text, key) for key in keys[:-1])
    return GatherDimensionNumbers(
        offset, collapsed, operand, indices, mapped, _number(text, keys[-1])
    )


@dataclass(frozen=True)
class ScatterDimensionNumbers:
    """How scatter indices place update windows in the operand (StableHLO, *scatter*)."""

    update_window_dims: Dims = ()
    inserted_window_dims: Dims = ()
    input_batching_dims: Dims = ()
    scatter_indices_batching_dims: Dims = ()
    scatter_dims_to_operand_dims: Dims = ()
    index_vector_dim: int = 0

    @staticmethod
    def parse(attribute: Any) -> "ScatterDimensionNumbers":
        """Read `#stablehlo.scatter<…>`."""
        return _parse_scatter(str(attribute))

    def __str__(self) -> str:
        """The attribute's MLIR spelling."""
        return _spell("scatter", **self.__dict__)


@lru_cache(maxsize=4096)
def _parse_scatter(text: str) -> ScatterDimensionNumbers:
    keys = list(ScatterDimensionNumbers.__dataclass_fields__)
    window, inserted, operand, indices, mapped = (_dims(text, key) for key in keys[:-1])
    return ScatterDimensionNumbers(
        window, inserted, operand, indices, mapped, _number(text, keys[-1])
    )
