"""Scores of answers: equal to the libraries, to the public figures, and to what can be worked out by hand."""

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    jaccard_score,
    mean_absolute_error,
    recall_score,
    root_mean_squared_error,
)
from sklearn.preprocessing import MultiLabelBinarizer

from mebench import vqa
from mebench.core import Expression, Video
from mebench.errors import ConfigError, DataError
from tests.helpers.outside import outside
from tests.helpers.varied_answers import vary_answers

EMOTIONS = ("anger", "happiness", "surprise", "disgust")
UNITS = (("4", "7"), ("12",), ("1", "2"), ("R10", "4"))


def questions(people=4, clips=4):
    return vqa.questions.make_questions(
        Video(
            "samm", f"{p:03}", f"{p:03}_{n}", 200, 90, (Expression(0, 9, "micro", None, EMOTIONS[n % 4], UNITS[n % 4]),)
        )
        for p in range(people)
        for n in range(clips)
    )


def answered(rows, **by_kind):
    """The true answers, but for some kinds of question."""
    return [row | {"answer": by_kind.get(vqa.wording.meaning_of(row["question"]).kind, row["answer"])} for row in rows]


def value(summary, name):
    return summary["scores"][name]["value"]


def test_score_answers_of_truth_is_one():
    rows = questions()
    summary = vqa.marking.score_answers(rows, rows, "megc2025_b")
    assert {score["value"] for score in summary["scores"].values()} == {1.0}
    assert all(counts["agree"] == counts["of"] for counts in summary["consistency"].values())
    assert (summary["subjects"], summary["clips"], summary["warnings"]) == (4, 16, [])


def test_score_answers_of_constant_is_its_share():
    summary = vqa.marking.score_answers(
        questions(), answered(questions(), coarse="negative", shown="yes", units="dimpler")
    )
    assert value(summary, "coarse_uf1") == pytest.approx(2 / 3 / 3)  # precision .5, recall 1, two classes without
    assert value(summary, "coarse_uar") == pytest.approx(1 / 3)
    assert value(summary, "shown_accuracy") == 0.5
    assert value(summary, "units_f1") == value(summary, "units_jaccard") == 0
    assert summary["floors"]["majority"]["coarse_uf1"] == pytest.approx(value(summary, "coarse_uf1"))
    assert summary["consistency"]["fine_and_coarse"] == {"agree": 8, "of": 16}


def test_score_answers_of_counts_and_types():
    kinds = ("micro", "macro", "micro")
    rows = vqa.questions.make_questions(
        [
            Video(
                "d", f"s{p}", "v", 30, 400, tuple(Expression(9 * n, 9 * n + 5, k) for n, k in enumerate(kinds[: 1 + p]))
            )
            for p in range(3)
        ],
        "lvqa",
    )
    summary = vqa.marking.score_answers(
        rows, answered(rows, events="There are 2 events.", micro="none", type="a macro-expression")
    )
    assert value(summary, "events_mae") == pytest.approx(2 / 3)  # true 1, 2, 3
    assert value(summary, "events_rmse") == pytest.approx(np.sqrt(2 / 3))
    assert value(summary, "micro_mae") == pytest.approx(4 / 3)  # true 1, 1, 2; no number counts as 0
    assert value(summary, "macro_mae") == 0
    assert value(summary, "type_uar") == 0.5
    assert "3 answers without what the question asks for, and so counted as wrong" in summary["warnings"]


ANSWERS = {
    "coarse": vqa.wording.COARSE,
    "fine": tuple(vqa.wording.FINE),
    **dict.fromkeys(vqa.wording.COUNTS, ("0", "1", "2", "3")),
    "type": ("micro-expression", "macro-expression"),
    "units": ("dimpler", "brow lowerer, AU12", "lip corner puller, chin raiser"),
    "shown": ("yes", "no"),
    "side": ("left", "right"),
    "sentence": ("it's a dimpler", "The action unit present is: dimpler.", "anger"),
}


def drawn(rows, rng):
    """For each question the true answer, one of its kind in other letters, or none."""

    def one_of(row):
        true = row["answer"]
        other = str(rng.choice(ANSWERS[kind_of(row)]))
        return [true, true.upper(), other, f" {other} ", ""][rng.choice(5, p=[0.3, 0.1, 0.3, 0.2, 0.1])]

    return [row | {"answer": one_of(row)} for row in rows]


def kind_of(row):
    return vqa.wording.meaning_of(row["question"]).kind


def long_questions():
    kinds = ("micro", "macro", "micro")
    events = [Expression(9 * n, 9 * n + 5, kind, action_units=UNITS[n]) for n, kind in enumerate(kinds)]
    return vqa.questions.make_questions(
        [Video("d", f"s{p}", "v", 30, 400, tuple(events[: 1 + p])) for p in range(3)], "lvqa"
    )


