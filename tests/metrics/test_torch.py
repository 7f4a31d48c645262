"""The metrics for Lightning beside the functions that score a run, and beside other libraries."""

import copy
import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import assume, example, given, strategies as st
from sklearn.metrics import f1_score, recall_score
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassF1Score, MulticlassRecall

from mebench.core import Expression, Prediction
from mebench.errors import ConfigError, DataError
from mebench.metrics import Tables, spotting_scores
from mebench.metrics.conventions import CONVENTIONS, Convention
from mebench.metrics.summary import summarize
from mebench.metrics.tables import of_kinds
from mebench.metrics.torch import STRS, UAR, UF1, SpottingF1
from tests.helpers import plain_rules as plain
from tests.helpers.nightly import nightly

ROOT = Path(__file__).parents[2]
CLASSES = ("fear", "joy", "awe")
MINE = Convention("mine", classes="all")
"""As `strict`, but over all classes that were named."""

# -- named clips --------------------------------------------------------------------------------------------------------------

ANSWERS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=12)


def in_batches(metric, predicted, truth, size=4):
    for start in range(0, len(truth), size):
        metric.update(torch.tensor(predicted[start : start + size]), torch.tensor(truth[start : start + size]))
    return float(metric.compute())


@given(ANSWERS)
def test_UF1_and_UAR_equal_scikit_learn(answers):
    predicted, truth = zip(*answers)
    occurring = sorted(set(truth))
    options = {"labels": occurring, "average": "macro", "zero_division": 0}
    assert in_batches(UF1(3), predicted, truth) == pytest.approx(f1_score(truth, predicted, **options))
    assert in_batches(UAR(3), predicted, truth) == pytest.approx(recall_score(truth, predicted, **options))
    options["labels"] = [0, 1, 2]
    assert in_batches(UF1(3, MINE), predicted, truth) == pytest.approx(f1_score(truth, predicted, **options))
    assert in_batches(UAR(3, MINE), predicted, truth) == pytest.approx(recall_score(truth, predicted, **options))


@given(ANSWERS, st.sampled_from(["strict", "mean2022"]))
def test_UF1_and_UAR_equal_summarize(answers, convention):
    predicted, truth = zip(*answers)
    tables = plain.tables([], [], ["d/s/v"])
    clips = pd.DataFrame(
        {"video": "d/s/v", "truth": [CLASSES[t] for t in truth], "predicted": [CLASSES[s] for s in predicted]}
    )
    tables = Tables(tables.videos, tables.truths, clips=clips)
    scores = summarize(tables, kinds=[], classes=CLASSES, seed=0, draws=1, convention=convention)["recognition"][
        "scores"
    ]
    for name, metric in (("uf1", UF1), ("uar", UAR)):
        expected = np.nan if scores[name]["value"] is None else scores[name]["value"]
        assert in_batches(metric(3, convention), predicted, truth) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("metric", "reference"),
    [(UF1(3), MulticlassF1Score(3, average="macro")), (UAR(3), MulticlassRecall(3, average="macro"))],
)
def test_UF1_and_UAR_pool_batches_as_torchmetrics(metric, reference):
    generator = torch.Generator().manual_seed(0)
    for size in (5, 17, 8):
        scores, truth = torch.rand(size, 3, generator=generator), torch.randint(3, (size,), generator=generator)
        alone = copy.deepcopy(reference)
        alone.reset()
        assert float(metric(scores, truth)) == pytest.approx(float(alone(scores, truth)))  # forward: of the batch
        reference.update(scores, truth)
    assert float(metric.compute()) == pytest.approx(float(reference.compute()))
    assert copy.deepcopy(metric).compute() == pickle.loads(pickle.dumps(metric)).compute() == metric.compute()
    metric.reset()
    metric.update(torch.tensor([0, 1, 2]), torch.tensor([0, 1, 2]))
    assert metric.compute() == 1


def test_UF1_leaves_out_other_classes_and_counts_none_as_wrong():
    metric = UF1(2)
    metric.update(torch.tensor([0, 1, 5, 0]), torch.tensor([0, 1, 1, -1]))
    assert float(metric.compute()) == pytest.approx((1 + 2 / 3) / 2)


@pytest.mark.parametrize("metric", [UF1(3), SpottingF1(), STRS(CLASSES)], ids=lambda metric: type(metric).__name__)
def test_UF1_and_UAR_of_nothing_are_nan(metric):
    with pytest.warns(UserWarning, match="before the ``update``"):
        score = metric.compute()
    assert torch.isnan(score)


