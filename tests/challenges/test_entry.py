"""Files for a challenge, checked line by line."""

import json

import pytest

from mebench import challenges
from mebench.errors import DataError

task, faults = challenges.register.find_task, challenges.entry.find_faults
SPOTTED = "vid,pred_onset,pred_offset,type\n001_2,10,20,me\n001_3,30,90,mae\n"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("megc2023", SPOTTED, []),
        ("megc2023", SPOTTED.replace("me\n", "micro\n", 1), ["line 2: the type must be me or mae, not 'micro'"]),
        ("megc2023", SPOTTED.replace("10,20", "20,10"), ["line 2: the offset 10 lies before the onset 20"]),
        ("megc2023", SPOTTED.replace("10", "1.5"), ["line 2: onset and offset must be whole frame numbers, not '1.5' and '20'"]),
        ("megc2023", SPOTTED + "001_2,10,20,me\n", ["line 4: repeats line 2"]),
        ("megc2023", SPOTTED + "009,1,2,me\n", ["line 4: the video '009' is not among the challenge's 2"]),
        ("megc2023", SPOTTED + ",1,2,me\nx\n", ["line 4: names no video", "line 5: has 1 cells, not 4"]),
        ("megc2023", "", ["line 1: the columns must be vid,pred_onset,pred_offset,type, not empty"]),
        ("megc2023", "\udcff", ["is not UTF-8 (byte 0): save it as UTF-8"]),
        ("megc2024/str", "subject,video,onset,offset,emotion\n1,001_2,10,20,anger\n", []),
        ("dfme2024", "subject,video,emotion\n1,001_2,joy\n1,001_3,fear\n", [
            "line 2: the emotion must be one of happiness, anger, contempt, disgust, fear, sadness, surprise, not 'joy'"
        ]),
        ("dfme2024", "subject,video,emotion\n1,001_2,fear\n", ["the clip '001_3' has no answer"]),
        ("4dmr2025", "subject,video,emotion\n1,001_2,negative+surprise\n1,001_3,others\n", []),
        ("dfme2024", "subject,video,emotion\n1,001_2,fear\n1,001_3,fear\n1,001_2,anger\n", ["line 4: repeats line 2"]),
        ("megc2023", "vid, pred_onset ,pred_offset,type\r\n 001_2 , 10,20 ,me\r\n", []),
        ("megc2023", f"{SPOTTED}001_2,{'9' * 5000},{'9' * 5000},me\n", [
            f"line 4: onset and offset must be whole frame numbers, not '{'9' * 249} …"
        ]),
        ("megc2023", SPOTTED + '"001_2,1,2,me\n', ["a.csv, line 4: not a table with commas (unexpected end of data)"]),
        ("megc2023", SPOTTED + "v" * 200_000 + ",1,2,me\n", [
            "a.csv, line 4: not a table with commas (field larger than field limit (131072))"
        ]),
        ("megc2020", "hello\n", ["line 1: is not a log of MEGC 2020: a line is `<subject>_<video> onset offset onset offset TP|FP|FN`"]),
        ("megc2020", "1\n006_1   324   403   -   -   FN\n", []),
    ],
)  # fmt: skip
def test_find_faults_name_their_lines(tmp_path, name, text, message):
    path, videos = tmp_path / "a.csv", tmp_path / "videos.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    videos.write_text("video\n001_2\n001_3\n")
    found = [str(fault) for fault in faults(task(name), path, videos)]
    assert [line.replace(f"{path} ", "").replace(f"{tmp_path}/", "") for line in found] == message


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("megc2023", "vid,pred_onset,pred_offset,type\ns1_v1,1,2,me\nv1,1,2,me\n", [
            "line 3: the video 'v1' is not among the challenge's 2"
        ]),
        ("dfme2024", "subject,video,emotion\ns2,v1,fear\n", ["the clip 's1_v1' has no answer"]),
        ("megc2024/str", "subject,video,onset,offset,emotion\ns1,v1,1,2,\ns3,v1,1,2,\n", [
            "line 3: the video 'v1' is not among the challenge's 2"
        ]),
    ],
)  # fmt: skip
def test_find_faults_tell_videos_of_two_people_apart(tmp_path, name, text, message):
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "truth.csv").write_text("subject,video,onset\ns1,v1,3\ns1,v1,9\ns2,v1,\n")
    assert [str(fault) for fault in faults(task(name), tmp_path / "a.csv", tmp_path / "truth.csv")] == message


def test_find_faults_need_no_subject_where_names_differ(tmp_path):
    (tmp_path / "a.csv").write_text(SPOTTED)
    (tmp_path / "truth.csv").write_text("subject,video,onset\n001,001_2,3\n001,001_2,9\n001,001_3,\n")
    assert faults(task("megc2023"), tmp_path / "a.csv", tmp_path / "truth.csv") == []


@pytest.mark.parametrize("text", ["", "subject,onset\n1,2\n"])
def test_find_faults_refuse_table_without_videos(tmp_path, text):
    (tmp_path / "asked.csv").write_text(text)
    with pytest.raises(DataError, match=r"asked.csv has no column video .or vid., which names the challenge's videos"):
        faults(task("megc2023"), tmp_path / "a.csv", tmp_path / "asked.csv")


def test_find_faults_hold_answers_to_questions(tmp_path):
    rows = [{"id": f"q{n}", "question": "What is the action unit?", "answer": "dimpler"} for n in range(3)]
    asked, given = tmp_path / "q.jsonl", tmp_path / "a.jsonl"
    asked.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    changed = [rows[0] | {"answer": ""}, rows[1] | {"question": "What?"}, rows[2] | {"id": "q9"}]
    given.write_text("".join(f"{json.dumps(row)}\n" for row in changed))
    assert [str(fault) for fault in faults(task("megc2026/vqa"), given, asked)] == [
        "line 1: the question 'q0' has no answer",
        "line 2: the question 'q1' must read 'What is the action unit?'",
        "line 3: the question 'q9' is not asked",
        "the question 'q2' is missing",
    ]
    assert not faults(task("megc2026/vqa"), asked, asked)
    given.write_text("\n{\n\n" + json.dumps(rows[0]) + '\n{"id": "q3", "question": null}\n' + json.dumps(rows[0]))
    assert [str(fault) for fault in faults(task("megc2026/vqa"), given)] == [
        'line 2: not JSON; each line must be an object such as {"id": …}',
        "line 5: needs the keys id (or video_id), question and answer",
        "line 6: the id 'q0' is also in line 4; each id must be unique",
    ]


def test_find_faults_refuse_asked_file_without_videos(tmp_path):
    path, videos = tmp_path / "a.csv", tmp_path / "videos.csv"
    path.write_text(SPOTTED)
    videos.write_text("name\n001_2\n")
    with pytest.raises(DataError, match="has no column video"):
        faults(task("megc2023"), path, videos)
    with pytest.raises(DataError, match=r"cannot read .*none\.csv: No such file"):
        faults(task("megc2023"), path, tmp_path / "none.csv")
