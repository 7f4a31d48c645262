"""Questions made from annotations: those of the challenge, and what they give away."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mebench import vqa
from mebench.config import registry, resolve_dataset
from mebench.core import Expression, Video
from mebench.errors import DataError
from tests.helpers.outside import outside


def clip(video="001_1_2", subject="001", dataset="samm", emotion="anger", units=("4", "L7C"), onset=0, kind="micro"):
    return Video(dataset, subject, video, 200, 90, (Expression(onset, onset + 30, kind, None, emotion, units),))


def long_video():
    kinds = ("micro", "macro", "micro")
    events = [Expression(100 * n, 100 * n + 20, kind, None, None, (str(4 + 3 * n),)) for n, kind in enumerate(kinds)]
    return Video("samm_lv", "006", "006_1", 200, 400, tuple(events))


def asked(rows):
    return [(row["question"], row["answer"]) for row in rows]


def test_make_questions_asks_about_a_clip_in_words_of_2025():
    rows = vqa.questions.make_questions([clip(), clip("001_1_3", emotion="happiness", units=("12",))])
    first, second = rows[:7], rows[7:]
    assert asked(first[:4]) == [
        ("What is the coarse expression class?", "negative"),
        ("What is the fine-grained expression class?", "anger"),
        ("What are the action units?", "brow lowerer, lid tightener"),
        ("Is the action unit lid tightener located on the left or right face?", "left"),
    ]
    assert first[5] | {"id": ""} == {
        "id": "",
        "dataset": "samm",
        "image_id": "001_1_2",
        "subject": "001",
        "filename": "001_1_2",
        "question": "Is the action unit lip corner puller shown on the face?",
        "answer": "no",
    }
    assert [row["id"] for row in first] == [f"samm_001_1_2_{n}" for n in range(1, 8)]
    assert asked(second)[-1] == (
        "What is the action unit present, and based on it, what is the fine-grained expression and the coarse expression class?",
        "The action unit present is: lip corner puller. Therefore, the fine-grained expression class is happiness, and the coarse "
        "expression class is positive.",
    )
    assert len(second) == 6


def test_make_questions_of_version_two_asks_for_an_analysis():
    rows = vqa.questions.make_questions([clip(), clip("001_1_3")], version=2)
    asked = [row["question"] for row in rows]
    assert [question for question in asked if question in vqa.wording.ANALYSES] == list(vqa.wording.ANALYSES)


def test_make_questions_asks_a_long_video_for_all_answers():
    rows = vqa.questions.make_questions([long_video(), Video("samm_lv", "006", "006_2", 200, 400)], "lvqa")
    assert asked(rows[:4]) == [
        ("How many expression events appear in this video?", "3"),
        ("How many micro-expression events appear in this video?", "2"),
        ("How many macro-expression events appear in this video?", "1"),
        ("What distinct action units appear in this video?", "brow lowerer, lid tightener, upper lip raiser"),
    ]
    types = {"1": "micro-expression", "2": "macro-expression", "3": "micro-expression"}
    for question, answer in asked(rows[4:]):
        assert answer == types[question.removeprefix("What is the expression type of the ")[0]]
    assert [row["video_id"] for row in rows] == [f"samm_lv_006_1_{n}" for n in range(1, 7)]


def test_make_questions_names_two_clips_of_one_video_apart():
    two = Video("d", "s1", "v1", 30, 300, (*clip().expressions, *clip(onset=100).expressions))
    names = {row["image_id"] for row in vqa.questions.make_questions([two])}
    assert names == {"s1_v1_0", "s1_v1_100"}
    one = replace(two, expressions=(*clip().expressions, *clip(onset=100, emotion="others").expressions))
    assert {row["image_id"] for row in vqa.questions.make_questions([one])} == {
        "s1_v1_0"
    }  # runs know its other clip, too


def test_make_questions_leaves_out_what_cannot_be_asked():
    macro, other, bare = clip(kind="macro"), clip(emotion="others"), clip(units=())
    assert vqa.questions.make_questions([macro, other, bare, clip()]) == vqa.questions.make_questions([clip()])
    with pytest.raises(DataError, match="no micro-expression has action units and one of the classes happiness"):
        vqa.questions.make_questions([macro, other, bare])
    with pytest.raises(DataError, match="no videos with expressions"):
        vqa.questions.make_questions([Video("d", "s", "v", 30, 10)], "lvqa")


def test_make_questions_of_blind_questions_gives_less_away():
    clips = [clip(f"001_1_{n}", units=units) for n, units in enumerate([("4",), ("4", "7"), ("12",), ("12", "17")] * 3)]
    open_, blind = (
        vqa.questions.find_leaks(vqa.questions.make_questions(clips, blind=blind)) for blind in (False, True)
    )
    assert {
        "the wording tells one unit (6 clips) from several (6)",
        "shown: the first of a clip's questions is always answered 'yes'",
    } <= {*open_}
    assert not any("wording" in line or "always" in line for line in blind)
    lines = vqa.questions.find_leaks(vqa.questions.make_questions([long_video()], "lvqa"))
    assert lines[0].startswith("event numbers give a lower bound of the number of events in 1 videos")
    assert not vqa.questions.find_leaks(vqa.questions.make_questions([long_video()], "lvqa", blind=True))


def test_make_questions_draws_by_the_seed():
    clips = [clip(f"001_1_{n}", units=(str(n), str(n + 1))) for n in range(4, 7)]
    assert vqa.questions.make_questions(clips, seed=1) == vqa.questions.make_questions(clips, seed=1)
    assert len({str(vqa.questions.make_questions(clips, seed=seed)) for seed in range(8)}) > 1


@pytest.mark.parametrize(("dataset", "subjects"), [("samm", "{}"), ("casme2", "sub{}")])
def test_make_questions_equals_questions_written_by_hand(tmp_path, dataset, subjects):
    written = Path(__file__).with_name("by_hand.txt").read_text().split("\n= ")[1:]
    clips = {}
    for block in written:
        head, *lines = block.strip().splitlines()
        if head.split()[0] == dataset:
            clips[tuple(head.split()[1:])] = list(zip(lines[::2], lines[1::2]))
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(
        "Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Action Units,Estimated Emotion\n"
        + "".join(f"{person},{name},11,19,31,{units},{emotion}\n" for person, name, units, emotion in clips)
    )
    settings = {"dataset": dataset, "dataset.root": str(tmp_path), "dataset.annotations": str(sheet)}
    made = registry.load_plugin("dataset", dataset)(resolve_dataset(settings).dataset_params[dataset])
    rows = vqa.questions.make_questions(made.videos())
    drawn = {n for n, row in enumerate(rows) if vqa.wording.meaning_of(row["question"]).kind == "shown"}

    by_clip = {
        name: [row for n, row in enumerate(rows) if row["filename"] == name and n not in drawn] for _, name, *_ in clips
    }
    assert {key: asked(by_clip[key[1]]) for key in clips} == clips
    assert sum(map(bool, clips.values())) == 12
    for (person, name, *_), own in clips.items():
        stem = name if dataset == "samm" else f"{subjects.format(person)}_{name}"
        assert {row["id"].rpartition("_")[0] for row in by_clip[name]} == ({f"{dataset}_{stem}"} if own else set())
        assert {row["subject"] for row in by_clip[name]} == ({subjects.format(person)} if own else set())

    pool = {unit for row in rows if row["question"].startswith(("What is the action unit?", "What are the action units?"))
            for unit in row["answer"].split(", ")}  # fmt: skip
    for n in drawn:
        unit = rows[n]["question"].removeprefix("Is the action unit ").removesuffix(" shown on the face?")
        own = next(
            answer for question, answer in asked(by_clip[rows[n]["filename"]]) if question.endswith(("unit?", "units?"))
        )
        assert unit in pool
        assert rows[n]["answer"] == ("yes" if unit in own.split(", ") else "no")
    assert len(drawn) == 24
    assert sum(rows[n]["answer"] == "yes" for n in drawn) == 12


@pytest.mark.parametrize(("name", "n_rows", "n_drawn"), [("samm", 828, 266), ("casme", 911, 290)])
def test_make_questions_equals_public_questions_but_drawn_units(name, n_rows, n_drawn):
    public = vqa.questions.read_questions(
        outside("megc_questions", "the question files of MEGC 2025") / "dataset" / f"{name}.jsonl"
    )
    clips: dict[str, dict[str, dict]] = {}
    for row in public:
        clips.setdefault(row["image_id"], {})[vqa.wording.meaning_of(row["question"]).kind] = row
    videos = []
    for rows in clips.values():
        side = vqa.wording.meaning_of(rows["side"]["question"]).unit if "side" in rows else None
        named = [min(vqa.wording.read_units(text)) for text in rows["units"]["answer"].split(",")]
        units = tuple(f"{rows['side']['answer'][0].upper()}{n}" if n == side else str(n) for n in named)
        row = rows["fine"]
        videos.append(clip(row["filename"], row["subject"], row["dataset"], row["answer"], units))
    made = vqa.questions.make_questions(videos)

    drawn = [n for n, row in enumerate(public) if vqa.wording.meaning_of(row["question"]).kind == "shown"]
    assert (len(public), len(drawn)) == (n_rows, n_drawn)
    others = [n for n in range(n_rows) if n not in drawn]
    assert len(made) == n_rows
    assert [made[n] for n in others] == [public[n] for n in others]
    assert [(made[n]["id"], made[n]["answer"]) for n in drawn] == [
        (public[n]["id"], public[n]["answer"]) for n in drawn
    ]


def written(path, *lines):
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines))
    return path


GOOD = {"id": "a", "question": "What is the action unit?", "answer": "dimpler"}


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "holds no questions"),
        ([GOOD, GOOD], "line 2: the id 'a' is also in line 1"),
        ([GOOD, b"{"], "line 2: not JSON"),
        ([b"[" * 100_000], "line 1: not JSON"),
        ([[1]], "line 1: needs the keys"),
        ([{"id": "a"}], "line 1: needs the keys"),
        ([GOOD | {"answer": ["x"]}], "line 1: answer must be text, not list"),
        (["é".encode("latin-1")], "is not UTF-8"),
        ([b"\n" * 200_001], "at most 200,000 are read"),
    ],
)
def test_read_questions_refuses_damaged_lines_in_a_sentence(tmp_path, lines, sentence):
    with pytest.raises(DataError, match=sentence):
        vqa.questions.read_questions(written(tmp_path / "q.jsonl", *lines))


def test_read_questions_returns_rows_of_write(tmp_path):
    rows = vqa.questions.make_questions([clip()])
    vqa.questions.write_questions(tmp_path / "q.jsonl", rows)
    assert vqa.questions.read_questions(tmp_path / "q.jsonl") == rows
    vqa.questions.write_questions(tmp_path / "q.jsonl", rows, answers=False)
    assert {row["answer"] for row in vqa.questions.read_questions(tmp_path / "q.jsonl")} == {""}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no questions"),
        ("x".encode("utf-16"), "is not UTF-8 .byte 0.: save it as UTF-8"),
        (b"\n[1]\n", "line 2: needs the keys id"),
        (b"[" * 100_000, "line 1: not JSON"),
        (b'{"id": %s, "question": "q"}' % (b"9" * 5000), "line 1: not JSON"),
        (b'{"id": "a", "question": ["q"]}', "line 1: question must be text, not list"),
        (b'{"id": "a", "question": "q", "answer": "%s"}' % (b"x" * 10_001), "answer has 10,001 characters; at most 10,000"),
        (b'{"id": "a", "question": "q"}\n' * 2, "line 2: the id 'a' is also in line 1"),
        (b"\n" * 1_000_000, "has 1,000,000 lines; at most 200,000 are read"),
    ],
)  # fmt: skip
def test_read_questions_refuses_unreadable_files_in_one_sentence(tmp_path, content, message):
    path = tmp_path / "q.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        vqa.questions.read_questions(path)


def test_write_questions_on_a_full_disk_names_the_file():
    with pytest.raises(DataError, match="/dev/full cannot be written: No space left on device: make room there"):
        vqa.questions.write_questions(Path("/dev/full"), [{"id": "1", "question": "q", "answer": "a"}])


def test_read_questions_returns_any_text_of_write(tmp_path):
    rows = [
        {"id": str(n), "question": "q", "answer": text} for n, text in enumerate(["a\u2028b", "\ud800", "眉", "<b>"])
    ]
    vqa.questions.write_questions(tmp_path / "q.jsonl", rows)
    assert vqa.questions.read_questions(tmp_path / "q.jsonl") == rows