@pytest.mark.parametrize("seed", range(12))
def test_score_answers_equals_libraries(seed):
    rows = questions(2, 2) + long_questions()
    given = drawn(rows, np.random.default_rng(seed))
    pairs = [(row["answer"], one["answer"]) for row, one in zip(rows, given)]
    texts = [(a.lower().strip(), b.lower().strip()) for a, b in pairs if b.strip()]
    a, b = (vqa.marking.score_answers(rows, given, scorer) for scorer in ("megc2025_a", "megc2025_b"))

    import sacrebleu  # all three, with what they import, for this test alone
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
    from rouge_score import rouge_scorer

    smooth = SmoothingFunction().method1
    rouge = rouge_scorer.RougeScorer(["rouge1"], use_stemmer=True)
    bleus = [sentence_bleu([one.split()], other.split(), smoothing_function=smooth) for one, other in texts]
    assert value(a, "bleu") == pytest.approx(np.mean(bleus))
    assert value(a, "rouge1") == pytest.approx(np.mean([rouge.score(*pair)["rouge1"].recall for pair in texts]))
    plain = [[" ".join(words_of(text)) for text in side] for side in zip(*pairs)]
    bleu = sacrebleu.corpus_bleu(plain[1], [plain[0]], smooth_method="none", tokenize="none", force=True)
    assert value(b, "bleu") == pytest.approx(plain_corpus_bleu(pairs)) == pytest.approx(bleu.score / 100)
    assert value(b, "rouge1") == pytest.approx(np.mean([plain_rouge(*pair) for pair in pairs]))
    of = {kind: [pair for row, pair in zip(rows, pairs) if kind_of(row) == kind] for kind in map(kind_of, rows)}
    for summary, others in ((a, True), (b, False)):
        for kind in ("coarse", "fine", "type"):
            true, answered = ([text.lower().strip() for text in side] for side in zip(*of[kind]))
            labels = sorted({*true, *(answered if others and kind != "type" else ())})
            average = {"labels": labels, "average": "macro", "zero_division": 0}
            assert value(summary, f"{kind}_uf1") == pytest.approx(f1_score(true, answered, **average))
            assert value(summary, f"{kind}_uar") == pytest.approx(recall_score(true, answered, **average))
        true, answered = zip(*[[one.lower().strip() for one in pair] for pair in of["shown"]])
        assert value(summary, "shown_accuracy") == pytest.approx(accuracy_score(true, answered))
        names = {name: unit for unit, name in vqa.wording.UNITS.items()} | {"au12": 12}
        sets = [
            [[names[one] for one in text.lower().strip().split(", ") if one] for text in pair] for pair in of["units"]
        ]
        true, answered = (MultiLabelBinarizer(classes=range(70)).fit_transform(side) for side in zip(*sets))
        assert value(summary, "units_f1") == pytest.approx(f1_score(true, answered, average="micro"))
        assert value(summary, "units_jaccard") == pytest.approx(jaccard_score(true, answered, average="samples"))
        for kind in vqa.wording.COUNTS:
            true, answered = ([int(text.strip() or 0) for text in side] for side in zip(*of[kind]))
            assert value(summary, f"{kind}_mae") == pytest.approx(mean_absolute_error(true, answered))
            assert value(summary, f"{kind}_rmse") == pytest.approx(root_mean_squared_error(true, answered))


def words_of(text):
    return [word.strip(",.:?") for word in text.lower().replace("-", " ").split()]


def plain_corpus_bleu(pairs):
    """BLEU-4 of a corpus without smoothing, counted in loops."""
    matched, possible = [0] * 4, [0] * 4
    for truth, given in pairs:
        for n in range(4):
            own, others = (
                [tuple(w[i : i + n + 1]) for i in range(len(w) - n)] for w in (words_of(given), words_of(truth))
            )
            matched[n] += sum(min(own.count(gram), others.count(gram)) for gram in {*own})
            possible[n] += len(own)
    sizes = [sum(len(words_of(text)) for text in side) for side in zip(*pairs)]
    if not all(matched):
        return 0.0
    return min(1, np.exp(1 - sizes[0] / sizes[1])) * np.exp(np.mean(np.log(np.divide(matched, possible))))


def plain_rouge(truth, given):
    one, other = words_of(truth), words_of(given)
    return 2 * sum(min(one.count(word), other.count(word)) for word in {*one}) / (len(one) + len(other))


