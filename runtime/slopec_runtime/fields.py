"""JSON to frozen dataclasses and back, driven by the annotations of the fields, with exact paths.

Nothing is guessed: an unknown key, a missing key, a boolean where an integer belongs, all raise
`Error` S0504 naming the place, such as ``entries.predict.inputs[0].shape[1]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

from .errors import Error, did_you_mean

_NAMES = {
    int: "an integer",
    float: "a number",
    str: "a string",
    bool: "true or false",
    NoneType: "null",
}


def invalid(where: str, problem: str, hint: str | None = None) -> NoReturn:
    """Raise S0504 for the field at `where`."""
    raise Error("S0504", f"manifest: {where or 'the document'} {problem}", hint=hint)


def encode(value: Any) -> Any:
    """The JSON form of a dataclass, mapping, tuple or scalar.

    Fields whose default is an empty tuple are left out when they are empty.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: encode(getattr(value, field.name))
            for field in fields(value)
            if not (field.default == () and getattr(value, field.name) == ())
        }
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    return value


def decode(kind: Any, value: Any, where: str = "") -> Any:
    """Read the JSON `value` as `kind`: a scalar type, tuple, mapping, union, Literal or dataclass.

    >>> decode(tuple[int, ...], [1, 2], "sizes")
    (1, 2)
    """
    if type(value) is kind:  # a scalar, which most are
        return value
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        member = next((part for part in get_args(kind) if _fits(part, value)), None)
        if member is None:
            invalid(where, f"must be {_describe(kind)}, not {_show(value)}")
        return decode(member, value, where)
    if not _fits(kind, value):
        invalid(where, f"must be {_describe(kind)}, not {_show(value)}")
    if origin is tuple:
        return _decode_tuple(get_args(kind), value, where)
    if origin is not None and origin is not Literal:
        item_kind = get_args(kind)[1]
        return {key: decode(item_kind, item, _join(where, key)) for key, item in value.items()}
    if is_dataclass(kind):
        return _decode_dataclass(kind, value, where)
    return float(value) if kind is float else value


def _decode_tuple(kinds: tuple[Any, ...], value: list[Any], where: str) -> tuple[Any, ...]:
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        invalid(where, f"must have {len(kinds)} items, not {len(value)}")
    return tuple(
        decode(kind, item, f"{where}[{position}]")
        for position, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )


def _decode_dataclass(kind: Any, value: dict[str, Any], where: str) -> Any:
    types, required = _types_of(kind), _required_of(kind)
    for key in value:
        if key not in types:
            invalid(_join(where, key), "is not a known field", did_you_mean(key, types))
    for name in required:
        if name not in value:
            invalid(_join(where, name), "is missing")
    return kind(**{key: decode(types[key], item, _join(where, key)) for key, item in value.items()})


@cache
def _types_of(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


@cache
def _required_of(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if _is_required(field))


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _fits(kind: Any, value: Any) -> bool:
    """Whether the JSON type of `value` is the one `kind` is written in."""
    origin = get_origin(kind)
    if origin is Literal:
        return value in get_args(kind)
    if origin is tuple:
        return isinstance(value, list)
    if origin is not None or is_dataclass(kind):
        return isinstance(value, dict)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is kind


def _describe(kind: Any) -> str:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return " or ".join(_describe(part) for part in get_args(kind))
    if origin is Literal:
        return " or ".join(repr(choice) for choice in get_args(kind))
    if origin is tuple:
        return "a list"
    return _NAMES.get(kind, "an object")


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
