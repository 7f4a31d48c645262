"""Exports of BORIS, Label Studio, VIA, Praat and Anvil, and time codes, as truth and as answers."""

import json

import pandas as pd
import pytest

from mebench.api.score_files import score
from mebench.errors import DataError

MARKS = pd.DataFrame(
    [("01", "a", 10, 24, "happiness"), ("02", "b", 31, 45, "surprise")],
    columns=["subject", "video", "onset", "offset", "emotion"],
)
BORIS = "Observation id,Source,FPS (frame/s),Subject,Behavior,Behavior type,Start (s),Stop (s)\n"
TABULAR = "Observation id,Time,Media file path,FPS,Subject,Behavior,Status\n"
TEXTGRID = (
    'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = 4\ntiers? <exists>\nsize = 1\nitem []:\n'
    '    item [1]:\n        class = "IntervalTier"\n        name = "micro"\n        xmin = 0\n        xmax = 4\n'
    "        intervals: size = 2\n"
    '        intervals [1]:\n            xmin = 0\n            xmax = 0.4\n            text = ""\n'
    '        intervals [2]:\n            xmin = 0.4\n            xmax = 0.96\n            text = "happi""ness [x]"\n'
)
SHORT = '"ooTextFile"\n"TextGrid"\n0\n4\n<exists>\n1\n"IntervalTier"\n"micro"\n0\n4\n1\n0.4\n0.96\n"happiness"\n'
ANVIL = (
    '<?xml version="1.0"?><annotation><head><video src="a.avi"/></head><body><track name="face.ME" type="primary">'
    '<el index="0" start="0.4" end="0.96"><attribute name="emotion">happiness</attribute></el></track></body></annotation>'
)
STUDIO = [
    {
        "data": {"video": f"/data/upload/1/{subject}_{video}.mp4"},
        "annotations": [
            {"result": [{"value": {"ranges": [{"start": onset, "end": offset}], "timelinelabels": [emotion]}}]}
        ],
    }
    for subject, video, onset, offset, emotion in MARKS.to_numpy().tolist()
]
VIA = (
    "# Exported using VGG Image Annotator\n"
    "# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata\n"
    '"1","[""a.mp4""]",0,"[0.4,0.96]","[]","{""1"":""happiness""}"\n"2","[""b.mp4""]",0,"[1.24,1.8]","[]","{""1"":""surprise""}"\n'
)
VIA_OF_OPTIONS = (
    "# Exported using VGG Image Annotator\n"
    '# ATTRIBUTE = {"1":{"aname":"emotion","type":4,"options":{"0":"surprise","1":"happiness"}}}\n'
    "# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata,,\n"
    '"1","[""a.mp4""]",0,"[0.4,0.96]","[]","{""1"":""1""}"\n"2","[""b.mp4""]",0,"[1.24,1.8]","[]","{""1"":""0""}"\n'
)
VIA_OF_SEGMENTS = (
    "metadata_id,file_list,temporal_segment_start,temporal_segment_end,metadata\n"
    '"1","[""a.mp4""]",0.4,0.96,"{""TEMPORAL-SEGMENTS"":""happiness""}"\n'
    '"2","[""b.mp4""]",1.24,1.8,"{""TEMPORAL-SEGMENTS"":""surprise""}"\n'
)
STUDIO_OF_MODEL = [{"data": task["data"], "predictions": task["annotations"]} for task in STUDIO]
BOTH = {
    "boris.csv": BORIS
    + "x,player #1:a.mp4,25,01,happiness,STATE,0.4,0.96\nx,player #1:b.mp4,25,02,surprise,STATE,1.24,1.8\n"
    + "x,player #1:a.mp4,25,01,blink,POINT,0.5,0.5\n",
    "tabular.csv": TABULAR
    + "o,0.4,a.mp4,25,01,happiness,START\no,0.96,a.mp4,25,01,happiness,STOP\n"
    + "p,1.24,b.mp4,25,02,surprise,START\np,1.8,b.mp4,25,02,surprise,STOP\n",
    "semicolons.csv": "\ufeff"
    + (
        BORIS + "x,player #1:a.mp4,25,01,happiness,STATE,0.4,0.96\nx,player #1:b.mp4,25,02,surprise,STATE,1.24,1.8\n"
    ).replace(",", ";"),
    "preamble.csv": "Observation id,o\n\nTime offset (s),0\n\nTime,Media file path,FPS,Subject,Behavior,Status\n"
    + "0.4,a.mp4,25,01,happiness,START\n0.96,a.mp4,25,01,happiness,STOP\n"
    + "1.24,b.mp4,25,02,surprise,START\n1.8,b.mp4,25,02,surprise,STOP\n",
    "studio.json": json.dumps(STUDIO),
    "model.json": json.dumps(STUDIO_OF_MODEL),
    "via.csv": VIA,
    "options.csv": VIA_OF_OPTIONS,
    "segments.csv": "# Exported using VGG Image Annotator\n# CSV_HEADER = " + VIA_OF_SEGMENTS,
    "plain_segments.csv": VIA_OF_SEGMENTS,
    "codes.csv": "subject,video,onset,offset\n01,a,00:00:00.400,00:00:00.960\n02,b,0:01.240,0:01.800\n",
    "frames.csv": "subject,video,onset,offset\n01,a,00:00:00:10,00:00:00:24\n02,b,00:00:01:06,00:00:01:20\n",
}
ONE = {
    "a.TextGrid": TEXTGRID,
    "emotion.TextGrid": TEXTGRID.replace('"micro"', '"emotion"'),
    "short.TextGrid": SHORT.replace("short", "a"),
    "a.anvil": ANVIL,
}


