"""The score of a recognizer that looks for the tested people's labels, for each place where it looks, without and with the sandbox.

    python benchmarks/cheats.py MAPS [--ways names pictures] [--workers 2]

The cheats are those of `tests/plugins/cheat/`, on the maps of `megc2019_flow` in MAPS under LOSO; `none` looks nowhere and names the
most frequent class. `benchmarks/cheats.md` shows the table.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent))

from mebench.config import resolve
from mebench.errors import MebenchError
from mebench.output.progress import Progress
from mebench.runner.execute import execute_all, worker_pool
from mebench.runner.plan import make_plan
from mebench.runner.session import open_session
from tests.helpers.plugin_folders import copy_plugins
from tests.plugins.cheat.marks import lay_boards
from tests.plugins.cheat.view import digests_of_maps
from tests.plugins.cheat.ways import WAYS


def write_cheat(root: Path, maps: Path) -> None:
    """Write the plugin that looks for labels, with files that name the folder of the maps and its images, without labels."""
    copy_plugins(root, "cheat")
    (root / "methods" / "cheat" / "place.txt").write_text(str(maps))
    known = {digest: (file.parts[-4], file.name) for digest, file in digests_of_maps(maps).items()}
    (root / "methods" / "cheat" / "images.json").write_text(json.dumps(known))


def scores(ways: Sequence[str], maps: Path, folder: Path, sandbox: str, workers: int) -> dict[str, str]:
    """UF1 of each way, or what was said instead; the runs are in `folder`, one after the other, since each reads those before it."""
    runs = folder / f"runs-{sandbox}"
    places = {"folders": maps, "pictures": maps, "watching": maps, "truth": runs, "store": folder / "cache"}
    places |= {"file": folder, "notes": folder, "secret": folder}
    found = {}
    for way in ways:
        lay_boards(folder / "plugins" / "methods" / "cheat")
        words = ["method=cheat", f"method.way={way}", "dataset=megc2019_flow", f"dataset.root={maps}", "bootstrap=0"]
        words += [f"method.place={places.get(way, '')}", f"workers={workers}", f"sandbox={sandbox}"]
        words += [f"plugins={folder / 'plugins'}", f"cache={folder / 'cache'}", f"runs={runs}"]
        config = resolve(words)
        with worker_pool(config) as pool:
            (outcome,) = execute_all([open_session(make_plan(config))], pool, Progress())
        if isinstance(outcome, MebenchError):
            found[way] = f"refused: {str(outcome).partition(': ')[2][:90]}"
        else:
            found[way] = f"{outcome.summary['recognition']['scores']['uf1']['value']:.4f}"
        print(f"| {way} | {sandbox} | {found[way]} |", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="What looking for labels is worth.")
    parser.add_argument("maps", type=Path)
    parser.add_argument("--ways", nargs="+", default=[way for way in WAYS if way not in ("host", "told")])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sandboxes", nargs="+", default=["auto", "off"], help="values of sandbox=")
    args = parser.parse_args()
    maps = args.maps.resolve()
    with tempfile.TemporaryDirectory(prefix="mebench-cheat-") as folder:
        write_cheat(Path(folder, "plugins"), maps)
        os.chdir(folder)
        if "secret" in args.ways:
            Path("maps").symlink_to(maps)
        # With the sandbox first: what a run without it leaves in the plugin's folder may be read later.
        found = {sandbox: scores(args.ways, maps, Path(folder), sandbox, args.workers) for sandbox in args.sandboxes}
    print(f"\n| it looks at | {' | '.join(f'sandbox={sandbox}' for sandbox in found)} |\n|---|{'---|' * len(found)}")
    for way in args.ways:
        print(f"| {way} | {' | '.join(of[way] for of in found.values())} |")


if __name__ == "__main__":
    main()
