"""Where the scores of drawn boards come from: one change of the generator at a time, for spotters of different families.

    python benchmarks/causes.py FOLDER [--variants base crf23 ...] [--methods abpn mean ...] [--workers 2] [--forget]
    python benchmarks/causes.py --page

Each variant is `dataset.preset=board` of fewer people with the changes of `VARIANTS`; `field` is that preset, of as many. A row of
`benchmarks/causes.csv` is a method on a variant; rows that are there already are not computed again, so the command goes on where it was
stopped. FOLDER keeps the features, about 3 GB a variant; `--forget` deletes those of a variant once its rows are there. `--page` writes the
tables of `benchmarks/drawn_faces.md` and `docs/understand/field.md` from these rows, and from the committed table of the whole `field`.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

import mebench
from mebench.reports.learning_curve import gain_of_doubling

ROOT = Path(__file__).parent.parent
CSV = ROOT / "benchmarks" / "causes.csv"
PAGES = (ROOT / "benchmarks" / "drawn_faces.md", ROOT / "docs" / "understand" / "field.md")
"""The report of the experiment, and the page for those who use `field`."""
TABLE = ROOT / "leaderboards" / "tables" / "spotting-synthetic-kfold-preset_field_protocol_folds_2.json"
SIZE = ("dataset.subjects=12", "dataset.videos=2", "protocol.folds=3")
VARIANTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "base": ("`board`, 12 people", ()),
    "crf18": ("H.264 at crf 18", ("dataset.crf=18",)),
    "crf23": ("H.264 at crf 23", ("dataset.crf=23",)),
    "crf28": ("H.264 at crf 28", ("dataset.crf=28",)),
    "coders04": ("coders err by .04 s", ("dataset.label_jitter=0", "dataset.coder_error=0.04")),
    "coders08": ("coders err by .08 s", ("dataset.label_jitter=0", "dataset.coder_error=0.08")),
    "samm_lv": (
        "lengths and strengths as in SAMM-LV",
        ("dataset.expressions=samm_lv", "dataset.intensity=[0.05,0.8]"),
    ),
    "head1.5": (
        "head x1.5, near camera",
        ("dataset.head=0.675", "dataset.rotation=0.225", "dataset.yaw=0.45", "dataset.camera=6"),
    ),
    "head2": (
        "head x2, near camera",
        ("dataset.head=0.9", "dataset.rotation=0.3", "dataset.yaw=0.6", "dataset.camera=6"),
    ),
    "landmarks": ("landmarks as dlib finds them", ("dataset.landmark_noise=1.8",)),
    "density": ("densities of SAMM-LV", ("dataset.frames=760", "dataset.micros=3.9", "dataset.macros=8.3")),
    "density_cas_me2": ("densities of CAS(ME)²", ("dataset.frames=2280", "dataset.micros=0.41", "dataset.macros=2.2")),
    "macro_third": ("a third of the macro-expressions", ("dataset.macros=2.7",)),
    "people5": ("5 people train", ("dataset.subjects=10", "protocol.folds=2")),
    "people15": ("15 people train", ("dataset.subjects=20", "protocol.folds=4")),
    "people54": ("54 people train", ("dataset.subjects=60", "protocol.folds=10")),
    "field": ("`field`, 12 people", ()),
    "field_coders06": ("`field`, coders err by .06 s", ("dataset.coder_error=0.06",)),
    "field_crf28": ("`field` at crf 28", ("dataset.crf=28",)),
}
"""How the page names each, and what it changes."""
PEOPLE = {5: "people5", 8: "base", 15: "people15", 54: "people54"}
"""The variants of a learning curve, by the number of people who train in a fold."""
WHOLE = "`field`, all 60 people"
SETTINGS: dict[str, tuple[str, ...]] = {
    "abpn": (),
    "auw_gcn": (),
    "spotformer": (),
    "me_tst": (),
    "softnet": ("method.lr=0.02",),  # with the preset's .002 it learns nothing on so few people
    "mean": (),
    "linear_spotter": (),
    "optical_strain": (),
    "of_fd": (),  # from here on the held-out half
    "tsmsnet": (),
    "concat_cnn": ("method.features=motion",),
    "mtsn": (),
    "mdmd": (),
}
"""Spotters, and settings of each beside those for the synthetic dataset."""
HELD_OUT = ("of_fd", "tsmsnet", "concat_cnn", "mtsn", "mdmd")
"""The spotters that judge `field`: nothing was chosen by them."""
PUBLISHED = {
    "auw_gcn": ("AUW-GCN", "samm_lv"),
    "softnet": ("SOFTNet", "samm_lv"),
    "mean": ("MEAN", "samm_lv"),
    "optical_strain": ("Optical strain (Gan)", "cas_me2"),
    "of_fd": ("OF-FD", "samm_lv"),
    "tsmsnet": ("TSMSNet", "samm_lv"),
    "concat_cnn": ("Concat-CNN (Yang)", "samm_lv"),
    "mtsn": ("MTSN", "samm_lv"),
    "mdmd": ("MDMD", "samm_lv"),
}
"""The name of each in `leaderboards/published.csv`, and the dataset whose micro-F1 is compared: the strain has none on SAMM-LV."""
SCORES = ("f1", "recall", "precision", "fp_per_minute", "fp_per_macro", "fp_elsewhere", "f1@samm_lv", "f1@cas_me2")
COLUMNS = ("variant", "method", "seed", "settings", "tp", "fp", "fn", *SCORES, "low", "high")
LEAST = 0.01
"""The least F1 in a ratio."""
Row = Mapping[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description="Where the scores of drawn boards come from.")
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument(
        "--methods", nargs="+", default=[m for m in SETTINGS if m not in HELD_OUT], choices=list(SETTINGS)
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--csv", type=Path, default=CSV)
    parser.add_argument("--forget", action="store_true", help="delete a variant's features once its rows are there")
    parser.add_argument("--page", action="store_true", help="write the tables of both pages, and nothing else")
    options = parser.parse_args()
    if options.page:
        for page in PAGES:
            page.write_text(with_tables(page.read_text("utf-8"), read(options.csv)), "utf-8")
        return
    if options.folder is None:
        parser.error("name a FOLDER for runs and features, or give --page")
    for variant in options.variants:
        # Variants that change coders or people have the pictures of the one that they change.
        unnumbered = variant.rstrip("0123456789")
        pictures = {"coders": "base", "people": "base", "field_coders": "field"}.get(unnumbered, variant)
        cache = options.folder / "cache" / pictures
        for method in options.methods:
            rows = read(options.csv)
            if any((r["variant"], r["method"], r["seed"]) == (variant, method, str(options.seed)) for r in rows):
                continue
            preset = "field" if variant.startswith("field") else "board"
            words = [f"method={method}", *SETTINGS[method], "dataset=synthetic", f"dataset.preset={preset}", *SIZE]
            words += [*VARIANTS[variant][1], "kinds=[micro]", "protocol=kfold", f"seed={options.seed}", "tracking=off"]
            words += [f"runs={options.folder / 'runs'}", f"cache={cache}", f"workers={options.workers}"]
            write_rows(options.csv, [*rows, measured(variant, method, options.seed, words)])
        if options.forget:
            shutil.rmtree(cache, ignore_errors=True)


def write_rows(file: Path, rows: Sequence[Row]) -> None:
    """Write a table of rows, sorted by variant, method and seed."""
    variants, methods = list(VARIANTS), list(SETTINGS)
    ordered = sorted(rows, key=lambda r: (variants.index(r["variant"]), methods.index(r["method"]), int(r["seed"])))
    with file.open("w", newline="") as table:
        writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(ordered)


def read(file: Path) -> list[Row]:
    """The rows that are there."""
    return list(csv.DictReader(file.read_text("utf-8").splitlines())) if file.exists() else []


def measured(variant: str, method: str, seed: int, words: Sequence[str]) -> Row:
    """A row: what a run says of one method on one variant."""
    settings = " ".join([*VARIANTS[variant][1], *SETTINGS[method]])
    found = row(variant, method, seed, settings, mebench.run(*words).summary["spotting"]["micro"])
    print(variant, method, json.dumps(found), file=sys.stderr, flush=True)
    return found


def row(variant: str, method: str, seed: int, settings: str, micro: Mapping[str, Any]) -> Row:
    """A row of the scores of micro-expressions in a summary."""
    counts = {name: micro[name] for name in ("tp", "fp", "fn")}
    return (
        {"variant": variant, "method": method, "seed": seed, "settings": settings} | counts | values_of(micro["scores"])
    )


def values_of(scores: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row, and the ends of the interval of F1."""
    values = {name: scores[name]["value"] for name in SCORES} | {end: scores["f1"][end] for end in ("low", "high")}
    rounded = {}
    for name, value in values.items():
        rounded[name] = "" if value is None else round(value, 4)
    return rounded