@pytest.mark.parametrize("name", BOTH)
def test_sheet_of_tool_is_truth_and_answer(write, name):
    file = str(write(BOTH[name], name))
    for given, true in ((file, MARKS), (MARKS, file)):
        micro = score(given, true, fps=25, bootstrap=0).summary["spotting"]["micro"]
        assert (micro["tp"], micro["fp"], micro["fn"]) == (2, 0, 0)


@pytest.mark.parametrize("name", ["a.TextGrid", "emotion.TextGrid", "a.anvil"])
def test_sheet_of_tool_of_one_video(write, name):
    file = str(write(ONE[name], name.replace("emotion", "a")))
    scores = score(file, MARKS[:1], fps=25, bootstrap=0)
    assert scores.tables.predictions[["onset", "offset"]].to_numpy().tolist() == [[10, 24]]
    assert any("read as an export of" in line for line in scores.repaired)
    micro = score(MARKS[:1], file, fps=25, bootstrap=0).summary["spotting"]["micro"]
    assert (micro["tp"], micro["fp"], micro["fn"]) == (1, 0, 0)


def test_sheet_of_tool_reads_a_short_textgrid(write):
    scores = score(str(write(SHORT, "a.TextGrid")), MARKS[:1], fps=25, bootstrap=0)
    assert scores.tables.predictions["emotion"].tolist() == ["happiness"]


def test_sheet_of_tool_reads_options_of_via(write):
    scores = score(str(write(VIA_OF_OPTIONS, "via.csv")), MARKS, fps=25, bootstrap=0)
    assert scores.tables.predictions["emotion"].tolist() == ["happiness", "surprise"]


def test_sheet_of_tool_reads_a_workbook_of_boris(tmp_path):
    lines = [line.split(",") for line in BOTH["boris.csv"].splitlines()]
    pd.DataFrame(lines[1:], columns=lines[0]).to_excel(tmp_path / "boris.xlsx", index=False)
    micro = score(str(tmp_path / "boris.xlsx"), MARKS, fps=25, bootstrap=0).summary["spotting"]["micro"]
    assert (micro["tp"], micro["fp"], micro["fn"]) == (2, 0, 0)


