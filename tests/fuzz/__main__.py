"""`make fuzz`: hunt until stopped, from a seed on, and print each program that goes wrong."""

import argparse
import time

from tests.fuzz.hunt import attempt, persists, shrunk, trial_of
from tests.fuzz.ways import ways
from tests.sweep.harness import LACKING

TOGETHER = 6


def main() -> None:
    """Draw, compile as usual and in another way, compare, shrink, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=10**9)
    parser.add_argument("--no-shrink", action="store_true")
    usual, *others = ways()
    names = [way.name for way in (usual, *others)]
    parser.add_argument("--way", choices=names, metavar="WAY", help="one way, in place of all")
    given = parser.parse_args()
    for start in range(given.seed, given.seed + given.count, TOGETHER):
        began = time.monotonic()
        # Every other batch as usual, the rest each in a way of its own.
        turn = start // TOGETHER
        way = others[turn // 2 % len(others)] if turn % 2 else usual
        if given.way is not None:
            way = next(way for way in (usual, *others) if way.name == given.way)
        seeds = range(start, start + TOGETHER)
        drawn = [trial_of(seed, stateful=way.donated) for seed in seeds]
        trials = [trial for trial in drawn if trial is not None]
        for found in attempt(trials, way):
            # A tuner passes over a way in which a program does not compile; Metal has no float64.
            tolerated = (
                found is not None
                and found.kind == "refused"
                and (not way.sure or found.detail.startswith(LACKING))
            )
            if found is None or tolerated or not persists(found):
                continue
            print(
                f"seed {found.trial.seed}, {found.trial.kind}, {way.name}: {found.kind}: {found.detail}",
                flush=True,
            )
            if not given.no_shrink:
                small = shrunk(found)
                print(f"{small.detail}\n{small.trial.program}\n", flush=True)
        print(f"{start} to {start + TOGETHER - 1}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