@pytest.mark.parametrize(
    ("preds", "target"), [((4, 2), (4,)), ((4,), (3,)), ((4, 3), (4, 3)), ((4, 3, 1), (4,))], ids=str
)
def test_UF1_and_UAR_refuse_other_shapes(preds, target):
    with pytest.raises(DataError, match=r"scores \(n, 3\) are expected"):
        UF1(3).update(torch.zeros(preds), torch.zeros(target))


# -- spotted intervals --------------------------------------------------------------------------------------------------------

SPANS = st.tuples(st.integers(0, 40), st.integers(0, 12)).map(lambda place: (place[0], sum(place)))
KIND = st.sampled_from(["micro", "macro"])
TRUTHS = st.lists(st.tuples(SPANS, KIND, st.sampled_from([*CLASSES, "contempt", None])), max_size=4)
SPOTTED = st.lists(st.tuples(SPANS, KIND, st.sampled_from(CLASSES), st.integers(0, 3)), max_size=5)
VIDEOS = st.lists(st.tuples(TRUTHS, SPOTTED), min_size=1, max_size=5)
RULES = st.sampled_from(
    [MINE, *(CONVENTIONS[name] for name in ("strict", "softnet2021", "megc2020", "li2017", "activitynet"))]
)


def tables_of(videos):
    """One table of truths and one of predictions, with the names of the videos."""
    names = [f"d/s{number % 2}/v{number}" for number in range(len(videos))]
    truths = [plain.rows("", []), *(truth_rows(name, rows) for name, (rows, _) in zip(names, videos))]
    spotted = [spotted_rows("", []), *(spotted_rows(name, rows) for name, (_, rows) in zip(names, videos))]
    empty = plain.tables([], [], names)
    return Tables(empty.videos, pd.concat(truths, ignore_index=True), pd.concat(spotted, ignore_index=True))


def truth_rows(name, rows):
    kinds = [kind for _, kind, _ in rows]
    return plain.rows(name, [span for span, *_ in rows], [emotion for *_, emotion in rows], kinds)


def spotted_rows(name, rows):
    table = plain.rows(name, [span for span, *_ in rows], [emotion for *_, emotion, _ in rows])
    return table.assign(kind=[kind for _, kind, *_ in rows], confidence=[float(sure) for *_, sure in rows], draw=0)


ONLY_FALSE_ALARM = [([], [((0, 0), "micro", "fear", 0)])]


@example(ONLY_FALSE_ALARM, MINE, ("micro",), 1)
@given(VIDEOS, RULES, st.sampled_from([("micro",), ("macro",), ("micro", "macro")]), st.integers(1, 5))
def test_SpottingF1_of_batches_equals_one_table(videos, rules, kinds, size):
    tables = tables_of(videos)
    ordered = tables.put_in_order()
    chosen = [of_kinds(table, kinds) for table in (ordered.truths, ordered.predictions)]
    expected = spotting_scores.count_spotting(*chosen, np.full(2, np.nan), rules).compute_f1(np.ones((1, 2)))[0]
    metric = SpottingF1(kinds, rules)
    names = tables.videos["video"].tolist()
    for start in range(0, len(names), size):
        batch = names[start : start + size]
        metric.update(*(table[table["video"].isin(batch)] for table in (tables.predictions, tables.truths)))
    assert float(metric.compute()) == pytest.approx(expected, nan_ok=True)


@given(VIDEOS, st.sampled_from([CONVENTIONS["strict"], MINE]))
def test_STRS_equals_summarize(videos, rules):
    tables = tables_of(videos)
    summary = summarize(tables, kinds=["micro"], classes=CLASSES, seed=0, draws=0, convention=rules)
    assume("analysis" in summary)
    metric = STRS(CLASSES, rules)
    for name in tables.videos["video"]:
        metric.update(*(table[table["video"] == name] for table in (tables.predictions, tables.truths)))
    assert float(metric.compute()) == pytest.approx(summary["analysis"]["strs"]["value"])


def test_STRS_equals_counts_by_hand():
    """Three of four truths are found by five intervals; of the true positives one of two joys and the only fear are right."""
    metric = STRS(CLASSES)
    spotted = pd.DataFrame(
        {"onset": [0, 100, 200, 300, 400], "kind": "micro", "emotion": ["joy", "fear", "fear", "awe", "joy"]}
    )
    true = pd.DataFrame({"onset": [0, 100, 200, 900], "kind": "micro", "emotion": ["joy", "joy", "fear", "fear"]})
    metric.update(spotted.assign(offset=spotted["onset"] + 9), true.assign(offset=true["onset"] + 9))
    spotting, precision, recall = 2 * 3 / (5 + 4), (1 + 1 / 2) / 2, (1 / 2 + 1) / 2
    assert float(metric.compute()) == pytest.approx(spotting * 2 * precision * recall / (precision + recall))
    numbers = STRS(CLASSES)
    numbers.update(
        spotted.assign(offset=spotted["onset"] + 9, emotion=[1, 0, 0, 2, 1]),
        {"onset": true["onset"], "offset": true["onset"] + 9, "kind": "micro", "emotion": torch.tensor([1, 1, 0, 0])},
    )
    assert numbers.compute() == metric.compute()


