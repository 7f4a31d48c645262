"""The cost of degradations for every committed method, for the page `degraded.md` beside it.

    python benchmarks/degraded.py FOLDER [--sets drawn clips maps] [--methods mean ...] [--kinds occlusion ...] [--maps DATA]
    python benchmarks/degraded.py FOLDER --write

Each method is trained once on a set of `SETS`; `mebench degrade` tests its models. FOLDER keeps runs and features, so the command goes on
where it was stopped, and given with more methods or kinds it computes these alone. `--write` makes `degraded.json` and the page's tables
of what is there. DATA is the folder of the public maps of MEGC 2019.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import mebench
from mebench.config import registry
from mebench.errors import MebenchError
from mebench.features.degradation import KINDS, SHAPES, degradation_names
from mebench.inference.robustness import measure_robustness
from mebench.output.progress import Progress
from mebench.output.table import Column, Table
from mebench.runner.execute import InterruptedRunError
from mebench.runs import RunFolder
from mebench.score_type import Score

DATA, PAGE = (Path(__file__).with_suffix(suffix) for suffix in (".json", ".md"))
BEGIN, END = "<!-- tables -->\n", "<!-- end -->\n"
Row = dict[str, Any]
STEPS = (5, 10)
DRAWN = ("dataset=synthetic", "dataset.preset=easy", "dataset.size=112", "protocol=kfold", "protocol.folds=2")
OWN = {
    "concat_cnn": ("method.features=motion",),
    "sfamnet": ("method.features=flow",),
    "softnet": ("method.lr=0.02",),
    "spotformer": ("method.epochs=60",),
    "htnet": ("method.preset=settled",),
    "causalnet": ("method.epochs=40",),
}
"""OpenFace says nothing of drawn faces, which have no depth. SOFTNet and SpotFormer spot nothing here with the settings for the board,
and as released HTNet trains 800 epochs and CausalNet 200.
"""


class Set(NamedTuple):
    """A dataset on which methods are tested.

    Attributes:
        title: of the table.
        about: what a reader must know.
        words: of a run.
        task: of the methods.
        strengths: that are tested.
        methods: those alone; all of the task where it is empty.
    """

    title: str
    about: str
    words: tuple[str, ...]
    task: str
    strengths: tuple[int, ...] = (3,)
    methods: tuple[str, ...] = ()


SETS = {
    "drawn": Set(
        "Spotters on drawn faces",
        "`dataset.preset=easy`, 10 people with one video of 120 frames each, `protocol=kfold` with two folds, strength 3, F1 of "
        "micro-expressions. With so few people only large losses are shown. The detector does not find the face of one of the ten "
        "videos in degraded frames, whatever the degradation, so its expressions count as missed there.",
        (*DRAWN, "dataset.subjects=10", "dataset.videos=1", "dataset.frames=120", "kinds=[micro]"),
        "spot",
    ),
    "clips": Set(
        "Recognizers on drawn faces",
        "`dataset.preset=easy`, 12 people with four short videos each, one micro-expression in each, `protocol=kfold` with two folds, "
        "strength 3, UAR of three classes. `dataset.seed=7` is the first of twelve seeds with eleven clips or more of each class.",
        (
            *DRAWN,
            *(
                "dataset.subjects=12",
                "dataset.videos=4",
                "dataset.frames=45",
                "dataset.short_videos=true",
                "dataset.seed=7",
                "scheme=megc2019",
            ),
            "kinds=[micro]",
        ),
        "recognize",
    ),
    "maps": Set(
        "Recognizers on the maps of MEGC 2019",
        "`dataset=megc2019_flow`, 442 clips of 68 people, `protocol=kfold` with five folds, maps of 28 by 28 pixels. `resolution:1` and "
        "`resolution:2` change no map, and `resolution:3` leaves 21 by 39 pixels, so that it makes maps narrower alone.",
        ("dataset=megc2019_flow", "protocol=kfold", "protocol.folds=5"),
        "recognize",
        (1, 2, 3, 4, 5),
        ("flow_svm", "logistic"),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="What degradations cost every committed method.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="+", default=["drawn", "clips"], choices=list(SETS))
    parser.add_argument("--methods", nargs="+", default=[])
    usual = [kind for kind in degradation_names() if kind not in SHAPES]  # occlusion draws one of the shapes
    parser.add_argument("--kinds", nargs="+", default=usual, choices=list(KINDS))
    parser.add_argument("--maps", default="", help="folder of the maps of MEGC 2019")
    parser.add_argument("--write", action="store_true", help="write JSON and page of what is there, and nothing else")
    options = parser.parse_args()
    sys.path.remove(str(Path(__file__).parent))  # its coverage.py is not the package that numba looks for
    if options.write:
        DATA.write_text(json.dumps(record(options.folder), indent=1) + "\n", "utf-8")
        PAGE.write_text(with_tables(PAGE.read_text("utf-8"), json.loads(DATA.read_text("utf-8"))), "utf-8")
        return
    for first in range(0, len(options.kinds), STEPS[0]):
        kinds = options.kinds[first : first + STEPS[0]]
        for name in options.sets:
            for method in methods_of(SETS[name], options.methods):
                start = time.monotonic()
                try:
                    test(options.folder, name, method, kinds, options.maps)
                    said = "done"
                except InterruptedRunError:
                    raise
                except MebenchError as error:
                    said = str(error)
                print(f"{name} {method} {','.join(kinds)}: {time.monotonic() - start:.0f} s, {said}", flush=True)


def methods_of(of: Set, asked: list[str]) -> list[str]:
    """The methods of a set, of those that are asked for."""
    able = [id_ for id_, info in registry.list_plugins("method").items() if info.config["tasks"][0] == of.task]
    return [m for m in of.methods or able if not asked or m in asked]


def test(folder: Path, name: str, method: str, kinds: list[str], maps: str) -> None:
    """Train a method on a set, where that is not done, and test it; its rows go to FOLDER/rows."""
    of, place = SETS[name], folder / "rows" / name / f"{method}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    there = json.loads(place.read_text("utf-8")) if place.exists() else {"rows": []}
    done = {(row["kind"], row["strength"]) for row in there["rows"]}
    strengths = {kind: of.strengths for kind in kinds if name != "maps" or KINDS[kind].maps}
    words = [f"{kind}:{n}" for kind, own in strengths.items() for n in own if (kind, n) not in done]
    if not words:
        return
    if "run" not in there:
        root = [f"dataset.root={maps}"] if name == "maps" else []
        common = [
            f"runs={folder / 'runs' / name}",
            f"cache={folder / 'cache'}",
            "keep=flow",  # which methods share
            "workers=1",
            "tracking=off",
            "bootstrap=200",
        ]
        there["run"] = str(mebench.run(f"method={method}", *OWN.get(method, ()), *of.words, *root, *common).path)
    found = measure_robustness(RunFolder(Path(there["run"])), ["blur:0", *words] if not done else words, 1, Progress())
    print(*(row["error"] for row in found if row["error"]), sep="\n", file=sys.stderr)
    there["rows"] += [{k: v for k, v in row.items() if k != "run"} for row in found if not row["error"]]
    place.write_text(json.dumps(there), "utf-8")


def record(folder: Path) -> list[dict[str, Any]]:
    """The content of the page: the main score of each set, for the kinds that all its methods were tested with."""
    found = []
    for name, of in SETS.items():
        path, methods = "spotting.micro.f1" if of.task == "spot" else "recognition.uar", {}
        for file in sorted((folder / "rows" / name).glob("*.json")):
            rows = json.loads(file.read_text("utf-8"))["rows"]
            methods[file.stem] = [
                row | {"scores": {path: shortened(row["scores"][path])}} for row in rows if "scores" in row
            ]
        tested = [{row["kind"] for row in rows if row["strength"]} for rows in methods.values()]
        everywhere = set[str].intersection(*tested) if tested else set[str]()
        methods = {m: [r for r in rows if not r["strength"] or r["kind"] in everywhere] for m, rows in methods.items()}
        if methods:
            found.append({"title": of.title, "about": of.about, "methods": methods})
    return found


def shortened(score: dict[str, Any]) -> dict[str, Any]:
    """A score with four digits, without the reasons why an interval is missing."""
    short: dict[str, Any] = {}
    for part, value in score.items():
        if isinstance(value, dict):
            short[part] = {end: _rounded(value[end]) for end in ("value", "low", "high")}
        else:
            short[part] = _rounded(value)
    return short


def _rounded(value: float | None) -> float | None:
    """A number with four digits."""
    return None if value is None else round(value, 4)


def with_tables(page: str, sets: list[dict[str, Any]]) -> str:
    """The page with the tables of all sets."""
    before, _, rest = page.partition(BEGIN)
    parts = [f"**{one['title']}.** {one['about']}\n\n" + "\n".join(tables_of(one["methods"])) for one in sets]
    return f"{before}{BEGIN}\n{chr(10).join(parts)}\n{END}{rest.partition(END)[2]}"


def tables_of(methods: Mapping[str, list[Row]]) -> list[str]:
    """The tables of a set: of each method where several strengths were tested, else of all methods and of all kinds."""
    tested = [row for rows in methods.values() for row in rows if row["strength"]]
    strengths = sorted({row["strength"] for row in tested})
    kinds = list(dict.fromkeys(row["kind"] for row in tested))
    if len(strengths) > 1:
        return [table_of_strengths(method, rows, kinds, strengths) for method, rows in methods.items()]
    halves = (kinds[:6], kinds[6:])
    return [
        *(table_of_methods(methods, half, strengths[0]) for half in halves),
        table_of_kinds(methods, kinds, strengths[0]),
    ]


def table_of_methods(methods: Mapping[str, list[Row]], kinds: list[str], strength: int) -> str:
    """The difference of each method under each kind."""
    columns = [Column("method", "method"), Column("clean", "clean", right=True)]
    columns += [Column(kind, kind, right=True, score=True, digits=3) for kind in kinds]
    cells = [
        [method, f"{clean_score(rows):.3f}", *(difference(rows, kind, strength) for kind in kinds)]
        for method, rows in methods.items()
    ]
    return Table(columns, cells).to_markdown() + "\n"


def table_of_kinds(methods: Mapping[str, list[Row]], kinds: list[str], strength: int) -> str:
    """The mean difference under each kind, the largest loss first, and the methods that are shown to lose."""
    losses = {kind: {method: difference(rows, kind, strength) for method, rows in methods.items()} for kind in kinds}
    mean = {kind: sum(each.value for each in of.values()) / len(of) for kind, of in losses.items()}
    losers = {kind: [method for method, each in of.items() if (each.high or 0) < 0] for kind, of in losses.items()}
    columns = [
        Column("kind", "kind"),
        Column("mean", "mean difference", right=True),
        Column("lose", "shown to lose by it"),
    ]
    ordered = sorted(kinds, key=mean.__getitem__)
    return (
        Table(columns, [[kind, f"{mean[kind]:.3f}", ", ".join(losers[kind]) or "–"] for kind in ordered]).to_markdown()
        + "\n"
    )


def table_of_strengths(method: str, rows: list[Row], kinds: list[str], strengths: list[int]) -> str:
    """The difference of one method under each kind and strength."""
    columns = [Column("kind", f"{method}, clean {clean_score(rows):.3f}")]
    columns += [Column(str(n), f"strength {n}", right=True, score=True, digits=3) for n in strengths]
    return (
        Table(columns, [[kind, *(difference(rows, kind, n) for n in strengths)] for kind in kinds]).to_markdown() + "\n"
    )


def difference(rows: list[Row], kind: str, strength: int) -> Any:
    """The difference of the one score under a kind, with its interval; None if it was not tested."""
    found = (row for row in rows if (row["kind"], row["strength"]) == (kind, strength))
    plain = next((next(iter(row["scores"].values()))["difference"] for row in found), None)
    return None if plain is None else Score.from_plain(plain)


def clean_score(rows: list[Row]) -> float:
    """The score of the clean run."""
    value: float = next(iter(rows[0]["scores"].values()))["score"]["value"]
    return value


if __name__ == "__main__":
    main()
