"""`python tools/walk.py [FOLDER]` walks through mebench as a user does, and says which step ends otherwise than it should.

It takes a few minutes and no data. Workflows run it on macOS and Windows, `.ci/nightly` under fakes of both.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

PROGRAM = "from mebench.cli import main; main()"
SMALL = ("dataset=synthetic", "dataset.subjects=3", "dataset.videos=1", "dataset.frames=60", "dataset.size=96")
SHORT = (*SMALL, "method.epochs_spot=1", "method.epochs_recognition=1", "protocol.folds=3")
TRUTH = "video,subject,kind,onset,offset\na,s1,micro,10,30\nb,s2,micro,20,40\n"
PREDICTIONS = {
    "mine.csv": "video,kind,onset,offset,confidence\na,micro,11,29,0.9\nb,micro,60,80,0.5\n",
    "other.csv": "video,kind,onset,offset,confidence\na,micro,12,29,0.8\nb,micro,21,41,0.7\n",
}
FILM = "films/me-cuts/cuts/sub01-1.mp4"


@dataclass(frozen=True)
class Step:
    """A command with the exit codes that it may have."""

    words: tuple[str, ...]
    codes: tuple[int, ...] = (0,)


STEPS = (
    Step(("--help",)),
    Step(("list",)),
    Step(("info", "mean")),
    Step(("doctor",)),
    Step(("config", "show", "method=mean", "dataset=synthetic")),
    Step(("run", "method=random", *SMALL)),
    Step(("run", "method=random", *SMALL, "seed=1", "sandbox=on"), (0, 2)),  # 2 where the system has no full isolation
    Step(("run", "--example", "first_run", *SHORT)),
    Step(("runs", "list")),
    Step(("runs", "show", "mean")),
    Step(("runs", "verify", "mean")),
    Step(("resume", "mean")),
    Step(("report", "mean")),
    Step(("predictions", "export", "mean", "-o", "exported.csv")),
    Step(("score", "--truth", "truth.csv", "--predictions", "mine.csv")),
    Step(("compare", "--truth", "truth.csv", "mine.csv", "other.csv")),
    Step(("leaderboard", "build", "--tables-only")),
    Step(("leaderboard", "build")),
    Step(("data", "fake", "dataset=meview", "--out", "films")),
    Step(("data", "verify", "dataset=meview", "dataset.root=films"), (0, 1)),  # 1: drawn faces are not the real films
    Step(("spot", FILM, "-o", "spotted")),
    Step(("track", "sync")),
    Step(("cache", "info")),
)


def walk(folder: Path) -> list[str]:
    """What is wrong with the steps, taken in a folder; nothing if each ends as it should."""
    for name, text in {"truth.csv": TRUTH, **PREDICTIONS}.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    faults = []
    for step in STEPS:
        ran = subprocess.run([sys.executable, "-c", PROGRAM, *step.words], cwd=folder, capture_output=True)
        printed = (ran.stdout + ran.stderr).decode("utf-8", "replace")
        last = next((line for line in reversed(printed.splitlines()) if line.strip()), "")
        print(f"{ran.returncode:3} mebench {' '.join(step.words)[:60]:60} {last[:100]}", flush=True)
        if ran.returncode not in step.codes:
            faults.append(f"mebench {' '.join(step.words)} ended with {ran.returncode}:\n{printed[-2000:]}")
    return faults


def main() -> None:
    """Walk in the named folder, or in one that goes afterwards."""
    if len(sys.argv) > 1:
        place = Path(sys.argv[1])
        place.mkdir(parents=True, exist_ok=True)
        faults = walk(place)
    else:
        with TemporaryDirectory() as folder:
            faults = walk(Path(folder))
    if faults:
        raise SystemExit("\n\n".join(faults))


if __name__ == "__main__":
    main()
