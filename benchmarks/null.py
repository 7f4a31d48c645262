"""How often `mebench check METHOD --null` finds methods outside the band: honest ones, and those that read labels in files.

    python benchmarks/null.py [--shuffles 200] [--cheats 20] [--first 0] [--ways file folders truth]

Each shuffle is a check of its own (`--shuffles 1`), with the seeds `--first` and those that follow, so that it can be run in parts.
Honest are `majority`, `flow_svm` and `optical_strain`; `--ways` names cheats of `tests/plugins/cheat/`, all by default but those that
need a list of the images, which are drawn anew. A cheat whose folds fail, because the sandbox shows them
nothing, is `stopped`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent))

from cheats import write_cheat

from mebench.config import registry
from mebench.errors import RunError
from mebench.output.progress import Progress
from mebench.testing.null import RightAnswers, count_right_answers, pool_answers, shuffled_runs
from tests.plugins.cheat.ways import FACTS, FILES, LEFT, MEMORY, PROCESSES, REST

HONEST = ("majority", "flow_svm", "optical_strain")
NEED_IMAGES = ("facts", "pictures", "import", "secret")
CHEATS = tuple(way for way in (*MEMORY, *FILES, *PROCESSES, *FACTS, *LEFT, *REST) if way not in NEED_IMAGES)


def checks(words: list[str], seeds: range, plugins: tuple[str, ...]) -> list[list[RightAnswers]]:
    """The findings of a check with each seed."""
    with tempfile.TemporaryDirectory(prefix="mebench-null-") as folder:
        runs = shuffled_runs(Path(folder), words, plugins, seeds, Progress())
        return [pool_answers([count_right_answers(run)]) for run in runs]


def main() -> None:
    parser = argparse.ArgumentParser(description="What the null control finds.")
    parser.add_argument("--shuffles", type=int, default=200)
    parser.add_argument("--cheats", type=int, default=20)
    parser.add_argument("--ways", nargs="+", default=CHEATS)
    parser.add_argument("--first", type=int, default=0, help="seed of the first shuffle")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mebench-plugins-") as folder:
        write_cheat(Path(folder), Path(folder) / "data")
        plugins = registry.add_paths([folder])
        tried = [
            *((name, [f"method={name}"], args.shuffles) for name in HONEST if args.shuffles),
            *(
                (f"cheat: {way}", ["method=cheat", f"method.way={way}"], args.cheats)
                for way in args.ways
                if args.cheats
            ),
        ]
        print(
            "| method | checks | outside | right of the tested, mean | by chance at most, mean |\n|---|---|---|---|---|"
        )
        for name, words, shuffles in tried:
            try:
                found = checks([*words, "workers=1"], range(args.first, args.first + shuffles), plugins)
            except RunError:
                print(f"| {name} | {shuffles} | stopped | | |", flush=True)
                continue
            outside = sum(any(f.beyond_chance for f in check) for check in found)
            every = [f for check in found for f in check]
            right, most = (sum(getattr(f, what) / f.of for f in every) / len(every) for what in ("right", "most"))
            print(f"| {name} | {shuffles} | {outside} | {right:.3f} | {most:.3f} |", flush=True)


if __name__ == "__main__":
    main()
