"""ELAN's files: written and read back, by an independent reader too; coders as truth and as predictions; what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pympi
import pytest
from hypothesis import given, strategies as st
from sklearn.metrics import cohen_kappa_score

from mebench import api
from mebench.errors import DataError
from mebench.exchange import eaf
from mebench.exchange.intervals import read_intervals
from mebench.exchange.text_table import Remarks
from mebench.exchange.write import write_predictions
from mebench.metrics import agreement as metrics_agreement
from mebench.runs.scoring import read_tables
from tests.cli.conftest import mebench
from tests.helpers.run_folders import make_run

__all__ = ["mebench"]


def coded(path, micro=((1000, 1400), (5000, 5300)), macro=(), emotions=(), coder="", fps=None):
    """A file as ELAN saves it, made by pympi."""
    elan = pympi.Elan.Eaf(author="")
    elan.add_linked_file("file:///home/anna/clip.mp4")
    for name, spans in (("micro", micro), ("macro", macro), ("emotion", emotions), ("gaze", ((0, 9000),))):
        elan.add_tier(name if not coder else f"{name}@{coder}", ann=coder or None)
        for begin, end, *value in spans:
            elan.add_annotation(name if not coder else f"{name}@{coder}", begin, end, *value)
    if fps is not None:
        elan.properties.append(("mebench:fps", str(fps)))
    elan.to_file(str(path))
    return path


def test_write_eaf_is_read_alike_by_pympi(tmp_path):
    marks = (
        eaf.Mark(1234, 1801, "0.5"),
        eaf.Mark(1300, 1900, "0.7"),
        eaf.Mark(1801, 2000, "ä <&>"),
        eaf.Mark(2500, 2501),
    )
    tiers = [
        eaf.Tier("micro", marks, "mebench"),
        eaf.Tier("macro"),
        eaf.Tier("emotion", (marks[2],), "mebench", "face1"),
    ]
    film = tmp_path / "my clip.mp4"
    film.symlink_to("/films/0001.mp4")  # a link gives the video its name
    eaf.write_eaf(tmp_path / "a.eaf", film, 29.97, tiers)

    elan = pympi.Elan.Eaf(str(tmp_path / "a.eaf"))
    assert set(elan.get_tier_names()) == {"micro", "micro 2", "macro", "emotion"}
    found = [m for name in ("micro", "micro 2") for m in elan.get_annotation_data_for_tier(name)]
    assert sorted(found) == sorted((m.begin, m.end, m.value) for m in marks)
    assert elan.media_descriptors[0]["MEDIA_URL"] == f"file://{tmp_path}/my%20clip.mp4"

    read = eaf.read_eaf(tmp_path / "a.eaf")
    assert (read.video, read.fps, read.coders) == ("my clip", 29.97, ("mebench", ""))
    micro = [tier for tier in read.tiers if tier.what == "micro"]
    read_marks = [(x.begin, x.end, x.value) for tier in micro for x in tier.marks]
    assert sorted(read_marks) == sorted(found)


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 60), st.text(max_size=5)), max_size=12))
def test_read_eaf_returns_any_marks_of_write_eaf(tmp_path_factory, spans):
    path = tmp_path_factory.mktemp("eaf") / "a.eaf"
    marks = [eaf.Mark(begin, begin + long, text.strip()) for begin, long, text in spans]
    eaf.write_eaf(path, None, None, [eaf.Tier("micro", tuple(marks))])
    tiers = eaf.read_eaf(path).tiers
    for tier in tiers:
        assert all(a.end <= b.begin for a, b in zip(tier.marks, tier.marks[1:]))
    plain = [(m.begin, m.end, "".join(c for c in m.value if c.isprintable()).strip()) for m in marks]
    returned = [(m.begin, m.end, m.value) for tier in tiers for m in tier.marks]
    assert sorted(returned) == sorted(plain)
    n_at_begin = [sum(m.begin <= one.begin < m.end for m in marks) for one in marks]
    assert len(eaf.arrange_in_lanes(marks) or [[]]) == max(n_at_begin, default=1)


def test_eaf_times_become_frames_and_come_back(tmp_path):
    for fps in (23.976, 25.0, 29.97, 30.0, 200.0, 500.0):
        onsets = np.arange(0, 400, 7)
        spans = [(round(1000 * a / fps), round(1000 * (a + 12) / fps)) for a in onsets.tolist()]
        eaf.write_eaf(tmp_path / "a.eaf", None, fps, [eaf.Tier("micro", tuple(eaf.Mark(*s) for s in spans))])
        rows = read_intervals(tmp_path / "a.eaf", "truth", Remarks()).intervals
        assert sorted(rows["onset"]) == onsets.tolist()
        assert ((rows["offset"] - rows["onset"]) == 11).all()


def test_eaf_of_two_coders_scores_one_against_the_other(tmp_path):
    truth = coded(tmp_path / "anna.eaf", emotions=[(1050, 1300, "Happiness")])
    mine = coded(tmp_path / "ben.eaf", micro=((1040, 1420), (8000, 8200)), emotions=[(1040, 1420, "happiness")])
    found = api.score(mine, truth, bootstrap=0)
    counts = found.summary["spotting"]["micro"]
    assert (counts["tp"], counts["fp"], counts["fn"]) == (1, 1, 1)
    assert found.summary["analysis"]["true_positives"]["scores"]["accuracy"]["value"] == 1.0
    # Beside a table of frames both count by the rate that is given.
    table = tmp_path / "mine.csv"
    table.write_text("subject,video,onset,offset,confidence\ns1,clip,25,34,0.5\ns1,clip,200,204,0.2\n")
    with pytest.raises(DataError, match=r"anna\.eaf counts time and states no frame rate.*--fps N"):
        api.score(table, truth, bootstrap=0)
    counts = api.score(table, truth, fps=25.0, bootstrap=0).summary["spotting"]["micro"]
    assert (counts["tp"], counts["fp"], counts["fn"]) == (1, 1, 1)
    rated = coded(tmp_path / "rated.eaf", fps=25)
    assert api.score(table, rated, bootstrap=0).summary["spotting"]["micro"]["tp"] == 1


def test_eaf_of_several_coders_needs_a_name(tmp_path):
    elan = pympi.Elan.Eaf(author="")
    for coder, shift in (("anna", 0), ("ben", 40)):
        elan.add_tier(f"micro@{coder}", ann=coder)
        elan.add_annotation(f"micro@{coder}", 1000 + shift, 1400 + shift)
    elan.to_file(str(tmp_path / "both.eaf"))
    with pytest.raises(DataError, match=r"has marks of 2 coders: name one, as in .*both\.eaf:anna or .*both\.eaf:ben"):
        read_intervals(tmp_path / "both.eaf", "truth", Remarks(), fps=1000.0)
    with pytest.raises(DataError, match=r"unknown coder of .*'bne'\. Did you mean 'ben'"):
        read_intervals(Path(f"{tmp_path}/both.eaf:bne"), "truth", Remarks(), fps=1000.0)
    rows = read_intervals(Path(f"{tmp_path}/both.eaf:ben"), "truth", Remarks(), fps=1000.0).intervals

    assert rows[["onset", "offset"]].values.tolist() == [[1040, 1439]]


def test_eaf_dependent_marks_take_times_of_their_parents(tmp_path):
    elan = pympi.Elan.Eaf(author="")
    elan.add_linguistic_type("named", constraints="Symbolic_Association", timealignable=False)
    elan.add_tier("ME")
    elan.add_annotation("ME", 1000, 1400, "x")
    elan.add_tier("emotion", ling="named", parent="ME")
    elan.add_ref_annotation("emotion", "ME", 1200, "surprise")
    elan.to_file(str(tmp_path / "a.eaf"))
    text = (tmp_path / "a.eaf").read_text()
    rows = read_intervals(tmp_path / "a.eaf", "truth", Remarks(), fps=100.0).intervals
    assert rows[["kind", "onset", "offset", "emotion"]].values.tolist() == [["micro", 100, 139, "surprise"]]
    (tmp_path / "a.eaf").write_text(text.replace('TIME_VALUE="1400"', ""))
    assert read_intervals(tmp_path / "a.eaf", "truth", Remarks(), fps=100.0).intervals.empty


def test_eaf_dependent_tier_belongs_to_participant_of_parent(tmp_path):
    elan = pympi.Elan.Eaf(author="")
    elan.add_linguistic_type("named", constraints="Symbolic_Association", timealignable=False)
    for person, begin, emotion in (("1", 1000, "surprise"), ("2", 1100, "disgust")):
        elan.add_tier(f"ME {person}", part=f"P{person}", ann="anna")
        elan.add_annotation(f"ME {person}", begin, begin + 400)
        elan.add_tier(f"emotion {person}", ling="named", parent=f"ME {person}")
        elan.add_ref_annotation(f"emotion {person}", f"ME {person}", begin + 10, emotion)
    elan.to_file(str(tmp_path / "a.eaf"))
    for source in (tmp_path / "a.eaf", Path(f"{tmp_path}/a.eaf:anna")):
        rows = read_intervals(source, "truth", Remarks(), fps=100.0).intervals
        assert rows[["video", "emotion"]].values.tolist() == [["a_P1", "surprise"], ["a_P2", "disgust"]]


@pytest.mark.parametrize(("origin", "frames"), [(None, [[25, 34]]), (2000, [[75, 84]]), (-2000, [])])
def test_eaf_times_count_from_the_time_origin(tmp_path, origin, frames):
    elan = pympi.Elan.Eaf(author="")
    elan.add_linked_file("file:///C:/my videos/P07 #2.mp4", mimetype="video/mp4", time_origin=origin)
    elan.add_linked_file("file:///C:/my videos/other side.mp4", mimetype="video/mp4", time_origin=77)
    elan.add_tier("micro")
    elan.add_annotation("micro", 1000, 1400)
    elan.to_file(str(tmp_path / "a.eaf"))
    assert eaf.read_eaf(tmp_path / "a.eaf").video == "P07 #2"  # ELAN writes a name as it is
    rows = read_intervals(tmp_path / "a.eaf", "truth", Remarks(), fps=25.0).intervals
    assert rows[["onset", "offset"]].values.tolist() == frames


def test_eaf_folder_holds_a_file_for_each_video(tmp_path):
    run = make_run(tmp_path / "runs", kinds=("micro", "macro"))
    tables = read_tables(run)
    write_predictions(tmp_path / "elan", "eaf", tables, Remarks(), ["micro", "macro"])
    (tmp_path / "elan" / "._hidden.eaf").write_text("what another system left")
    assert len(list((tmp_path / "elan").glob("[!.]*.eaf"))) == len(tables.videos)
    read = read_intervals(tmp_path / "elan", "predictions", Remarks())
    expected = tables.predictions
    keys = expected["video"].str.extract(r"drawn/(.*)/(.*)").agg("_".join, axis=1)
    columns = ["video", "kind", "onset", "offset"]
    assert sorted(read.intervals[columns].values.tolist()) == sorted(
        expected.assign(video=keys)[columns].values.tolist()
    )
    assert np.allclose(sorted(read.intervals["confidence"]), sorted(expected["confidence"]), rtol=1e-5)
    truth = tables.truths.merge(tables.videos, on="video")
    truth[["subject", "video"]] = truth["video"].str.extract(r"drawn/(.*)/(.*)")
    truth[["subject", "video", "kind", "onset", "offset"]].to_csv(tmp_path / "truth.csv", index=False)
    found = api.score(tmp_path / "elan", tmp_path / "truth.csv", bootstrap=0).summary["spotting"]
    assert found["overall"]["fp"] == found["overall"]["fn"] == 0


def test_agreement_equals_a_plain_count(tmp_path, mebench):
    anna = coded(
        tmp_path / "anna.eaf", micro=((1000, 1400), (5000, 5300)), macro=((7000, 8000),), emotions=[(1000, 1400, "a")]
    )
    ben = coded(
        tmp_path / "ben.eaf", micro=((1100, 1400), (3000, 3200)), macro=((6900, 8000),), emotions=[(1100, 1400, "a")]
    )

    code, out, _ = mebench("compare", anna, ben, "--json", tmp_path / "j")
    assert code == 0
    assert "micro\t2\t2\t1\t0.5000" in out
    assert "+100, without sign 100" in out

    found = pd.read_json(tmp_path / "j", typ="series")
    labels = np.zeros((2, 8000), int)
    for row, spans in enumerate(
        (((1000, 1400, 1), (5000, 5300, 1), (7000, 8000, 2)), ((1100, 1400, 1), (3000, 3200, 1), (6900, 8000, 2)))
    ):
        for begin, end, label in spans:
            labels[row, begin:end] = label
    assert found["frames"] == {"n": 8000, "kappa": pytest.approx(cohen_kappa_score(*labels))}
    assert found["kinds"]["micro"]["kappa"] == pytest.approx(cohen_kappa_score(*(labels == 1)))
    assert found["kinds"]["macro"]["onset_ms"]["mean"] == -100
    assert found["kinds"]["macro"]["offset_ms"]["mean"] == 0
    assert found["emotion"] == {"n": 1, "kappa": None}  # one label alone agrees whatever the coders do

    code, out, _ = mebench("compare", anna, anna)
    assert code == 0
    assert "micro\t2\t2\t2\t1.0000\t1.0000\t+0 (sd 0), without sign 0" in out
    code, _, err = mebench("compare", anna, ben, "--metric", "f1")
    assert code == 2
    assert "--metric needs scores: name the file of the truth with --truth" in err


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=30), st.randoms())
def test_kappa_equals_its_definition(first, random):
    second = [random.choice("abc") if random.random() < 0.4 else label for label in first]
    n = len(first)
    observed = sum(a == b for a, b in zip(first, second)) / n
    expected = sum(first.count(label) * second.count(label) for label in "abc") / n**2
    found = metrics_agreement.kappa(np.array(first), np.array(second))
    assert (found is None) == (expected == 1)
    assert found is None or found == pytest.approx((observed - expected) / (1 - expected), abs=1e-12)


def test_measure_agreement_counts_frames_after_last_interval(tmp_path):
    run = make_run(tmp_path / "runs")
    tables = read_tables(run)
    assert metrics_agreement.measure_agreement(tables, ["micro"])["frames"]["n"] == tables.videos["n_frames"].sum()


def test_agreement_kappa_warns_of_unknown_lengths(tmp_path, mebench):
    """Ten frames that both leave blank, or a thousand: kappa is another."""
    kappas = []
    for name, length in {"unknown": "", "known": "1000"}.items():
        anna, ben = tmp_path / f"{name}.csv", tmp_path / "ben.csv"
        anna.write_text(f"subject,video,onset,offset,n_frames\n1,a,10,19,{length}\n")
        ben.write_text("subject,video,onset,offset\n1,a,12,21\n")
        code, _, err = mebench("compare", anna, ben, "--json", tmp_path / "j")
        assert code == 0
        assert ("the length of 1 video is unknown: kappa covers the frames from 0 to the last" in err) == (not length)
        kappas.append(pd.read_json(tmp_path / "j", typ="series")["frames"]["kappa"])
    expected = []
    for n in (22, 1000):
        of_anna = [10 <= i < 20 for i in range(n)]
        of_ben = [12 <= i < 22 for i in range(n)]
        expected.append(pytest.approx(cohen_kappa_score(of_anna, of_ben)))
    assert kappas == expected


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
HEAD, FOOT = "<ANNOTATION_DOCUMENT AUTHOR='&a;'>", "</ANNOTATION_DOCUMENT>"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (BOMB + HEAD + FOOT, "declares a document type or entities"),
        (OUTSIDE + HEAD + FOOT, "declares a document type or entities"),
        ('<!DOCTYPE x SYSTEM "http://localhost/x.dtd">' + "<ANNOTATION_DOCUMENT/>", "declares a document type"),
        (HEAD + FOOT, "is not XML"),
        ("<html/>", "is not a file of ELAN: it begins with <html>"),
        ("", "is not XML"),
        ("<ANNOTATION_DOCUMENT>" + "<A>" * 20, "is nested more than 16 deep"),
        ('<ANNOTATION_DOCUMENT><HEADER TIME_UNITS="PAL-frames"/></ANNOTATION_DOCUMENT>', "counts time in PAL-frames"),
        ('<ANNOTATION_DOCUMENT><TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="-5"/></ANNOTATION_DOCUMENT>', "holds the time '-5'"),
        ('<ANNOTATION_DOCUMENT><TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="' + "9" * 30 + '"/></ANNOTATION_DOCUMENT>', "holds the time"),
        ('<ANNOTATION_DOCUMENT><PROPERTY NAME="mebench:fps">nan</PROPERTY></ANNOTATION_DOCUMENT>', "frames per second"),
        ("<ANNOTATION_DOCUMENT>" + "<A/>" * 300 + "</ANNOTATION_DOCUMENT>", "has more than 200 elements"),
        ('<?xml version="1.0" encoding="wat"?><ANNOTATION_DOCUMENT/>', "cannot be read|is not XML"),
        ("<ANNOTATION_DOCUMENT><TIER TIER_ID='gaze'/></ANNOTATION_DOCUMENT>", "has no tier of intervals .its tiers: gaze."),
    ],
)  # fmt: skip
def test_read_eaf_refuses_entities_giants_and_other_files(tmp_path, monkeypatch, content, sentence):
    monkeypatch.setattr("mebench.exchange.bounded_xml.EAF_ELEMENTS", 200)
    (tmp_path / "a.eaf").write_text(content)
    with pytest.raises(DataError, match=sentence):
        read_intervals(tmp_path / "a.eaf", "truth", Remarks(), fps=25.0)


def test_read_eaf_refuses_large_files_before_reading(tmp_path, monkeypatch):
    monkeypatch.setattr("mebench.exchange.eaf.EAF_BYTES", 1 << 20)
    with (tmp_path / "a.eaf").open("wb") as file:
        file.truncate(3 << 20)
    with pytest.raises(DataError, match=r"cannot be read: it has 3,145,728 bytes, expected at most 1,048,576$"):
        eaf.read_eaf(tmp_path / "a.eaf")
    (tmp_path / "b.eaf").mkdir()
    with pytest.raises(DataError, match=r"there is no file .*b\.eaf"):
        eaf.read_eaf(tmp_path / "b.eaf")
    (tmp_path / "both").mkdir()
    coded(tmp_path / "both" / "a.eaf")
    coded(tmp_path / "both" / "b.eaf")
    with pytest.raises(DataError, match=r"are both about the video clip: name one of them"):
        eaf.sheet_of_marks(tmp_path / "both", None, 25.0, "truth", Remarks())

    assert eaf.common_rate([tmp_path / "a.csv"], None) is None


def test_measure_agreement_ignores_marks_before_first_frame(tmp_path):
    tables = read_tables(make_run(tmp_path / "runs"))
    before = [table.iloc[:1].assign(onset=-9, apex=-7, offset=-5) for table in (tables.truths, tables.predictions)]
    found = metrics_agreement.measure_agreement(replace(tables, truths=before[0], predictions=before[1]), ["micro"])
    assert found["frames"]["kappa"] is None  # no frame has a label in either


SLOTS = {"t1": 1000, "t2": None, "t3": 1800, "t4": 3000, "t5": 3500, "t6": None, "t7": 4000, "t8": 3900}


def drawn_eaf(path, marks, tier="micro"):
    """A file with the slots above and marks between some of them."""
    values = {name: "" if time is None else f' TIME_VALUE="{time}"' for name, time in SLOTS.items()}
    slots = "".join(f'<TIME_SLOT TIME_SLOT_ID="{name}"{value}/>' for name, value in values.items())
    drawn = "".join(
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{n}" TIME_SLOT_REF1="{a}" TIME_SLOT_REF2="{b}"><ANNOTATION_VALUE/>'
        "</ALIGNABLE_ANNOTATION></ANNOTATION>"
        for n, (a, b) in enumerate(marks)
    )
    path.write_text(
        f'<ANNOTATION_DOCUMENT><HEADER TIME_UNITS="milliseconds"/><TIME_ORDER>{slots}</TIME_ORDER><TIER TIER_ID="{tier}">{drawn}</TIER>'
        "</ANNOTATION_DOCUMENT>"
    )
    return path


def test_read_eaf_shares_time_among_marks_without_times(tmp_path):
    file = drawn_eaf(tmp_path / "a.eaf", [("t1", "t2"), ("t2", "t3"), ("t4", "t5")])
    (tier,) = eaf.read_eaf(file).tiers
    assert [(mark.begin, mark.end) for mark in tier.marks] == [(1000, 1400), (1400, 1800), (3000, 3500)]


def test_read_eaf_orders_marks_by_time(tmp_path):
    """ELAN saves marks in the order in which they were made."""
    file = drawn_eaf(tmp_path / "a.eaf", [("t4", "t5"), ("t1", "t2"), ("t2", "t3")])
    (tier,) = eaf.read_eaf(file).tiers
    assert [(mark.begin, mark.end) for mark in tier.marks] == [(1000, 1400), (1400, 1800), (3000, 3500)]


def test_read_eaf_counts_marks_without_times_or_reversed(tmp_path):
    file = drawn_eaf(tmp_path / "a.eaf", [("t4", "t5"), ("t5", "t6"), ("t7", "t8")])
    remarks = Remarks()
    assert len(read_intervals(file, "truth", remarks, fps=25).intervals) == 1
    assert remarks.warnings == [
        "truth: 1 mark of a without times, left out",
        "truth: 1 mark of a not ending after their start, left out",
    ]
    gaze = drawn_eaf(tmp_path / "b.eaf", [("t4", "t5"), ("t7", "t8")], "gaze")
    assert not eaf.read_eaf(gaze).left_out


def test_read_eaf_ends_on_circular_time_slots(tmp_path):
    file = drawn_eaf(tmp_path / "a.eaf", [("t1", "t2"), ("t2", "t6"), ("t6", "t2"), ("t4", "t5")])
    document = eaf.read_eaf(file)
    assert len(document.tiers[0].marks) == 1
    assert document.left_out == {"without times": 3}