def whole() -> list[Row]:
    """Rows of the whole `field` in two folds, in the order of `SETTINGS`: means over seeds, from the committed table."""
    (part,) = (part for part in json.loads(TABLE.read_text("utf-8"))["parts"] if part["name"] == "micro")
    measured = [row for row in part["rows"] if row["provenance"] == "measured"]
    rows: list[Row] = []
    for method in SETTINGS:
        of_method = [row for row in measured if row["method"] == method]
        rows += [{"variant": WHOLE, "method": method} | values_of(row["scores"]) for row in of_method]
    return rows


def published() -> dict[str, float]:
    """Published F1 of micro-expressions by method, in its own protocol where several are printed."""
    found: dict[str, float] = {}
    for row in csv.DictReader((ROOT / "leaderboards" / "published.csv").read_text("utf-8").splitlines()):
        if row["task"] == "spotting" and (row["kind"], row["metric"], row["method_variant"]) == ("micro", "f1", ""):
            for method, place in PUBLISHED.items():
                if place == (row["method"], row["dataset"]):
                    found.setdefault(method, float(row["value"]))
    return found


def agreement(rows: Iterable[Row], methods: Iterable[str]) -> tuple[int, float, float, float]:
    """Of the methods with a published value: number, mean of the log ratio to it, largest factor off, Spearman's correlation."""
    known = published()
    pairs = [
        (float(r[f"f1@{PUBLISHED[r['method']][1]}"]), known[r["method"]])
        for r in rows
        if r["method"] in set(methods) & set(known)
    ]
    ours, theirs = np.maximum(np.array(pairs).reshape(-1, 2).T, LEAST)
    logs = np.log(ours / theirs)
    rank = float(stats.spearmanr(ours, theirs).statistic) if len(pairs) > 2 else np.nan
    return (
        len(pairs),
        float(logs.mean()) if pairs else np.nan,
        float(np.exp(np.abs(logs).max())) if pairs else np.nan,
        rank,
    )


