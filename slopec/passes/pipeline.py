"""A pipeline is a list of passes with a spelling: `derive,simplify{max-iterations=4},cse`.

Options stand in braces, separated by blanks: `name=value`, or a name alone for a switch. Lists of
integers are written `0,1` or `0 1`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from slopec import ir
from slopec.diagnostics import UsageError, did_you_mean
from slopec.passes.base import Option, Pass, find, options, spell
from slopec.passes.observe import Observer, Together

_NAME = re.compile(r"[A-Za-z][\w.-]*")
_TOKEN = re.compile(r"(?P<key>[A-Za-z][\w-]*)=|\"(?P<quoted>[^\"]*)\"|(?P<word>[^\s,{}\"]+)")


@dataclass(frozen=True)
class Pipeline:
    """Passes to run in order; `str()` gives the text that `parse_pipeline` reads."""

    passes: tuple[Pass, ...]

    def __iter__(self) -> Iterator[Pass]:
        """The passes in order."""
        return iter(self.passes)

    def __str__(self) -> str:
        """The spelling, options at their defaults left out."""
        return ",".join(map(spell, self.passes))


class PassError(Exception):
    """A pass failed or left a module that is not valid: a fault of slopec, not of the program."""


def parse_pipeline(text: str) -> Pipeline:
    """Read a pipeline.

    Raises UsageError: S0430 for an unknown pass, S0431 for text that is no pipeline, S0432 for an
    option that the pass does not have or a value that does not fit it.

    >>> str(parse_pipeline("simplify{ max-iterations=4, fast-math },cse"))
    'simplify{max-iterations=4 fast-math=true},cse'
    """
    passes: list[Pass] = []
    position = 0
    while True:
        position = _skip_blanks(text, position)
        name = _NAME.match(text, position)
        if name is None:
            raise _syntax_error(text, position, "the name of a pass is expected here")
        pass_class = _find(text, name)
        position = _skip_blanks(text, name.end())
        body = ""
        if text[position : position + 1] == "{":
            end = text.find("}", position)
            if end < 0:
                raise _syntax_error(text, position, "this brace is not closed")
            body, position = text[position + 1 : end], _skip_blanks(text, end + 1)
        passes.append(_make(pass_class, body))
        if position == len(text):
            return Pipeline(tuple(passes))
        if text[position] != ",":
            raise _syntax_error(text, position, "a comma or the end is expected here")
        position += 1


def run_pipeline(module: ir.Module, pipeline: Pipeline, observer: Observer | None = None) -> None:
    """Run the passes over `module` in place; `observer` sees each.

    Without one the result is verified, not what each pass leaves, which takes a tenth of the time;
    `Verify` tells which pass is at fault.

    Raises PassError when MLIR reports that a pass failed or left an invalid module; what a pass
    finds wrong with the program comes as it raised it.
    """
    told = Together(()) if observer is None else observer
    for index, pass_ in enumerate(pipeline):
        with _blaming("pass", pass_):
            told.before(index, pass_, module)
            pass_.run(module)
            told.after(index, pass_, module)
    if observer is None:
        with _blaming("one of the passes", *pipeline):
            ir.verify(module)


@contextmanager
def _blaming(words: str, *passes: Pass) -> Iterator[None]:
    try:
        yield
    except ir.MLIRError as error:
        whom = f"{words} `{Pipeline(passes)}`"
        raise PassError(f"{whom} failed or left an invalid module: {error}") from error


def _skip_blanks(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _find(text: str, name: re.Match[str]) -> type[Any]:
    try:
        return find(name.group())
    except UsageError as error:
        notes = (*_marked(text, name.start(), name.end()), *error.notes)
        raise UsageError(error.code, error.message, notes=notes, hint=error.hint) from None


def _syntax_error(text: str, position: int, message: str) -> UsageError:
    return UsageError(
        "S0431",
        f"not a pipeline of passes: {message}",
        notes=_marked(text, position, position + 1),
        hint="write it as `derive,simplify{max-iterations=4},cse`",
    )


def _marked(text: str, start: int, end: int) -> tuple[str, ...]:
    line = text.replace("\n", " ")
    return (f"{line}\n          {' ' * start}{'^' * (end - start)}",)


def _make(pass_class: type[Any], body: str) -> Pass:
    """A pass with the options that `body` spells."""
    known = options(pass_class)
    given: dict[str, list[str]] = {}
    key = None
    for token in _TOKEN.finditer(body):
        word = token["word"] if token["quoted"] is None else token["quoted"]
        if token["key"] is not None:
            key = token["key"]
            given[key] = []
        elif key is None or (
            token["quoted"] is None and _is_switch(word, known, known.get(key), given[key])
        ):
            given[word], key = ["true"], None
        else:
            given[key].append(word)
    values = {
        _known(pass_class, known, name).name: _value(pass_class, known[name], words)
        for name, words in given.items()
    }
    missing = [o.spelling for o in known.values() if o.name not in values and o.required]
    if missing:
        raise UsageError(
            "S0432",
            f"pass `{pass_class.name}` needs the option `{missing[0]}`",
            hint=f"write `{pass_class.name}{{{missing[0]}=…}}`",
        )
    try:
        made: Pass = pass_class(**values)
    except ValueError as error:
        raise UsageError("S0432", f"pass `{pass_class.name}`: {error}") from error
    return made


def _is_switch(
    word: str, known: dict[str, Option], before: Option | None, values: list[str]
) -> bool:
    """Whether a word begins an option of its own, rather than going on with the one before."""
    complete = before is not None and values and before.accepts not in (tuple, str)
    return word in known or bool(complete)


def _known(pass_class: type[Any], known: dict[str, Option], name: str) -> Option:
    if name in known:
        return known[name]
    takes = ", ".join(f"`{o.spelling}`" for o in known.values()) or "none"
    raise UsageError(
        "S0432",
        f"pass `{pass_class.name}` has no option `{name}`",
        notes=(f"its options: {takes}",),
        hint=did_you_mean(name, list(known)),
    )


def _value(pass_class: type[Any], option: Option, words: list[str]) -> Any:
    try:
        return _read(option.accepts, words)
    except (ValueError, KeyError):
        raise UsageError(
            "S0432",
            f"option `{option.spelling}` of pass `{pass_class.name}` must be {option.kind}, "
            f"got `{' '.join(words)}`",
        ) from None


def _read(type_: type, words: list[str]) -> Any:
    if type_ is tuple:
        return tuple(int(word) for word in words)
    if type_ is str:
        return " ".join(words)
    (word,) = words
    return {"true": True, "false": False}[word.lower()] if type_ is bool else type_(word)
