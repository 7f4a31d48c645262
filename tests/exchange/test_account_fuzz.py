"""Any file and its truth: what is taken and left out is what is there, and no score gains by an unknown name."""

import json
import random
from contextlib import suppress

import pandas as pd
import pytest

from mebench.errors import DataError
from mebench.exchange import join as exchange_join
from mebench.exchange.intervals import read_intervals
from mebench.exchange.join import Rules
from mebench.exchange.text_table import Remarks
from mebench.metrics.summary import summarize
from tests.helpers.nightly import NIGHTLY

SEEDS = range(200 if NIGHTLY else 12)
VIDEOS = [(f"{person}", f"v{clip}") for person in range(1, 5) for clip in (1, 2)]


def drawn_rows(rng, n):
    """Rows of intervals in known videos."""
    rows = []
    for _ in range(n):
        subject, video = rng.choice(VIDEOS)
        onset = rng.randint(0, 400)
        rows.append([subject, video, str(onset), str(onset + rng.randint(5, 30)), f"{rng.random():.4f}"])
    return rows


def mutated(rng, rows):
    """The rows repeated, dropped, reordered, with names of their own, notes and the header in between."""
    rows = [list(row) for row in rows]
    for _ in range(rng.randint(0, 6)):
        what, place = rng.choice(["repeat", "drop", "rename", "note", "header", "blank"]), rng.randrange(len(rows))
        if what == "repeat":
            rows.insert(rng.randrange(len(rows)), list(rows[place]))
        elif what == "drop" and len(rows) > 3:
            del rows[place]
        elif what == "rename" and rows[place][0].isdigit():
            rows[place][0] = "77"
        elif what == "note":
            rows.append(["Total", "", str(len(rows)), "", ""])
        elif what == "header":
            rows.insert(place, ["subject", "video", "onset", "offset", "confidence"])
        elif what == "blank":
            rows.insert(place, [])
    return rows


@pytest.mark.parametrize("seed", SEEDS)
def test_account_of_rows_is_complete(write, seed):
    rng = random.Random(seed)
    rows = mutated(rng, drawn_rows(rng, rng.randint(4, 20)))
    separator = rng.choice(",;\t")
    text = "".join(separator.join(row) + "\n" for row in [["subject", "video", "onset", "offset", "confidence"], *rows])
    for role in ("predictions", "truth"):
        remarks = Remarks()
        given = read_intervals(write(text), role, remarks)
        entry = next(e for e in remarks.account if e["unit"] == "row")
        assert entry["held"] == sum(bool(row) for row in rows)
        assert entry["taken"] + sum(part["n"] for part in entry["left_out"]) == entry["held"]
        assert entry["taken"] == len(given.intervals)


@pytest.mark.parametrize("seed", SEEDS)
def test_account_of_an_object_loses_no_interval(write, seed):
    rng = random.Random(seed)
    spans = [(rng.choice("abc"), onset, onset + 9) for onset in rng.sample(range(500), rng.randint(1, 9))]
    videos = [f"{json.dumps(video)}: [[{onset}, {offset}]]" for video, onset, offset in spans]
    extra = [f'"{name}": {value}' for name, value in rng.sample([("seed", 3), ("note", '"mine"')], rng.randint(0, 2))]
    text = f'{{"results": {{{", ".join(videos)}}}{"".join(", " + part for part in extra)}}}'
    remarks = Remarks()
    given = read_intervals(write(text, "p.json"), "predictions", remarks)
    assert sorted(given.intervals["onset"]) == sorted(onset for _, onset, _ in spans)
    names = next(e for e in remarks.account if e["unit"] == "name")
    assert (names["held"], names["taken"]) == (1 + len(extra), 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_score_never_gains_by_an_unknown_name(write, seed):
    rng = random.Random(seed)
    truth = "subject,video,onset,offset,n_frames,fps\n"
    truth += "".join(f"{s},{v},{n * 40},{n * 40 + 12},1000,25\n" for n, (s, v) in enumerate(VIDEOS))
    known = [
        [s, v, str(n * 40 + rng.randint(0, 9)), str(n * 40 + 14), f"{rng.random():.4f}"]
        for n, (s, v) in enumerate(VIDEOS)
    ]
    known += drawn_rows(rng, rng.randint(0, 5))
    strange = [list(row) for row in known]
    for place in rng.sample(range(len(known)), rng.randint(1, 3)):
        strange[place][rng.randrange(2)] = "99"
    extra = [*known, ["99", "x", "1", "9", "0.99"]]
    before, renamed, added = (summary_of(write, truth, rows) for rows in (known, strange, extra))
    for after in (renamed, added):
        assert after["people"] == before["people"]
        for name in ("precision", "recall", "f1", "ap50", "ap"):
            assert after[name] <= before[name] + 1e-12, name
        assert after["fp_per_minute"] >= before["fp_per_minute"] - 1e-12


def summary_of(write, truth, rows):
    """The scores of some rows, and the number of people behind them."""
    text = "subject,video,onset,offset,confidence\n" + "".join(",".join(row) + "\n" for row in rows)
    remarks = Remarks()
    given = read_intervals(write(text, "p.csv"), "predictions", remarks)
    tables = exchange_join.join_with_truth(
        read_intervals(write(truth, "t.csv"), "truth", remarks), given, Rules(), remarks
    )
    summary = summarize(tables, kinds=["micro"], classes=[], seed=0, draws=0)
    people = tables.put_in_order().videos.query("in_truth")["unit"].nunique()
    return {name: score["value"] or 0 for name, score in summary["spotting"]["micro"]["scores"].items()} | {
        "people": people
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_read_intervals_of_any_value_reads_or_names(write, seed):
    """A value of any form is read or refused in a sentence, never another error."""
    rng = random.Random(seed)
    for _ in range(20):
        text = json.dumps(any_value(rng, 3))
        with suppress(DataError):
            read_intervals(write(text, "p.json"), "predictions", Remarks())


def any_value(rng, depth):
    """A value that looks a little like answers."""
    names = ["a", "video", "onset", "offset", "results", "columns", "data", "micro", "segment", "annotations", "score"]
    if depth == 0 or rng.random() < 0.25:
        return rng.choice([3, 9, 0.5, "a", "micro", None, True, [], {}])
    if rng.random() < 0.5:
        return [any_value(rng, depth - 1) for _ in range(rng.randint(0, 3))]
    return {rng.choice(names): any_value(rng, depth - 1) for _ in range(rng.randint(0, 4))}


def test_account_of_a_data_frame_is_complete():
    table = pd.DataFrame({"video": ["a", "b", ""], "onset": [1, 5, None], "offset": [9, 12, None]})
    from mebench import score

    scores = score(table, pd.DataFrame({"video": ["a", "b"], "onset": [1, 5], "offset": [9, 12]}), bootstrap=0)
    (truth, said) = sorted((e for e in scores.account if e["unit"] == "row"), key=lambda e: e["source"], reverse=True)
    assert (truth["held"], truth["taken"]) == (2, 2)
    assert said["held"] == said["taken"] + sum(part["n"] for part in said["left_out"])