def tables(rows: Sequence[Row]) -> dict[str, str]:
    """The tables of the page, by the name of their place."""
    named = [{**row, "variant": VARIANTS[row["variant"]][0]} for row in rows]
    by_variant: dict[str, list[Row]] = {}
    for row in [*named, *whole()]:
        by_variant.setdefault(row["variant"], []).append(row)
    made = {
        "f1": _table_of_f1(by_variant),
        "agreement": _table_of_agreement(by_variant),
        "published": _table_of_published(by_variant),
        "people": _table_of_people(by_variant),
    }
    return {name: "\n".join(lines) for name, lines in made.items()}


def _table_of_f1(by_variant: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    """F1 of each method, a line for each variant."""
    methods = [row["method"] for row in by_variant.get(VARIANTS["base"][0], ())]
    yield f"| change | {' | '.join(f'`{method}`' for method in methods)} |"
    yield f"|---|{'---|' * len(methods)}"
    for variant, own in by_variant.items():
        f1 = {row["method"]: _n(row["f1"]) for row in own}
        yield f"| {variant} | {' | '.join(f1.get(method, '') for method in methods)} |"


def _table_of_agreement(by_variant: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    """How far each variant is from published values."""
    yield "| change | methods with a published value | mean log ratio | largest factor off | Spearman |"
    yield "|---|---|---|---|---|"
    for variant, own in by_variant.items():
        n, log, factor, rank = agreement(own, PUBLISHED)
        if n:
            spearman = "" if np.isnan(rank) else _n(rank, True)
            yield f"| {variant} | {n} | {_n(log, True)} | {factor:.1f} | {spearman} |"


def _table_of_published(by_variant: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    """The published value of each method beside those on three drawn boards."""
    known = published()
    shown = (VARIANTS["base"][0], VARIANTS["field"][0], WHOLE)
    yield f"| method | half | published | {' | '.join(shown)} | factor |"
    yield "|---|---|---|---|---|---|---|"
    for method, (name, dataset) in PUBLISHED.items():
        ours = [_score_of(by_variant.get(variant, ()), method, f"f1@{dataset}") for variant in shown]
        last = ours[-1]
        factor = "" if last is None else _n(max(last, LEAST) / max(known[method], LEAST))
        half = "held out" if method in HELD_OUT else "calibrated on"
        cells = [f"`{method}`", half, f"{_n(known[method])} ({name}, {dataset})", *map(_n_or_blank, ours), factor]
        yield f"| {' | '.join(cells)} |"


def _n_or_blank(value: float | None) -> str:
    """A score in a cell; empty without one."""
    return "" if value is None else _n(value)


def _table_of_people(by_variant: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    """F1 over the number of training people, and what twice as many bring, as `mebench curve` says it."""
    of_people = {n: by_variant.get(VARIANTS[variant][0], ()) for n, variant in PEOPLE.items()}
    most = max(PEOPLE)
    yield f"| method | {' | '.join(f'{n} people' for n in PEOPLE)} | twice as many bring | {2 * most} people would have |"
    yield f"|---|{'---|' * (len(PEOPLE) + 2)}"
    for method in SETTINGS:
        scores = {n: _score_of(rows, method, "f1") for n, rows in of_people.items()}
        known = {n: score for n, score in scores.items() if score is not None}
        if len(known) < len(PEOPLE):
            continue
        gain = gain_of_doubling(known)
        cells = [
            f"`{method}`",
            *map(_n, known.values()),
            _n(round(gain, 2) + 0.0, True),
            _n(min(known[most] + gain, 1.0)),
        ]
        yield f"| {' | '.join(cells)} |"


def _score_of(rows: Iterable[Row], method: str, score: str) -> float | None:
    """A score of a method among the rows of a variant; None if it has no row."""
    return next((float(row[score]) for row in rows if row["method"] == method), None)


def with_tables(page: str, rows: Sequence[Row]) -> str:
    """A page with the tables where it names them."""
    named = {name: table for name, table in tables(rows).items() if f"<!-- {name} -->" in page}
    for name, table in named.items():
        start, end = f"<!-- {name} -->\n", "<!-- end -->"
        before, _, rest = page.partition(start)
        page = f"{before}{start}\n{table}\n\n{end}{rest.partition(end)[2]}"
    return page


def _n(value: str | float, sign: bool = False) -> str:
    """A number as the page writes it: without a zero before the point."""
    if value == "":
        return ""
    number = float(value)
    if abs(number) >= 1:
        return f"{number:.1f}"
    text = f"{number:+.2f}" if sign else f"{number:.2f}"
    return text.replace("0.", ".", 1)


if __name__ == "__main__":
    main()
