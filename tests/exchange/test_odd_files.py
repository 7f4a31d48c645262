"""Files as scripts and tools of the field leave them: each is read right, or refused with the option that decides."""

import json
import pickle

import pandas as pd
import pytest

import mebench
from mebench.annotations.drawn import write_xlsx
from mebench.errors import DataError
from mebench.exchange.eaf import Mark, Tier, write_eaf

COLUMNS = ["subject", "video", "onset", "offset", "emotion"]
TRUTH = pd.DataFrame(
    [
        ("1", "a", 10, 20, "happiness"),
        ("1", "b", 30, 45, "disgust"),
        ("2", "c", 5, 15, "surprise"),
        ("3", "d", 50, 70, "disgust"),
        ("3", "e", 100, 112, "happiness"),
        ("4", "f", 60, 75, "surprise"),
    ],
    columns=COLUMNS,
)
SPOTTED = pd.DataFrame(
    [
        ("1", "a", 11, 21, "happiness"),
        ("1", "b", 60, 75, "disgust"),
        ("2", "c", 5, 13, "happiness"),
        ("3", "d", 51, 70, "disgust"),
        ("4", "f", 60, 74, "disgust"),
        ("3", "e", 10, 22, "happiness"),
    ],
    columns=COLUMNS,
)
"""Four of six are found."""
CLIPS = TRUTH[["subject", "video", "emotion"]]
NAMED = ["happiness", "disgust", "happiness", "disgust", "disgust", "happiness"]
"""Three of six are right."""


@pytest.fixture
def file(tmp_path):
    """Writes a value as JSON, a text, or bytes."""

    def write(content, name="odd.json"):
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def counts(predictions, truth=TRUTH, **options):
    """True positives, false positives, false negatives."""
    micro = mebench.score(truth=truth, predictions=predictions, bootstrap=0, **options).summary["spotting"]["micro"]
    return micro["tp"], micro["fp"], micro["fn"]


def accuracy(*table, **options):
    summary = mebench.score(*table, bootstrap=0, **options).summary
    return summary["recognition"]["scores"]["accuracy"]["value"]


def rows(table):
    return table.to_dict("records")


def ends(row):
    return [row["onset"], row["offset"]]