def test_sheet_of_tool_asks_whose_answers_of_label_studio_count(write):
    both = []
    for task, onset in zip(STUDIO, MARKS["onset"].tolist()):
        early = [
            {"result": [{"value": {"ranges": [{"start": onset - 9, "end": onset + 3}], "timelinelabels": ["joy"]}}]}
        ]
        both.append({**task, "annotations": [{**task["annotations"][0], "completed_by": 7}], "predictions": early})
    file = str(write(json.dumps(both), "both.json"))
    with pytest.raises(DataError, match="--where coder=7"):
        score(truth=MARKS, predictions=file, bootstrap=0)
    micro = score(truth=MARKS, predictions=file, where={"coder": "7"}, bootstrap=0).summary["spotting"]["micro"]
    assert (micro["tp"], micro["fp"]) == (2, 0)


def test_folder_of_textgrids_is_a_truth_for_answers_with_people(tmp_path):
    for video in ("a", "b"):
        (tmp_path / f"{video}.TextGrid").write_text(TEXTGRID)
    answers = MARKS.assign(onset=10, offset=24)
    scores = score(answers, str(tmp_path), fps=25, bootstrap=0)
    assert scores.summary["spotting"]["micro"]["tp"] == 2
    assert scores.tables.videos["subject"].nunique() == 2


DAMAGED = {
    "an event that never stops": (TABULAR + "o,0.4,a.mp4,25,01,joy,START\n", "starts and never stops"),
    "an event that never starts": (TABULAR + "o,0.4,a.mp4,25,01,joy,STOP\n", "has no partner"),
    "another export of BORIS": ("Observation id,Subject,Behavior\no,1,joy\n", "aggregated events, or tabular events"),
    "regions of VIA": (VIA.replace("temporal_coordinates", "region_count"), "without temporal segments"),
    "a project of VIA": ('{"project":{},"view":{"1":{"fid_list":["1"]}}}', "without temporal segments"),
    "points of BORIS": (BORIS + "x,a.mp4,25,01,joy,POINT,0.5,0.5\n", "point events alone"),
    "a project of BORIS": ('{"time_format": "s", "behaviors_conf": {}, "observations": {}}', "a project of BORIS"),
    "a time budget of BORIS": (
        "Observations,Subject,Behavior,Modifiers\no,1,joy,\n",
        "aggregated events, or tabular events",
    ),
    "a binary TextGrid": ("ooBinaryFile\x08TextGrid", "binary file of Praat"),
    "JSON-MIN": ('[{"video": "a.mp4", "it": [{"timelinelabels": ["joy"]}]}]', "export JSON"),
    "a cut segment of VIA": (VIA.replace("[0.4,0.96]", "[0.4"), "is damaged"),
    "a cut TextGrid": (TEXTGRID[:-60], "cut off or damaged"),
    "a TextGrid of many": (TEXTGRID.replace("size = 2", "size = 99999999"), "cut off or damaged"),
    "a cut file of Anvil": (ANVIL[:-30], "is not XML"),
    "entities": (ANVIL.replace("<annotation>", '<!DOCTYPE a [<!ENTITY b "c">]><annotation>', 1), "document type"),
    "Label Studio without ranges": (
        json.dumps([{"data": {"video": "a.mp4"}, "annotations": [{"result": []}]}]),
        "Label Studio without ranges",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_sheet_of_tool_refuses_damaged_exports(write, name):
    text, sentence = DAMAGED[name]
    with pytest.raises(DataError, match=sentence):
        score(str(write(text, "file.txt")), MARKS, fps=25, bootstrap=0)


def test_time_codes_need_a_rate_and_one_form(write):
    with pytest.raises(DataError, match="--fps N"):
        score(str(write(BOTH["frames.csv"])), MARKS, bootstrap=0)
    mixed = BOTH["codes.csv"].replace("0:01.240", "31")
    with pytest.raises(DataError, match="'31' is no time code"):
        score(str(write(mixed)), MARKS, fps=25, bootstrap=0)
