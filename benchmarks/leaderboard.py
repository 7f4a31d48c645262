"""How long `mebench leaderboard build` takes with many records.

    python benchmarks/leaderboard.py [--records 300] [--profile]

The records are those of the repository, each taken several times with another setting of its method, so that every copy is a row of
its own that is compared with all others of its table. Tables and page go into a temporary folder, and are built twice: first
anew, then with the pages of the first time at hand.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mebench.cli.leaderboard import leaderboard_build_command
from mebench.records.record_files import own_hash

RECORDS = Path(__file__).parents[1] / "leaderboards" / "records"


def draw_records(n: int, out: Path) -> int:
    """Write `n` records, copies of the committed ones with other settings; how many there are."""
    originals = sorted(file.parent for file in RECORDS.glob("*/record.json"))
    for number in range(n):
        copy, original = divmod(number, len(originals))
        stored = json.loads((originals[original] / "record.json").read_text(encoding="utf-8"))
        stored["run_id"] += f"-{copy}"
        stored["key"] = f"{stored['key'][:8]}{copy:08x}"
        stored.pop("parts", None)  # they make another key, and a record with them would be refused
        stored["config"]["method.copy"] = copy
        stored["settings"] = "; ".join(filter(None, [stored["settings"], f"copy={copy}"]))
        shutil.copytree(originals[original], out / stored["run_id"])
        text = json.dumps({**stored, "sha256": own_hash({k: v for k, v in stored.items() if k != "sha256"})})
        (out / stored["run_id"] / "record.json").write_text(text, encoding="utf-8")
    return n


def timed(work: Callable[[], None], profile: bool) -> None:
    """Print wall and processor seconds of some work."""
    watch = cProfile.Profile()
    start, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    if profile:
        watch.runcall(work)
    else:
        work()
    now = resource.getrusage(resource.RUSAGE_SELF)
    spent = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    print(f"{time.perf_counter() - start:.1f} s, {spent:.1f} s of the processor")
    if profile:
        pstats.Stats(watch).sort_stats("cumulative").print_stats(40)


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds of `mebench leaderboard build`.")
    parser.add_argument("--records", type=int, default=300)
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        out = Path(home)
        draw_records(args.records, out / "records")
        for file in ("published.csv", "beside.yaml"):
            shutil.copy(RECORDS.parent / file, out)
        known = json.loads((RECORDS.parent / "registry.json").read_text(encoding="utf-8"))
        known["records"] = {record.name: "" for record in (out / "records").iterdir()}  # else none has a rank
        (out / "registry.json").write_text(json.dumps(known), encoding="utf-8")
        for _ in range(2):
            timed(lambda: leaderboard_build_command(runs=str(out / "runs"), out=str(out)), args.profile)


if __name__ == "__main__":
    main()
