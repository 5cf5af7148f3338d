"""A model as a table: every module with what comes out of it and how many parameters it has."""

from typing import Any

from slopec import tree
from slopec.cost import spell_bytes
from slopec.nn.module import Module
from slopec.tensor import Tensor
from slopec.trainable import trained


def summary(model: Module, *inputs: Any) -> str:
    """The table of `model`'s modules; with `inputs`, the shapes that they give along the way.

    >>> import slopec as sp
    >>> from slopec import nn
    >>> print(nn.summary(nn.Sequential(nn.Linear(4, 8), nn.ReLU()), sp.ones((2, 4))))
    module  type        output  parameters
    ------  ----------  ------  ----------
            Sequential  (2, 8)          40
    0       Linear      (2, 8)          40
    1       ReLU        (2, 8)           0
    <BLANKLINE>
    40 parameters, of which 40 are trained; 160 B
    """
    outputs = _outputs(model, inputs) if inputs else {}
    rows = [("module", "type", *(["output"] if inputs else []), "parameters")]
    for name, module in model.named_modules():
        shape = [outputs.get(name, "")] if inputs else []
        rows.append((name, type(module).__name__, *shape, f"{module.num_parameters:,}"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    rows.insert(1, tuple("-" * width for width in widths))
    lines = [_line(row, widths) for row in rows]
    moving = sum(leaf.size for leaf in tree.leaves(trained(model)))
    size = sum(tensor.nbytes for tensor in model.parameters())
    parts = f"{model.num_parameters:,} parameters, of which {moving:,} are trained"
    return "\n".join([*lines, "", f"{parts}; {spell_bytes(size)}"])


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    """Text to the left, the last column, which is numbers, to the right."""
    *texts, number = row
    cells = [text.ljust(width) for text, width in zip(texts, widths, strict=False)]
    return "  ".join([*cells, number.rjust(widths[-1])])


def _outputs(model: Module, inputs: tuple[Any, ...]) -> dict[str, str]:
    """The shapes of the results of every module in one run of a copy of `model`."""
    leaves, treedef = tree.flatten(model)
    copy: Module = treedef.unflatten(leaves)
    found: dict[str, str] = {}

    def watch(name: str, module: Module) -> None:
        run = module.forward

        def forward(*args: Any, **kwargs: Any) -> Any:
            result = run(*args, **kwargs)
            shapes = [str(x.shape) for x in tree.leaves(result) if isinstance(x, Tensor)]
            found[name] = ", ".join(shapes)
            return result

        vars(module)["forward"] = forward

    for name, module in list(copy.named_modules()):
        watch(name, module)
    copy(*inputs)
    return found