FORMS = {
    "tensors": (
        {"onset": torch.tensor([10, 60]), "offset": torch.tensor([19, 79]), "kind": ["micro", "macro"]},
        {"onset": torch.tensor([12]), "offset": torch.tensor([21]), "kind": "micro"},
    ),
    "objects": (
        [Prediction("d/s/v", "micro", 10, 12, 19, 0.5), Prediction("d/s/v", "macro", 60, 70, 79, 0.5)],
        (Expression(12, 21),),
    ),
    "tables": (
        pd.DataFrame({"video": "d/s/v", "kind": ["micro", "macro"], "onset": [10, 60], "offset": [19, 79]}),
        pd.DataFrame({"video": ["d/s/v"], "kind": "micro", "onset": 12, "offset": 21}),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_SpottingF1_takes_intervals_in_several_forms(form):
    counted = {}
    for kinds in (("micro",), ("macro",), ("micro", "macro")):
        metric = SpottingF1(kinds)
        metric.update(*FORMS[form])
        counted[kinds] = metric.intervals.tolist()
    assert counted == {("micro",): [1, 1, 1], ("macro",): [0, 1, 0], ("micro", "macro"): [1, 2, 1]}


def test_SpottingF1_never_matches_two_videos():
    spotted, true = (
        {"video": [video], "kind": "micro", "onset": [10], "offset": [19]} for video in ("d/s/v1", "d/s/v2")
    )
    metric = SpottingF1()
    metric.update(spotted, true)
    assert metric.intervals.tolist() == [0, 1, 1]
    assert metric.compute() == 0
    metric.update([], {**true, "video": ["d/s/v3"]})
    metric.update(spotted, {name: [] for name in true})
    assert metric.intervals.tolist() == [0, 2, 2]


def test_STRS_takes_the_surer_of_equal_intervals():
    """Both equal the truth, so that the emotion of the surer one is compared."""
    for sure, expected in ((0.9, 2 / 3), (0.1, 0.0)):
        metric = STRS(CLASSES)
        both = {
            "onset": [10, 10],
            "offset": [19, 19],
            "kind": "micro",
            "emotion": ["joy", "fear"],
            "confidence": [sure, 0.5],
        }
        metric.update(both, {"onset": [10], "offset": [19], "kind": "micro", "emotion": ["joy"]})
        assert float(metric.compute()) == pytest.approx(expected)


def test_SpottingF1_refuses_what_it_cannot_count():
    row = {"video": ["v"], "kind": ["micro"], "onset": [10], "offset": [19]}
    metric = SpottingF1()
    with pytest.raises(DataError, match="lacks the column 'kind'"):
        metric.update({name: column for name, column in row.items() if name != "kind"}, row)
    with pytest.raises(DataError, match=r"holds an interval \[20, 19\]"):
        metric.update(row, {**row, "onset": [20]})
    with pytest.raises(DataError, match="several random draws"):
        metric.update([Prediction("v", "micro", 10, 12, 19, 0.5, draw=draw) for draw in (0, 1)], row)

    assert metric.intervals.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UF1(3, "stricht"), "Did you mean 'strict'"),
        (lambda: UF1(3, "softnet2021"), "'softnet2021' defines no uf1 of recognition: choose another"),
        (lambda: STRS(CLASSES, "li2017"), "'li2017' defines no strs of analysis"),
        (lambda: STRS(CLASSES, "mean2022"), "'mean2022' compares answers with truths across videos"),
        (lambda: SpottingF1(convention="strs_metric"), "'strs_metric' counts a video only if"),
        (lambda: SpottingF1(("mikro",)), "unknown kind 'mikro'. Did you mean 'micro'"),
    ],
)
def test_SpottingF1_and_STRS_refuse_impossible_rules(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_SpottingF1_of_other_rules_shares_no_counts():
    """One shares the states of metrics that look alike after the first batch: these do, and must part in the second."""
    unlike = {"strict": SpottingF1(), "megc2020": SpottingF1(convention="megc2020"), "macro": SpottingF1(("macro",))}
    collection = MetricCollection(unlike)
    micro, macro = ({"onset": [10], "offset": [19], "kind": kind} for kind in ("micro", "macro"))
    instant = {"onset": [30], "offset": [30], "kind": "micro"}  # which hits nothing under `megc2020`
    collection.update([], [])
    collection.update(micro, micro)
    collection.update(instant, instant)
    collection.update([], macro)

    assert {name: float(value) for name, value in collection.compute().items()} == {
        "strict": 1,
        "megc2020": 0.5,
        "macro": 0,
    }


# -- where they are used ------------------------------------------------------------------------------------------------------

RANKS = """
import json, sys
import torch
from mebench.metrics.torch import STRS, UAR, UF1, SpottingF1

def score(rank, folder, own):
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    found = {}
    for name in ("both", "first"):
        metrics = UF1(3), UAR(3), SpottingF1(), STRS(["fear", "joy", "awe"])
        for metric, pairs in zip(metrics, own if name == "both" or rank == 0 else []):
            for pair in pairs:
                metric.update(*(torch.tensor(side) if isinstance(side, list) else side for side in pair))
        found[name] = [float(metric.compute()) for metric in metrics]
        found[f"own {name}"] = [{s: state.tolist() for s, state in metric.metric_state.items()} for metric in metrics]
    with open(f"{folder}/{rank}.json", "w") as file:
        json.dump(found, file)
    torch.distributed.destroy_process_group()

ranks = torch.multiprocessing.get_context("fork")  # so that torch is imported once
ranks = [ranks.Process(target=score, args=(n, sys.argv[1], own)) for n, own in enumerate(json.loads(sys.argv[2]))]
for rank in ranks:
    rank.start()
for rank in ranks:
    rank.join()
sys.exit(any(rank.exitcode for rank in ranks))
"""


def drawn(rank):
    """For each of the four metrics what a process sees: several batches, or several videos."""
    random = np.random.default_rng(rank)
    clips = [[random.integers(3, size=n).tolist() for _ in range(2)] for n in (4, 3 + rank)]
    videos = []
    for _ in range(3 + rank):
        onsets = random.integers((0, 40), (30, 70))
        true = {"onset": onsets.tolist(), "offset": (onsets + 9).tolist(), "kind": "micro"}
        near = onsets + random.integers(0, 6, size=2)
        spotted = {"onset": near.tolist(), "offset": (near + 9).tolist(), "kind": "micro"}
        true["emotion"], spotted["emotion"] = (
            [["fear", "joy", "awe"][n] for n in random.integers(3, size=2)] for _ in "ts"
        )
        videos.append([spotted, true])
    return [clips, clips, videos, videos]


@nightly("what each process counts, in the tests above")
@pytest.mark.processes
def test_UF1_and_SpottingF1_pool_over_processes(tmp_path):
    seen = [drawn(0), drawn(1)]
    command = [sys.executable, "-c", RANKS, str(tmp_path), json.dumps(seen)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)

    def alone(*parts):
        metrics = UF1(3), UAR(3), SpottingF1(), STRS(CLASSES)
        for part in parts:
            for metric, pairs in zip(metrics, part):
                for pair in pairs:
                    metric.update(*(torch.tensor(side) if isinstance(side, list) else side for side in pair))
        return metrics

    everything, first, second = ([float(m.compute()) for m in alone(*parts)] for parts in (seen, seen[:1], seen[1:]))
    assert all(len({a, b, c}) > 1 for a, b, c in zip(everything, first, second))  # the processes matter
    for rank in (0, 1):
        found = json.loads((tmp_path / f"{rank}.json").read_text())
        assert found["both"] == everything
        assert found["first"] == first  # nothing came to the other process
        own = [{name: state.tolist() for name, state in m.metric_state.items()} for m in alone(seen[rank])]
        assert found["own both"] == own  # afterwards each has its own counts again


def test_UF1_example_of_contributing_logs_one_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.M | re.S)
    (example,) = (block for block in blocks if "mebench.metrics.torch" in block)
    torch.manual_seed(0)
    samples = TensorDataset(torch.randn(50, 4), torch.arange(50) % 3)
    scope = {"network": torch.nn.Linear(4, 3), "train": DataLoader(samples, 16), "valid": DataLoader(samples, 7)}
    exec(example, scope)
    predicted = scope["network"](samples.tensors[0]).argmax(1)
    logged = float(scope["trainer"].callback_metrics["uf1"])

    assert logged == pytest.approx(f1_score(samples.tensors[1], predicted, average="macro"))
