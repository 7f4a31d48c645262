"""What a recognizer that looks for the labels of whom it is tested on scores, for each place where it looks.

    python benchmarks/cheats.py MAPS

The cheats are those of `tests/runner/cheats.py`, on the maps of `megc2019_flow` in MAPS under LOSO; `none` looks nowhere and names the
most frequent class. Each way is a run of its own in a folder of its own. `docs/guard.md` shows the table.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent))

from tests.runner.cheats import FILES, MEMORY, METHOD, PARAMS


def write_cheat(root: Path) -> None:
    """The plugin that looks for labels."""
    folder = root / "methods" / "cheat"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "config.yaml").write_text("title: Cheat\nsummary: looks for labels\ntasks: [recognize]\n")
    (folder / "params.py").write_text(PARAMS)
    (folder / "method.py").write_text(METHOD)


def score(way: str, maps: Path, folder: Path) -> str:
    """UF1, or what was said instead; the file and the runs are in `folder`."""
    write_cheat(folder / "plugins")
    words = ["method=cheat", f"method.way={way}", "dataset=megc2019_flow", f"dataset.root={maps}", "bootstrap=0"]
    words += [f"cache={folder / 'cache'}", f"plugins={folder / 'plugins'}"]
    for _ in range(1 + (way == "truth")):  # who reads other runs needs one
        done = subprocess.run(
            [sys.executable, "-m", "mebench", "run", *words, f"seed={_}"], cwd=folder, capture_output=True, text=True
        )
    if done.returncode:
        return (done.stderr.strip() or done.stdout.strip()).splitlines()[-1]
    *_, last = sorted(folder.glob("runs/*/summary.json"), key=lambda file: file.stat().st_mtime)
    return f"{json.loads(last.read_text())['recognition']['scores']['uf1']['value']:.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="What looking for labels is worth.")
    parser.add_argument("maps", type=Path)
    args = parser.parse_args()
    print("| looks in | UF1 |\n|---|---|")
    for way in ("none", *MEMORY, *FILES):
        with tempfile.TemporaryDirectory(prefix="mebench-cheat-") as folder:
            print(f"| {way} | {score(way, args.maps.resolve(), Path(folder))} |", flush=True)


if __name__ == "__main__":
    main()
