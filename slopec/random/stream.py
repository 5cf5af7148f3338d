"""Keys for people who do not want keys: a stream hands out one after another.

There is always a current stream: the default one, seeded with 0, or the one that a `with` block
put in its place. It is a Python object, so a traced function, which runs once and is called often,
has to bring its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from slopec import tracing
from slopec.diagnostics import TraceError
from slopec.random.threefry import checked, fold_in, key
from slopec.tensor import Tensor


class Stream:
    """Keys that follow from one: the n-th is `fold_in(key, n)`.

    >>> import slopec as sp
    >>> keys = sp.random.Stream(0)
    >>> print(keys.next(), keys.next())
    tensor([1797259609 2579123966], uint32[2], cpu) tensor([ 928981903 3453687069], uint32[2], cpu)
    """

    def __init__(self, seed: Any) -> None:
        """Begin with an integer seed or a key."""
        self.key = key(seed) if isinstance(seed, int) else checked("Stream", seed)
        self.count = 0

    def next(self) -> Tensor:
        """A key that the stream has not given yet."""
        self.count += 1
        return fold_in(self.key, self.count - 1)


_default: ContextVar[Stream | None] = ContextVar("slopec_default_stream", default=None)
_chosen: ContextVar[Stream | None] = ContextVar("slopec_stream", default=None)


def manual_seed(seed: int) -> Stream:
    """Begin the default stream afresh; what follows repeats what followed the same seed before.

    >>> import slopec as sp
    >>> _ = sp.manual_seed(1)
    >>> first = sp.random.next_key().tolist()
    >>> _ = sp.manual_seed(1)
    >>> first == sp.random.next_key().tolist()
    True
    """
    made = Stream(seed)
    _default.set(made)
    return made


@contextmanager
def stream(seed: Any) -> Iterator[Stream | None]:
    """Take keys from a stream of its own, made of a seed or a (traced) key, in a `with` block.

    None leaves the current stream in its place.

    >>> import slopec as sp
    >>> from slopec import nn
    >>> drop = nn.Dropout(0.5)
    >>> @sp.jit
    ... def f(key, x):
    ...     with sp.random.stream(key):
    ...         return drop(x)
    >>> f(sp.random.key(0), sp.ones(3)).shape
    (3,)
    """
    made = _chosen.get() if seed is None else Stream(seed)
    token = _chosen.set(made)
    try:
        yield made
    finally:
        _chosen.reset(token)


def next_key() -> Tensor:
    """The next key of the current stream.

    Raises TraceError inside a traced function that has no stream of its own: the key would be a
    constant of the compiled function, and every call would draw the same numbers.
    """
    chosen = _chosen.get()
    if chosen is not None:
        return chosen.next()
    if tracing.is_tracing():
        raise TraceError(
            "S0120",
            "random numbers without a key inside a traced function",
            span=tracing.here(),
            notes=("the function runs once and is called often: all calls would draw the same",),
            hint="pass a key to the function, and use it with `key=…` or in "
            "`with sp.random.stream(key):`",
        )
    return (_default.get() or manual_seed(0)).next()