FORMS = {
    "a list of tables by fold": {"folds": [rows(SPOTTED[:3]), rows(SPOTTED[3:])]},
    "pandas split with videos as index": json.loads(SPOTTED.set_index("video").to_json(orient="split")),
    "a pair of frames a row": [{"video": row["video"], "interval": ends(row)} for row in rows(SPOTTED)],
    "numbered videos": {
        "videos": [{"id": n, "file_name": f"{video}.mp4"} for n, video in enumerate(SPOTTED["video"])],
        "categories": [{"id": 5, "name": "happiness"}],
        "annotations": [
            {"id": n, "video_id": n, "category_id": 5, "start_frame": row["onset"], "end_frame": row["offset"]}
            for n, row in enumerate(rows(SPOTTED))
        ],
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_score_reads_intervals_of_odd_json(file, form):
    assert counts(file(FORMS[form])) == (4, 2, 2)


def test_score_reads_segments_as_seconds(file):
    segments = [{"video_id": row["video"], "segment": [end / 25 for end in ends(row)]} for row in rows(SPOTTED)]
    assert counts(file(segments), fps=25) == (4, 2, 2)
    with pytest.raises(DataError, match="--fps N"):
        counts(file(segments))


def test_score_reads_first_and_second_ends_of_a_row():
    found = SPOTTED[:4].rename(columns={"onset": "Onset_1", "offset": "Offset_1"}).astype(object)
    found["Onset_2"] = ["", "", "", 100]
    found["Offset_2"] = ["", "", "", 111]
    found.loc[3, "video"] = "d"
    assert counts(found) == (3, 2, 3)
    truth = TRUTH.replace({"video": {"e": "d"}})
    assert counts(found, truth) == (4, 1, 2)


@pytest.mark.parametrize(("true", "answer"), [("actual", "y_hat"), ("target", "yhat"), ("actual_label", "predicted")])
def test_score_knows_names_of_both_sides(true, answer):
    both = CLIPS[["subject", "video"]].assign(**{true: CLIPS["emotion"], answer: NAMED})
    assert accuracy(both) == 0.5
    assert accuracy(truth=CLIPS, predictions=both) == 0.5


def lists_of(people):
    """True classes and answers of each person."""
    both = CLIPS.assign(answer=NAMED)
    parts = {person: both[both["subject"] == person] for person in people}
    return {
        person: {"y_true": [*part["emotion"]], "y_pred": [*part["answer"]], "uf1": 0.3}
        for person, part in parts.items()
    }


def test_score_joins_lists_of_people(file):
    by_person = lists_of("1234")
    assert accuracy(file(by_person)) == 0.5
    assert accuracy(file(pickle.dumps(by_person), "odd.pkl")) == 0.5
    assert accuracy(file([{"subject": person, **part} for person, part in by_person.items()])) == 0.5
    named = mebench.score(file({f"sub{person}": part for person, part in by_person.items()}), bootstrap=20)
    assert named.tables.videos["subject"].nunique() == 4


def test_score_takes_lists_over_the_same_clips_for_runs(file):
    runs = {"first": {"y_true": [0, 1, 1], "y_pred": [0, 1, 0]}, "second": {"y_true": [0, 1, 1], "y_pred": [1, 1, 0]}}
    with pytest.raises(DataError, match=r"several runs.*--where key=first.*--each key"):
        accuracy(file(runs))


REFUSED = {
    "an unknown name of answers": (CLIPS[["video"]].assign(output=NAMED), "--column emotion=output"),
    "wide seeds": (CLIPS[["video"]].assign(pred_s0=NAMED, pred_s1=NAMED), "--column emotion=pred_s0"),
    "only the truth": (CLIPS[["video"]].assign(target=NAMED), "lacks the column 'emotion'"),
    "scores of classes": (
        CLIPS[["video"]].assign(score_disgust=0.5, score_happiness=0.8, score_surprise=0.1),
        "the class with the highest one in a column emotion",
    ),
    "scores of some classes": (
        CLIPS[["video"]].assign(score_disgust=0.5, score_happiness=0.8),
        "write the class with the highest one in a column emotion",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_score_refuses_clips_with_the_option_that_decides(what):
    table, words = REFUSED[what]
    with pytest.raises(DataError, match=words):
        accuracy(truth=CLIPS, predictions=table, what="clips")


ODD_ENDS = {
    "a unit": (SPOTTED.assign(onset=[f"{onset}ms" for onset in SPOTTED["onset"]]), "holds more than a number"),
    "an image": (SPOTTED.assign(onset=[f"img_{onset}.jpg" for onset in SPOTTED["onset"]]), "holds more than a number"),
    "both in one cell": (
        SPOTTED[["video"]].assign(interval="[10, 20]"),
        "'interval' holds both ends, write them in two",
    ),
    "two coders": (
        SPOTTED.rename(columns={"onset": "onset_A", "offset": "offset_A"}),
        "--column onset=onset_A",
    ),
}


@pytest.mark.parametrize("what", ODD_ENDS)
def test_score_refuses_odd_ends_with_a_remedy(what):
    table, words = ODD_ENDS[what]
    with pytest.raises(DataError, match=words):
        counts(table, what="intervals")


def test_score_refuses_a_truth_with_two_emotions():
    truth = TRUTH.assign(emotion_coder2=[*reversed(TRUTH["emotion"])])
    with pytest.raises(DataError, match=r"beside the column 'emotion'.*--column truth.emotion=emotion_coder2"):
        counts(SPOTTED, truth)
    assert counts(SPOTTED, truth, columns={"truth.emotion": "emotion"}) == (4, 2, 2)


def test_judge_rates_refuses_a_rate_that_the_truth_lacks():
    twice = SPOTTED.assign(onset=SPOTTED["onset"] * 2, offset=SPOTTED["offset"] * 2, fps=50)
    with pytest.raises(
        DataError, match="truth's rate with --fps 25; if both files count the same frames, with --fps 50"
    ):
        counts(twice)
    assert counts(twice, fps=25) == (4, 2, 2)
    assert counts(SPOTTED.assign(fps=50)) == (4, 2, 2)


def textgrid(row, rate=25):
    onset, offset = (end / rate for end in ends(row))
    labelled = f'"IntervalTier" "micro" 0 9 3 0 {onset} "" {onset} {offset} "{row["emotion"]}" {offset} 9 ""'
    return f'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n9\n<exists>\n1\n{labelled}\n'


@pytest.mark.parametrize("by_person", [False, True])
def test_read_sheet_joins_a_folder_of_textgrids(tmp_path, by_person):
    for row in rows(SPOTTED):
        folder = tmp_path / "marks" / (row["subject"] if by_person else "")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{row['video']}.TextGrid").write_text(textgrid(row))
    assert counts(tmp_path / "marks", fps=25) == (4, 2, 2)


def test_read_sheet_refuses_a_folder_of_tables(tmp_path):
    with pytest.raises(DataError, match="is a folder without files of ELAN"):
        counts(tmp_path)


def seconds(name, table=SPOTTED, rate=25.0):
    """A table whose ends are times in columns called after a pattern."""
    times = {name.format("start", "onset"): table["onset"] / rate, name.format("end", "offset"): table["offset"] / rate}
    return table.drop(columns=["onset", "offset"]).assign(**times)


FORMS_OF_ONE_SET = {
    "another order of rows": (SPOTTED[::-1], {}),
    "percents of confidence": (SPOTTED.assign(confidence=[91.0, 35.5, 80, 75, 55, 20]), {}),
    "seconds": (seconds("{1}_s"), {"fps": 25}),
    "milliseconds": (seconds("{1}_ms", rate=0.025), {"fps": 25}),
    "t-start and t-end": (seconds("t-{0}"), {"fps": 25}),
    "decimal zeros": (SPOTTED.assign(onset=[f"{onset}.00" for onset in SPOTTED["onset"]]), {}),
    "semicolons and decimal commas": (
        SPOTTED.assign(confidence=0.5).to_csv(sep=";", decimal=",", index=False),
        {},
    ),
    "a column of kinds": (SPOTTED.assign(type="ME"), {}),
    "joined names": (SPOTTED.assign(video=SPOTTED["subject"] + "_" + SPOTTED["video"]).drop(columns="subject"), {}),
    "paths of films": (
        SPOTTED.assign(video=[f"/data/films/{video}.avi" for video in SPOTTED["video"]]),
        {"loose_ids": True},
    ),
    "a frame rate": (SPOTTED, {"fps": 200}),
    "a broken frame rate": (seconds("{1}_s", rate=29.97), {"fps": 29.97}),
    "time codes": (
        SPOTTED.assign(**{end: [f"0:{frame / 25:06.3f}" for frame in SPOTTED[end]] for end in ("onset", "offset")}),
        {"fps": 25},
    ),
}


@pytest.mark.parametrize("form", FORMS_OF_ONE_SET)
def test_score_gives_one_number_for_all_forms_of_one_set(file, form):
    given, options = FORMS_OF_ONE_SET[form]
    assert counts(file(given, "odd.csv") if isinstance(given, str) else given, **options) == (4, 2, 2)


def uses(scores, source):
    return {one["column"]: (one["read_as"], one["why"]) for one in scores.summary["columns"] if one["source"] == source}


def test_score_tells_what_it_took_of_tiers(tmp_path):
    tiers = [
        Tier("micro@anna", (Mark(400, 840),)),
        Tier("gaze", (Mark(0, 900),)),
        Tier("emotion", (Mark(400, 840, "joy"),)),
    ]
    write_eaf(tmp_path / "a.eaf", None, 25, tiers)
    scores = mebench.score(truth=tmp_path / "a.eaf", predictions=tmp_path / "a.eaf", bootstrap=0)
    for source in ("truth", "predictions"):
        assert uses(scores, source) == {
            "micro@anna": ("micro", "name of the tier"),
            "gaze": ("", "its name is neither micro, macro nor emotion"),
            "emotion": ("emotion", "name of the tier"),
        }


def test_score_tells_what_an_adapter_took_of_its_sheet(tmp_path):
    head = (
        "Subject",
        "Filename",
        "",
        "OnsetFrame",
        "ApexFrame",
        "OffsetFrame",
        "",
        "Action Units",
        "Estimated Emotion",
        "Coder",
    )
    rows = [
        (1, "EP02_01f", "", 46, 59, 86, "", "4", "happiness", "x"),
        (2, "EP03_02f", "", 10, 20, 30, "", "4", "disgust", "x"),
    ]
    sheet = tmp_path / "CASME2-coding-20140508.xlsx"
    write_xlsx(sheet, {"Sheet1": [head, *rows]})
    scores = mebench.score(truth=sheet, predictions=sheet, bootstrap=0)
    taken = uses(scores, "truth")
    assert taken["OnsetFrame"] == ("onset", "sheet of casme2")
    assert taken["Coder"] == ("", "sheet of casme2: nothing is taken from it")
    assert uses(scores, "predictions") == taken
