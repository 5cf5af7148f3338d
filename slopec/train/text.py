"""Text for language models: two corpora that need no download, tokenizers, and context windows."""

import random
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from slopec.diagnostics import UsageError
from slopec.train.batches import Arrays

UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def python_reference() -> str:
    """The language reference behind Python's `help()`, topics in order: half a million characters.

    English prose with code that every Python carries. It is the same text for one Python release
    and a little different for the next; `number_sentences` is the same everywhere.
    """
    from pydoc_data.topics import topics

    return "\n".join(topics[name] for name in sorted(topics))


def number_sentences(count: int, seed: int = 0) -> str:
    """`count` lines of sums in words: little to learn, and easy to see when it is learnt.

    >>> print(number_sentences(2), end="")
    forty two plus thirty seven is seventy nine.
    twenty one plus twelve is thirty three.
    """
    # Of Python's generators only `random()` promises one sequence for all versions.
    uniform = random.Random(seed).random
    pairs = ((int(uniform() * 50), int(uniform() * 50)) for _ in range(count))
    return "".join(f"{spelled(a)} plus {spelled(b)} is {spelled(a + b)}.\n" for a, b in pairs)


def spelled(number: int) -> str:
    """A number from 0 to 99 in words.

    >>> spelled(42)
    'forty two'
    """
    if number < len(UNITS):
        return UNITS[number]
    tens, unit = divmod(number, 10)
    return TENS[tens - 2] + (f" {UNITS[unit]}" if unit else "")


@dataclass(frozen=True)
class ByteTokenizer:
    """A token is a byte of UTF-8: 256 of them, and no text is foreign.

    >>> tokens = ByteTokenizer()
    >>> tokens.encode("aé").tolist(), tokens.decode([97, 195, 169])
    ([97, 195, 169], 'aé')
    """

    size: int = 256

    def encode(self, text: str) -> NDArray[np.int32]:
        """The bytes of the text as int32, shape (bytes,)."""
        return np.frombuffer(text.encode(), np.uint8).astype(np.int32)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of the bytes; a broken sequence shows as U+FFFD."""
        return bytes(int(token) for token in ids).decode(errors="replace")


@dataclass(frozen=True)
class CharTokenizer:
    """A token is a character of `alphabet`, its id the place there.

    >>> tokens = CharTokenizer.of("banana")
    >>> tokens.alphabet, tokens.encode("nab").tolist(), tokens.decode([2, 0, 1])
    ('abn', [2, 0, 1], 'nab')
    """

    alphabet: str

    @classmethod
    def of(cls, text: str) -> "CharTokenizer":
        """The tokenizer whose alphabet is the characters of `text`, in code point order."""
        return cls("".join(sorted(set(text))))

    @property
    def size(self) -> int:
        """Characters in the alphabet."""
        return len(self.alphabet)

    def encode(self, text: str) -> NDArray[np.int32]:
        """The ids of the characters as int32, shape (characters,).

        Raises `UsageError` (S0604) for characters outside the alphabet.
        """
        ids = {character: place for place, character in enumerate(self.alphabet)}
        foreign = sorted(set(text) - set(ids))
        if foreign:
            shown = ", ".join(repr(character) for character in foreign[:8])
            raise UsageError(
                "S0604",
                f"the text has {len(foreign)} characters that the tokenizer does not know",
                notes=(f"unknown: {shown}{' …' if len(foreign) > 8 else ''}",),
                hint="make the tokenizer from all of the text, or use the byte tokenizer",
            )
        return np.array([ids[character] for character in text], np.int32)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of the ids."""
        return "".join(self.alphabet[int(token)] for token in ids)


def windows(tokens: NDArray[np.int32], context: int, stride: int | None = None) -> Arrays:
    """Stretches of text with the same stretch one token later as their target.

    From tokens of shape (length,) come `tokens` and `target`, int32 of shape (rows, context); a
    row starts every `stride` tokens (default: `context`, no overlap). Both are views, so a small
    stride costs no memory. Raises `UsageError` (S0603) if the text is shorter than one row.

    >>> rows = windows(np.arange(7, dtype=np.int32), context=3)
    >>> rows["tokens"].tolist(), rows["target"].tolist()
    ([[0, 1, 2], [3, 4, 5]], [[1, 2, 3], [4, 5, 6]])
    """
    if len(tokens) <= context:
        raise UsageError(
            "S0603",
            f"{len(tokens)} tokens of text hold no context of {context} and the token after it",
            hint="use a longer text or a shorter context",
        )
    stretches = sliding_window_view(tokens, context + 1)[:: stride or context]
    return {"tokens": stretches[:, :-1], "target": stretches[:, 1:]}


def word_error_rate(reference: str, said: str) -> float:
    """Words to change, add or leave out until `said` is `reference`, over the words of that.

    The least number of them, by dynamic programming (Wagner and Fischer, 1974); more than 1 is
    possible. Without words in `reference` it is the number of words said.

    >>> word_error_rate("the cat sat", "the cat sat down")
    0.3333333333333333
    """
    wanted, given = reference.split(), said.split()
    above = list(range(len(given) + 1))
    for row, word in enumerate(wanted, 1):
        here = [row]
        for column, other in enumerate(given, 1):
            replaced = above[column - 1] + (word != other)
            here.append(min(replaced, above[column] + 1, here[-1] + 1))
        above = here
    return above[-1] / max(1, len(wanted))
