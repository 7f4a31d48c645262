"""Random pairs of files against a count by brute force in exact fractions, from the text of the files to the scores."""

import random
from fractions import Fraction

import pytest

from mebench.exchange import join as exchange_join
from mebench.exchange.intervals import read_intervals
from mebench.exchange.join import Rules
from mebench.exchange.text_table import Remarks
from mebench.metrics.summary import summarize
from tests.helpers.nightly import NIGHTLY

HALF = Fraction(1, 2)
KINDS = ("micro", "macro")
COLUMNS = ("subject", "video", "kind", "onset", "offset", "confidence")


def draw(rng):
    """Truths and answers by video and kind, of an answer its confidence too; a video with None was not processed."""
    true, spotted = {}, {}
    sure = rng.sample(range(1000), 200)
    for video in [(str(s), f"v{v}") for s in range(rng.randint(1, 4)) for v in range(rng.randint(1, 3))]:
        for kind in KINDS:
            onsets = [rng.randint(0, 40) for _ in range(rng.choice([0, 0, 1, 2, 3]))]
            true[video, kind] = sorted({(a, a + rng.randint(1, 12)) for a in onsets})
            near = [(a + rng.randint(-3, 3), b + rng.randint(-3, 3)) for a, b in true[video, kind] for _ in range(2)]
            near += [(a, a + rng.randint(1, 12)) for a in onsets]
            kept = {(a, b) for a, b in near if b > a and rng.random() < 0.6}
            listed = kept or rng.random() < 0.5
            spotted[video, kind] = [(a, b, sure.pop() / 1000) for a, b in sorted(kept)] if listed else None
    return true, spotted


def text(rows, rng):
    """A table as some program writes it: its separator, its order of rows, numbers of rows with and without a heading."""
    rng.shuffle(rows)
    separator, numbers = rng.choice(",;\t"), rng.choice(["none", "headed", "bare"])
    lines = [list(COLUMNS), *([str(cell) for cell in row] for row in rows)]
    if numbers != "none":
        begin = rng.choice([0, 1])
        header, *others = lines
        numbered = [[str(n), *line] for n, line in enumerate(others, begin)]
        lines = [["", *header] if numbers == "headed" else header, *numbered]
    return "\n".join(separator.join(line) for line in lines) + "\n"


def files(true, answers, rng):
    """The two texts; both count frames from 0, from 1 or by file number."""
    first = rng.choice([0, 1, 5550])
    truth = [(*v, k, a + first, b + first, "") for (v, k), spans in true.items() for a, b in spans]
    truth += [(*video, "", "", "", "") for video in {video for video, _ in true}]
    spotted = [(*v, k, a + first, b + first, c) for (v, k), spans in answers.items() for a, b, c in spans or ()]
    spotted += [(*v, k, "", "", "") for (v, k), spans in answers.items() if spans == []]
    return text(truth, rng), text(spotted, rng)


def iou(a, b):
    shared = len(set(range(a[0], a[1] + 1)) & set(range(b[0], b[1] + 1)))
    return Fraction(shared, a[1] - a[0] + b[1] - b[0] + 2 - shared)


def most(true, spotted):
    """The most pairs of an answer and a truth that hit, each used once: all ways are tried."""
    if not spotted:
        return 0
    hits = [n for n, span in enumerate(true) if iou(span, spotted[0]) >= HALF]
    return max([most(true, spotted[1:]), *(1 + most(true[:n] + true[n + 1 :], spotted[1:]) for n in hits)])


def precision_curve(true, spotted, kinds):
    """Area under the interpolated curve: the surest answer first, each takes the best truth that is still free."""
    free = {key: list(spans) for key, spans in true.items()}
    ranked = sorted(((c, key, (a, b)) for key, spans in spotted.items() for a, b, c in spans or ()), reverse=True)
    points = []
    hits = 0
    n = sum(len(spans) for key, spans in true.items() if key[1] in kinds)
    for rank, (_, key, span) in enumerate([row for row in ranked if row[1][1] in kinds], 1):
        near = [other for other in free[key] if iou(other, span) >= HALF]
        if near:
            free[key].remove(max(near, key=lambda other: (iou(other, span), -other[0])))
            hits += 1
        points.append((Fraction(hits, n), Fraction(hits, rank)))
    area, before = Fraction(0), Fraction(0)
    for place, (recall, _) in enumerate(points):
        area += (recall - before) * max(precision for _, precision in points[place:])
        before = recall
    return area


def ratio(a, b):
    return Fraction(a, b) if b else Fraction(0)


@pytest.mark.parametrize("seed", range(30 if NIGHTLY else 12))
def test_summarize_equals_hand_counts_of_random_files(seed, write):
    rng = random.Random(seed)
    true, answers = draw(rng)
    if not any(answers.values()):
        answers[next(iter(answers))] = [(90, 99, 0.5)]
    texts = files(true, answers, rng)
    remarks = Remarks()
    truth, spotted = (
        read_intervals(write(content, role), role, remarks) for content, role in zip(texts, ("truth", "predictions"))
    )
    tables = exchange_join.join_with_truth(truth, spotted, Rules(), remarks)

    strict, baseline = (
        summarize(tables, kinds=KINDS, classes=(), seed=0, convention=name, draws=0)["spotting"]
        for name in ("strict", "megc2020")
    )
    for name, kinds in (("micro", ["micro"]), ("macro", ["macro"]), ("overall", KINDS)):
        keys = [key for key in true if key[1] in kinds]
        n_true, n_answers = (sum(len(table[key] or ()) for key in keys) for table in (true, answers))
        tp = sum(most(true[key], [span[:2] for span in answers[key] or ()]) for key in keys)
        assert [strict[name][count] for count in ("tp", "fp", "fn")] == [tp, n_answers - tp, n_true - tp]
        if n_true:
            expected = {
                "precision": ratio(tp, n_answers),
                "recall": ratio(tp, n_true),
                "f1": ratio(2 * tp, n_true + n_answers),
            }
            if n_answers:
                expected["ap50"] = precision_curve(true, answers, kinds)
            for score, value in expected.items():
                assert strict[name]["scores"][score]["value"] == pytest.approx(float(value), abs=1e-12)
        # The baseline of 2020: every truth counts that anything hits, of the videos that were processed.
        processed = [key for key in keys if answers[key] is not None]
        found = sum(
            any(iou(span, other[:2]) >= HALF for other in answers[key]) for key in processed for span in true[key]
        )
        misses = sum(len(true[key]) for key in processed) - found
        assert [baseline[name][count] for count in ("tp", "fp", "fn")] == [found, n_answers - found, misses]