@pytest.mark.parametrize(
    ("name", "self_bleu", "blind"),
    [
        ("samm", 0.377, {"bleu": 0.69, "rouge1": 0.63, "coarse_uf1": 0.27}),
        ("casme", 0.400, {"bleu": 0.67, "rouge1": 0.59, "coarse_uf1": 0.25}),
    ],
)
def test_score_answers_of_public_rows(name, self_bleu, blind):
    rows = vqa.questions.read_questions(
        outside("megc_questions", "the question files of MEGC 2025") / "dataset" / f"{name}.jsonl"
    )
    assert value(vqa.marking.score_answers(rows, rows, "megc2025_a"), "bleu") == pytest.approx(self_bleu, abs=5e-4)
    summary = vqa.marking.score_answers(rows, rows, "megc2025_b")
    assert value(summary, "bleu") == 1
    assert {key: round(summary["floors"]["prior"][key], 2) for key in blind} == blind


PUBLIC_PROGRAMS = {
    ("samm", "megc2025_a"): {
        "bleu": 0.1993787300610191, "rouge1": 0.669170031868746, "coarse_uf1": 0.1557759469349355,
        "coarse_uar": 0.1267051788790919, "fine_uf1": 0.19502923976608186, "fine_uar": 0.15881868977436842,
    },
    ("samm", "megc2025_b"): {
        "bleu": 0.6246042708311701, "rouge1": 0.48862288137662724, "coarse_uf1": 0.6013360241548161,
        "coarse_uar": 0.5264585655890004, "fine_uf1": 0.536292801401497, "fine_uar": 0.4719989075252233,
    },
    ("casme", "megc2025_a"): {
        "bleu": 0.21767040702858556, "rouge1": 0.6642910846637788, "coarse_uf1": 0.1267368810051737,
        "coarse_uar": 0.10102272727272728, "fine_uf1": 0.11410405497243828, "fine_uar": 0.08893424765170185,
    },
    ("casme", "megc2025_b"): {
        "bleu": 0.6359161574345221, "rouge1": 0.48446985476736854, "coarse_uf1": 0.6239316239316239,
        "coarse_uar": 0.5575757575757576, "fine_uf1": 0.49783140735718545, "fine_uar": 0.4188640330904675,
    },
}  # fmt: skip
"""What both public programs print for varied answers to the 828 and 911 public questions: BLEU_ROUGE.py and F1_UR.py of
github.com/Humphrey-0125/MEGC2025 (629ec15), evaluation.py of github.com/null-xy/MEGC2026 (7211b2f).
"""


@pytest.mark.parametrize(("name", "scorer"), PUBLIC_PROGRAMS)
def test_score_answers_equals_public_programs(name, scorer):
    folder = outside("megc_questions", "the question files of MEGC 2025") / "dataset"
    rows = vqa.questions.read_questions(folder / f"{name}.jsonl")
    assert len(rows) == {"samm": 828, "casme": 911}[name]
    scores = vqa.marking.score_answers(rows, vary_answers(rows), scorer, floors=False)["scores"]
    expected = PUBLIC_PROGRAMS[name, scorer]
    assert {key: scores[key]["value"] for key in expected} == pytest.approx(expected, rel=1e-12, abs=0)


def test_score_answers_has_intervals_over_people():
    rows = questions()
    other = [row | {"dataset": "casme2", "id": f"c{row['id']}"} for row in rows]
    given = answered(rows[: len(rows) // 2], coarse="negative") + rows[len(rows) // 2 :] + other
    summary = vqa.marking.score_answers(rows + other, given)
    score = summary["scores"]["coarse_uf1"]
    assert score["low"] < score["value"] < score["high"]
    by_dataset = {name: scores["coarse_uf1"]["value"] for name, scores in summary["by_dataset"].items()}
    assert by_dataset == pytest.approx({"casme2": 1, "samm": (4 / 5 + 2 / 3 + 2 / 3) / 3})


def test_score_answers_counts_missing_as_wrong():
    rows = questions()
    summary = vqa.marking.score_answers(rows, rows[len(rows) // 2 :])
    assert value(summary, "shown_accuracy") == 0.5
    assert summary["warnings"][0] == f"{len(rows) // 2} of {len(rows)} questions not answered, and so counted as wrong"


def test_score_answers_refuses_in_a_sentence():
    rows = questions()
    with pytest.raises(DataError, match="1 answer to questions that are not asked; the first has the id 'x'"):
        vqa.marking.score_answers(rows, [rows[0] | {"id": "x"}, *rows])
    with pytest.raises(DataError, match="has no true answers"):
        vqa.marking.score_answers([row | {"answer": ""} for row in rows], rows)
    with pytest.raises(DataError, match="has another wording in the answers"):
        vqa.marking.score_answers(rows, [rows[0] | {"question": "Who is this?"}, *rows[1:]])
    with pytest.raises(DataError, match="none of the"):
        vqa.marking.score_answers(rows[:3], [], "megc2025_a")
    with pytest.raises(ConfigError, match="unknown scorer 'megc2025_c'"):
        vqa.marking.score_answers(rows, rows, "megc2025_c")
