"""Files of others found by hash, read as their source says, rescored, and put into tables as a kind of their own."""

import functools
import hashlib
import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from pydantic import TypeAdapter
from scipy.signal import find_peaks
from sklearn.metrics import f1_score, recall_score

from mebench.boards import build as boards_build
from mebench.boards.published_tables import with_published, with_rescored
from mebench.boards.table_files import as_csv, latex_tables
from mebench.cli import leaderboard, reproduce
from mebench.errors import ConfigError, DataError
from mebench.files import file_hash
from mebench.intake import collect as boards_collect
from mebench.metrics.score_table import ScoreTable
from mebench.records.matching_published import read_aliases
from mebench.records.published import read_published
from mebench.reproduction import rescore as reproduction_rescore
from mebench.reproduction.board_rows import collect_rescored, rescored_tables
from mebench.reproduction.rescore import RescoredSource, find_files, list_sources, read_source
from tests.helpers.nightly import NIGHTLY
from tests.helpers.outside import outside
from tests.helpers.run_folders import make_run

LEADERBOARDS = Path(__file__).parents[2] / "leaderboards"
K = 10
TRUTH = [("1", "a", 100), ("1", "b", 40), ("2", "a", 60), ("3", "c", 80)]
"""Subject, video and onset of expressions of K frames."""
LOG = {
    ("one", "s1"): "ab 0 0\nac 1 0\n",
    ("one", "s2"): "ab 1 1\nad 2 2\n",
    ("two", "1"): "x 0 1\ny 1 1\nz 2 2\nw 0 0\n",
}
PRINTED = (
    "method,method_variant,year,dataset,member,task,kind,part,protocol,classes,metric,value,source,table,caveats,note\n"
    "Spotter,,2020,drawn,,spotting,micro,,none,,f1,0.0000,ann2020 https://ann.org,Table 1,,\n"
    "Spotter,,2020,drawn,,spotting,micro,,none,,tp,0,ann2020 https://ann.org,Table 1,,\n"
    "Spotter,,2020,drawn,,spotting,micro,,none,,fn,4,ann2020 https://ann.org,Table 1,,\n"
    "Spotter,,2020,drawn,,spotting,micro,,none,,recall,0.5000,ann2020 https://ann.org,Table 2,,\n"
)


@pytest.fixture
def clone(tmp_path):
    """Files as authors publish them: one a video, without a header; intervals of window scores; a log of named clips."""
    folder = tmp_path / "clone"
    (folder / "out" / "micro").mkdir(parents=True)
    for subject, video, onset in TRUTH:
        early = onset - K // 2  # as one puts the interval around the peak of scores of the windows that begin there
        too_short = "7 9 1.0\n"
        text = too_short if subject == "3" else f"{early} {early + K - 1} 1.0\n{too_short}"
        (folder / "out" / "micro" / f"s{subject}_{video}.txt").write_text(text)
    (folder / "truth.txt").write_text("".join(f"s{s} {v} micro-expression {o}.0 {o + K - 1}\n" for s, v, o in TRUTH))
    (folder / "log.csv").write_text("".join(f"{database} {person}\n{rows}" for (database, person), rows in LOG.items()))
    return folder


@pytest.fixture
def home(tmp_path, clone):
    """A folder of leaderboards with the two sources of these files."""

    def hashes(*files):
        return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}

    about = {"method": "Spotter", "repository": "https://code.org/ann/spotter", "commit": "ab" * 20}
    predictions = {
        "folder": "out/micro",
        "name": "s{subject}_{video}.txt",
        "columns": ["onset", "offset", "_"],
        "always": {"kind": "micro"},
        "lengths": [4, None],
        "files": hashes(*sorted((clone / "out" / "micro").iterdir())),
    }
    truth = {
        "columns": ["subject", "video", "kind", "onset", "offset"],
        "rename": {"subject": {f"s{n}": str(n) for n in range(9)}},
        "files": hashes(clone / "truth.txt"),
    }
    log = {"section": ["dataset", "subject"], "files": hashes(clone / "log.csv")}
    log["rename"] = {"emotion": {"0": "negative", "1": "positive", "2": "surprise"}}
    spotted = {"dataset": "drawn", "protocol": "none", "k_prime": K, "truth": [truth], "predictions": [predictions]}
    named = {
        "dataset": "clips",
        "protocol": "loso",
        "clips": True,
        "truth": [{**log, "columns": ["video", "emotion", "_"]}],
        "predictions": [{**log, "columns": ["video", "_", "emotion"]}],
    }
    paper = {"paper": "ann2020", "tables": ["Table 1"], "convention": "megc2020", "notes": ["drawn"]}
    (tmp_path / "home" / "rescored").mkdir(parents=True)
    (tmp_path / "home" / "published.csv").write_text(PRINTED)
    for name, source in (
        ("spotter", {"title": "Ann", **about, **paper, "sets": [spotted]}),
        ("namer", {"title": "Bo", **about, "sets": [named]}),
    ):
        (tmp_path / "home" / "rescored" / f"{name}.yaml").write_text(yaml.safe_dump(source))
    return tmp_path / "home"


def outcome_of(home, clone, name, draws=0):
    return reproduction_rescore.rescore_source(read_source(home / "rescored", name), clone, draws)


def counts(outcome):
    found = {(r["convention"], r["later"]): r["summary"]["spotting"]["micro"] for r in outcome["sets"][0]["results"]}
    return {reading: tuple(part[name] for name in ("tp", "fp", "fn")) for reading, part in found.items()}


def test_rescore_source_window_scores_half_a_window_later_too(home, clone):
    """Half a window early shares 5 of 15 frames with the truth; later it is the truth. What is too short is left out."""
    found = counts(outcome_of(home, clone, "spotter"))
    assert found["megc2020", 0] == found["strict", 0] == (0, 3, 4)
    assert found["megc2020", K // 2] == found["strict", K // 2] == (3, 0, 1)  # one video's file kept no interval


def test_rescore_source_of_a_log_of_clips_equals_scikit_learn(home, clone):
    (result,) = outcome_of(home, clone, "namer")["sets"][0]["results"]
    section = result["summary"]["recognition"]
    lines = {person: [line.split() for line in rows.splitlines()] for person, rows in LOG.items()}
    for member, part in {"": section, **section["members"]}.items():
        pairs = [line[1:] for (database, _), rows in lines.items() for line in rows if member in ("", database)]
        true, predicted = zip(*pairs, strict=True)
        assert part["n"] == len(pairs)
        assert part["scores"]["uf1"]["value"] == pytest.approx(f1_score(true, predicted, average="macro"), abs=1e-6)
        assert part["scores"]["uar"]["value"] == pytest.approx(recall_score(true, predicted, average="macro"), abs=1e-6)


def test_find_files_finds_files_by_hash_in_any_folder(home, clone, tmp_path):
    as_published = outcome_of(home, clone, "spotter")
    elsewhere = tmp_path / "elsewhere" / "deep"
    elsewhere.mkdir(parents=True)
    for number, file in enumerate(sorted(file for file in clone.rglob("*") if file.is_file())):
        shutil.copy(file, elsewhere / f"{number}.dat")
    assert outcome_of(home, tmp_path / "elsewhere", "spotter") == as_published


def test_find_files_names_wrong_files_in_one_sentence(home, clone):
    source = read_source(home / "rescored", "spotter")
    with pytest.raises(DataError, match=r"--root .*nowhere is not a folder: .* git checkout abab"):
        find_files(source, clone / "nowhere")
    file = clone / "out" / "micro" / "s1_a.txt"
    file.write_text("1 2 1.0\n")
    with pytest.raises(
        DataError, match=r"s1_a.txt differs from the published out/micro/s1_a.txt: its SHA-256 begins with"
    ):
        find_files(source, clone)
    file.unlink()
    (clone / "truth.txt").unlink()
    with pytest.raises(
        DataError, match=r"no file in .*clone is \S+ \(and 1 more file\), SHA-256 \w+…: get it, in a clone of"
    ):
        find_files(source, clone)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda s: s["sets"][0]["truth"][0].update(files={"truth.txt": "12ab"}), "truth.0.files.truth.txt: .*64"),
        (lambda s: s["sets"][0].update(kprime=3), "kprime: Unexpected"),
        (lambda s: s.pop("commit"), "commit"),
        (lambda s: s.update(commit="ab12"), "commit"),
        (lambda s: s.update(convention="megc2002"), "Did you mean 'megc2020'"),
        (lambda s: s["sets"][0]["truth"][0].update(columns=["video", "onset"]), "line 1: .* does not have the form"),
        (
            lambda s: s["sets"][0]["predictions"][0].update(name="{video}.dat"),
            r"s1_a.txt is not named as \{video\}.dat",
        ),
        (
            lambda s: s["sets"][0]["predictions"][0].update(columns=["onset", "_", "_"]),
            "the answers of spotter on .*'offset'",
        ),
    ],
)
def test_rescore_source_says_what_is_wrong_with_a_source(home, clone, change, error):
    file = home / "rescored" / "spotter.yaml"
    content = yaml.safe_load(file.read_text())
    change(content)
    file.write_text(yaml.safe_dump(content))
    with pytest.raises((DataError, ConfigError), match=error):
        outcome_of(home, clone, "spotter")


@pytest.fixture
def in_home(home, clone, tmp_path, monkeypatch):
    """Runs the verb."""
    monkeypatch.chdir(tmp_path)

    def run(name, **given):
        reproduce.rescore_command(name, root=str(clone), leaderboards=str(home), **{"write": True, **given})

    return run


def test_rescore_source_prints_the_paper_beside_each_reading(in_home, home, capsys):
    in_home("spotter", json="written.json")
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [
        "dataset",
        "score",
        "printed",
        "megc2020",
        "strict",
        "megc2020, 5 frames later",
        "strict, 5 frames later",
    ] in lines
    assert ["drawn", "spotting.micro.fn", "4", "4", "4", "1", "1"] in lines
    written = json.loads(Path("written.json").read_text())
    assert {**written, "cells": []} == {**json.loads((home / "rescored" / "spotter.json").read_text()), "cells": []}
    in_home("namer", json="-")
    found = json.loads(capsys.readouterr().out)["cells"]
    assert {cell["score"] for cell in found} >= {"recognition.uf1", "recognition.members.two.uf1"}
    assert all(cell["printed"] is None for cell in found)
    with pytest.raises(ConfigError, match=r"unknown source 'spoter'\. Did you mean 'spotter'"):
        in_home("spoter")


def tables_of(home, records=()):
    known = collect_rescored(home / "rescored", print)
    published = read_published(home / "published.csv")
    tables = with_rescored(
        boards_build.build_tables(records), list(rescored_tables(known, published)), read_aliases(home / "beside.yaml")
    )
    return {table.name: with_published(table, published, []) for table in tables}


def test_rescore_source_rows_stand_in_tables_as_their_own_kind(in_home, home, tmp_path):
    """Between measured and published rows, with neither letter nor seed; where nothing was measured a table is made."""
    in_home("spotter")
    in_home("namer")
    assert sorted(tables_of(home)) == ["recognition-clips-loso", "spotting-drawn-none"]
    for shift in (0, 4):
        make_run(tmp_path / "runs", tasks=("spot",), shift=shift)
    measured = boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path / "runs"))[0].parts[0]
    table = tables_of(home, boards_collect.collect_finished_runs(tmp_path / "runs"))["spotting-drawn-loso"]
    part = table.parts[0]
    assert part.rows == measured.rows  # nothing of them moved
    kinds = [line.split(",")[2] for line in as_csv(table).splitlines()[1:]]
    assert len(kinds) == len(part.rows) + 6
    assert set(kinds[:-6]) == {"measured", "chance"}
    assert kinds[-6:] == ["rescored"] * 4 + ["published"] * 2  # a line for each table of the paper
    first, *others = part.rescored
    assert first.printed == {"f1": "0.0000"}
    assert not any(row.printed for row in others)
    assert "Answers of the authors' own programs" in latex_tables(table)
    assert [row.scores["f1"].value for row in part.rescored] == pytest.approx([0, 0, 6 / 7, 6 / 7], abs=1e-6)


def test_rescore_source_rows_stand_beside_equal_schemes_alone(in_home, home, tmp_path):
    in_home("namer")
    known = collect_rescored(home / "rescored", print)
    (place,) = (table for table in rescored_tables(known, []) if table.parts[0].name == "all clips")
    for name in ("three", "five"):
        make_run(tmp_path / "runs", dataset="clips", tasks=("recognize",), scheme=name, settings={"scheme": name})
    for scheme, beside in (
        ("five", {"-scheme_five": 1, "-scheme_three": 0}),
        ("seven", {"-scheme_five": 0, "-scheme_seven": 1, "-scheme_three": 0}),
        ("", {"-scheme_five": 1, "-scheme_three": 1}),  # the source names none
    ):
        variant = f"scheme {scheme}" if scheme else ""
        name = boards_build.table_name(place.task, place.dataset, place.protocol, variant)
        own = replace(place, name=name, variant=variant, scheme=scheme)
        measured = boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path / "runs"))
        tables = with_rescored(measured, [own], [])
        found = {table.name.removeprefix("recognition-clips-loso"): table for table in tables}
        n_rescored = {name: sum(len(part.rescored) for part in table.parts) for name, table in found.items()}
        assert n_rescored == beside
        assert all(table.scheme == name.removeprefix("-scheme_") for name, table in found.items())


def test_rescore_command_writes_nothing_unasked(in_home, home, capsys):
    in_home("spotter", write=False)
    assert not (home / "rescored" / "spotter.json").exists()
    assert "nothing was written: --write keeps these scores" in capsys.readouterr().out


def test_rescore_source_tables_are_built_without_the_files(in_home, home, clone, capsys, monkeypatch):
    in_home("spotter")
    shutil.rmtree(clone)
    leaderboard.leaderboard_build_command("runs", out=str(home), site=False)
    captured = capsys.readouterr()
    assert "1 table from 0 runs and 1 source rescored" in captured.out
    assert "namer is left out: it was not scored yet, mebench rescore namer --root CLONE" in captured.err
    text = "\n".join(page.read_text() for page in (home / "tables").glob("*.md"))
    assert "**Answers of the authors' own programs, rescored, not run here:**" in text
    assert "| Spotter | megc2020, the authors' rules | 0.0000<br>[" in text
    assert "<br>printed 0.0000 |" in text


def test_rescore_source_of_an_installed_package_writes_beside_it(home, clone, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mebench.cli.reproduce.PACKAGE", tmp_path)
    reproduce.rescore_command("namer", root=str(clone), leaderboards=str(home), json="-", write=True)
    assert sorted(file.name for file in Path("leaderboards/rescored").iterdir()) == ["namer.json", "namer.yaml"]
    assert not (home / "rescored" / "namer.json").exists()


def test_collect_rescored_leaves_out_damaged_outcomes(in_home, home):
    in_home("spotter")
    in_home("namer")
    folder = home / "rescored"
    messages = []
    (folder / "namer.json").write_text('{"key": ')
    source = yaml.safe_load((folder / "spotter.yaml").read_text())
    source["sets"][0]["k_prime"] = 12
    (folder / "spotter.yaml").write_text(yaml.safe_dump(source))
    assert collect_rescored(folder, messages.append) == []
    assert "namer.json is damaged" in messages[0]
    assert "it was scored before spotter.yaml changed" in messages[1]


def test_collect_rescored_holds_every_committed_source(capsys):
    known = collect_rescored(LEADERBOARDS / "rescored", print)
    assert capsys.readouterr().out == ""
    assert [source.id for source, _ in known] == list_sources(LEADERBOARDS / "rescored")
    assert len(known) >= 18
    for source, outcome in known:
        assert len(outcome["sets"]) == len(source.sets)


CUT = {("samm", "uar")}
"""Printed with digits cut off, not rounded: .5989 of .59898."""


PRINTED_CELLS = {
    "capsulenet": 8,
    "mmnet_casme3": 1,
    "mdmd": 18,
    "mean_casme2": 20,
    "lgsnet_cas_me2": 3,
    "tsmsnet_apex_cas_me2": 3,
}
"""Of the sources whose every printed value follows from the files."""
COUNTED = {
    "dma_lbp_cas_me2": ("micro", 30, 6177, 27),
    "dma_lbp_samm_lv": ("micro", 42, 1784, 117),
    "dma_mdmo_cas_me2": ("micro", 31, 908, 26),
    "megc2024_spotting_cas_me2": ("overall", 194, 489, 163),
    "megc2024_spotting_samm_lv": ("overall", 186, 319, 316),
    "lgsnet_cas_me2": ("overall", 131, 77, 226),
}
"""What the files themselves call TP, FP and FN, or the authors' README; of MEGC 2024 but for what the sources' notes say."""


LONG = {"lgsnet_cas_me2"}
"""By night: it has the answers of many epochs; what README says of it is that of the committed file (`tests/boards/test_committed.py`)."""


@pytest.fixture(scope="module")
def published():
    return read_published(LEADERBOARDS / "published.csv")


hashed_once = functools.cache(file_hash)
"""Of files that no test writes."""


@pytest.mark.parametrize(
    "name", [name for name in list_sources(LEADERBOARDS / "rescored") if NIGHTLY or name not in LONG]
)
def test_rescore_source_of_real_sources_equals_their_papers(name, published, monkeypatch):
    """Every printed value that no caveat calls wrong, to its last digit; and to what is committed."""
    root = outside("public_predictions", "the published answers of the authors' own programs")
    folder = LEADERBOARDS / "rescored"
    source = read_source(folder, name)
    monkeypatch.setattr(reproduction_rescore, "file_hash", hashed_once)
    try:
        found = find_files(source, root)
    except DataError as error:
        pytest.skip(f"not among the files beside the repository: {error}")
    monkeypatch.setattr(reproduction_rescore, "find_files", lambda *_: found)

    outcome = reproduction_rescore.rescore_source(source, root, draws=0)
    committed = json.loads((folder / f"{name}.json").read_text())
    for one, other in zip(outcome["sets"], committed["sets"], strict=True):
        for mine, theirs in zip(one["results"], other["results"], strict=True):
            known = ScoreTable.read(theirs["summary"]).numbers()
            without_intervals = {key: value for key, value in known.items() if not key.endswith((".low", ".high"))}
            assert ScoreTable.read(mine["summary"]).numbers() == pytest.approx(without_intervals, abs=2e-6)

    printed = reproduction_rescore.rescored_cells(source, outcome, published)
    if name in COUNTED:
        part, *counted = COUNTED[name]
        section = outcome["sets"][0]["results"][0]["summary"]["spotting"][part]
        assert [section[key] for key in ("tp", "fp", "fn")] == counted
    if name in PRINTED_CELLS:
        assert len(printed) == PRINTED_CELLS[name]
        for _, score, row, values in printed:
            value, *_ = next(iter(values.values()))
            if "impossible" not in row.caveats:
                places = 1 if (row.member, row.metric) in CUT else 0.5
                near = places * 10**-row.digits + 1e-6 if row.digits else 0
                assert value == pytest.approx(row.value, abs=near), score
    if name == "mean_casme2":  # the intervals around the peak, and half a window later
        hits = next(values for _, score, _, values in printed if score == "spotting.micro.tp")
        assert [hits["strict", later, ""][0] for later in (0, 17)] == [159, 190]
    if name == "lgsnet_cas_me2":  # what selection is worth: from the last epoch to the best of each tested person
        f1 = {
            r["choice"]: r["summary"]["spotting"]["overall"]["scores"]["f1"]["value"]
            for r in outcome["sets"][0]["results"][::2]
        }
        assert f1 == pytest.approx(
            {"pooled": 0.463717, "last": 0.403816, "others": 0.460993, "person": 0.514451}, abs=1e-6
        )


# -- forms of files --------------------------------------------------------------------------------------------------


def source_of(folder, files, truth, predictions, **more):
    """A source of files that are written here: name to content; readings name theirs."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def reading(given):
        hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in given["files"]}
        beside = {"beside": [reading(other) for other in given["beside"]]} if "beside" in given else {}
        return {**given, "files": hashes, **beside}

    one = {
        "dataset": "drawn",
        "protocol": "loso",
        "truth": [reading(truth)],
        "predictions": [reading(predictions)],
        **more,
    }
    about = {"title": "Ann", "method": "Spotter", "repository": "https://code.org/ann/spotter", "commit": "ab" * 20}
    return TypeAdapter(RescoredSource).validate_python({"id": "drawn", **about, "sets": [one]})


def spotted_in(source, folder):
    (result,) = reproduction_rescore.rescore_source(source, folder, draws=0)["sets"][0]["results"]
    return {k: (part["tp"], part["fp"], part["fn"]) for k, part in result["summary"]["spotting"].items()}


def test_rescore_takes_fractions_thresholds_and_kinds_by_rule(tmp_path):
    """Of video a: an interval that rounding down makes the truth, a macro-expression, one that is unsure, and a fourth of a video."""
    spotted = "a\t10.9\t20.2\t0.9\na\t40.5\t90\t0.8\na\t100\t110\t0.2\na\t120\t130\t0.7\na\t140\t150\t0.6\n"
    truth = "video,subject,onset,offset,kind\na,1,10,20,micro\na,1,40,90,macro\n"
    reading = {"columns": ["video", "onset", "offset", "confidence"], "files": ["of_1.txt"], "name": "of_{subject}.txt"}
    rules = {"rounded": "down", "macro_above": 15, "at_least": 0.5, "first": 3}
    files = {"of_1.txt": spotted, "truth.csv": truth}
    source = source_of(tmp_path, files, {"files": ["truth.csv"]}, {**reading, **rules})
    assert spotted_in(source, tmp_path) == {"micro": (1, 1, 0), "macro": (1, 0, 0), "overall": (2, 1, 0)}
    whole = source_of(tmp_path, files, {"files": ["truth.csv"]}, reading)
    with pytest.raises(DataError, match=r"the onset 10\.9 of a is fractional: the source must state rounded"):
        reproduction_rescore.rescore_source(whole, tmp_path)


def test_rescore_keeps_curves_and_mistakes_of_strict_rules(tmp_path):
    """Half a minute of video with two truths: the surest interval is right, two others are not."""
    files = {
        "truth.csv": "video,onset,offset,fps,n_frames\na,10,20,100,3000\na,500,510,100,3000\n",
        "spotted.csv": "video,onset,offset,confidence\na,200,210,0.7\na,10,20,0.9\na,100,110,0.8\n",
    }
    source = source_of(tmp_path, files, {"files": ["truth.csv"]}, {"files": ["spotted.csv"]})
    (result,) = reproduction_rescore.rescore_source(source, tmp_path, draws=0)["sets"][0]["results"]
    assert result["summary"]["curves"] == {"micro": [[0, 0.5], [2, 0.5], [4, 0.5]]}
    mistakes = result["summary"]["mistakes"]["micro"]
    assert (sum(mistakes["false_positive"].values()), sum(mistakes["miss"].values())) == (2, 1)


def test_rescore_source_takes_rows_of_truth_and_answer(tmp_path):
    """Behind a header, with -1 where there is no interval, and the video's folder in front."""
    log = ",T_1,T_2,P_1,P_2,K,class\ns1/a,10,20,10,20,1.0,TP\ns1/a,-1,-1,40,50,0,FP\ns2/b,30,40,-1,-1,0,FN\n"
    reading = {"files": ["log.csv"], "always": {"kind": "macro"}}
    assert spotted_in(source_of(tmp_path, {"log.csv": log}, reading, reading), tmp_path) == {"macro": (1, 1, 1)}
    pooled = source_of(tmp_path, {"log.csv": log}, {"files": ["log.csv"]}, {"files": ["log.csv"]}, pooled=True)
    assert spotted_in(pooled, tmp_path) == {"overall": (1, 1, 1)}


def test_rescore_source_names_a_pickle_by_rows_of_another_file(tmp_path):
    """The classes that both name must agree, row by row."""
    names = {"columns": ["video", "emotion"], "section": ["dataset", "subject", "_"], "files": ["names.txt"]}
    beside = {"columns": ["video", "_"], "section": ["dataset", "subject", "_"], "files": ["names.txt"]}

    def source(listed):
        files = {
            "names.txt": listed,
            "answers.pkl": pickle.dumps({"Y_true": np.array([0, 1]), "Y_pred": np.array([0, 0])}),
        }
        truth = {"files": ["answers.pkl"], "beside": [names]}
        return source_of(tmp_path, files, truth, {"files": ["answers.pkl"], "beside": [beside]}, clips=True)

    (result,) = reproduction_rescore.rescore_source(source("one s1 .\na 0\nb 1\n"), tmp_path, draws=0)["sets"][0][
        "results"
    ]
    assert result["summary"]["recognition"]["scores"]["accuracy"]["value"] == 0.5
    with pytest.raises(DataError, match=r"answers\.pkl is not in the order of names\.txt: row 1 has another class"):
        reproduction_rescore.rescore_source(source("one s1 .\na 1\nb 0\n"), tmp_path)
    with pytest.raises(DataError, match=r"answers\.pkl is not in the order of names\.txt: 2 rows, 3 names"):
        reproduction_rescore.rescore_source(source("one s1 .\na 0\nb 1\nc 1\n"), tmp_path)


def test_rescore_source_turns_frame_scores_into_intervals(tmp_path):
    """One list a subject, its videos one after the other: a peak at frame 30 of a and at 20 of c; `shift` puts intervals later."""
    peak = {"a": 30, "b": None, "c": 20}
    scores = {
        v: [[1.0 if at is not None and abs(n - at) < 4 else 0.01 * (n % 3)] for n in range(60)]
        for v, at in peak.items()
    }
    files = {
        "scores.pkl": pickle.dumps([scores["a"] + scores["b"], scores["c"]]),
        "truth.csv": "subject,video,onset,offset\ns1,a,26,34\ns1,b,,\ns2,c,16,24\n",
    }
    reading = {
        "files": ["scores.pkl"],
        "always": {"kind": "micro"},
        "series": {"s1": {"a": 60, "b": 60}, "s2": {"c": 60}},
        "spotted": {"k_prime": 4, "p": 0.6, "rule": "released_code"},
    }
    found = {}

    for shift in (0, 20):
        source = source_of(tmp_path, files, {"files": ["truth.csv"]}, {**reading, "shift": shift})
        found[shift] = spotted_in(source, tmp_path)["micro"]
    assert found[0][0] == 2
    assert found[20][0] == 0
    assert found[0][2] == 0

    short = {**reading, "series": {"s1": {"a": 60, "b": 59}, "s2": {"c": 60}}}
    with pytest.raises(DataError, match=r"scores\.pkl does not hold 119, 60 scores, one list a subject"):
        reproduction_rescore.rescore_source(source_of(tmp_path, files, {"files": ["truth.csv"]}, short), tmp_path)


def test_rescore_averages_of_whole_windows_equal_scipy_peaks(tmp_path):
    """Without frames that are put before and after the video, whose averages are low and lower the threshold."""
    scores = np.random.default_rng(3).random(80).cumsum() % 3
    means = np.lib.stride_tricks.sliding_window_view(scores, 2 * 4).mean(axis=1)
    peaks, _ = find_peaks(means, height=means.mean() + 0.6 * (means.max() - means.mean()), distance=4)
    truth = "".join(f"s1,a,{peak},{peak + 8}\n" for peak in peaks)  # the peak at peak + 4, and 4 frames on both sides
    files = {"scores.pkl": pickle.dumps([list(scores)]), "truth.csv": "subject,video,onset,offset\n" + truth}
    reading = {"files": ["scores.pkl"], "always": {"kind": "micro"}, "series": {"s1": {"a": 80}}, "averaged": True}
    spotted = {"k_prime": 4, "p": 0.6, "rule": "released_code", "smoothing": "none"}
    rules = {"convention": "strict, threshold=1"}
    source = replace(source_of(tmp_path, files, {"files": ["truth.csv"]}, {**reading, "spotted": spotted}), **rules)
    first = reproduction_rescore.rescore_source(source, tmp_path, draws=0)["sets"][0]["results"][0]["summary"][
        "spotting"
    ]["micro"]
    assert (first["tp"], first["fp"], first["fn"]) == (len(peaks), 0, 0)
    assert len(peaks) > 2


def test_rescore_source_of_counts_scores_only_what_follows(tmp_path):
    """Two people and three classes; rows that sum them up are left out, and so are scores that need the confusions."""
    rows = 'model,acc,TP_C,TP\nof_1.pth,0.6,"[2, 1, 2]","[1, 1, 1]"\nof_2.pth,0.5,"[2, 0, 0]","[1, 0, 0]"\nALL,.,"[9, 9, 9]","[9, 9, 9]"\n'
    counted = {
        "files": ["counts.csv"],
        "header": {"model": "subject"},
        "pattern": {"subject": r"of_(\d)\.pth"},
        "only": {"subject": r"\d"},
        "counts": ("TP_C", "TP", ("sad", "glad", "other")),
    }
    source = source_of(tmp_path, {"counts.csv": rows}, counted, counted, clips=True)
    source = replace(source, convention="strict, class_scores=accuracy+uar")
    (result,) = reproduction_rescore.rescore_source(source, tmp_path, draws=0)["sets"][0]["results"]
    scores = {name: score["value"] for name, score in result["summary"]["recognition"]["scores"].items()}
    assert scores["accuracy"] == pytest.approx(4 / 7, abs=1e-6)
    assert scores["uf1"] is None
    assert scores["uar"] == pytest.approx((2 / 4 + 1 / 1 + 1 / 2) / 3, abs=1e-6)


def epochs_of(folder):
    """Two people, three epochs. The last is worst; the first is best for person 1, the second for person 2 and for both together."""
    right = {"1": "10\t20", "2": "50\t60"}
    quality = {"1": {"0": 1, "1": 0, "2": 0}, "2": {"0": 0, "1": 2, "2": 0}}
    files = {}
    for person, of_epoch in quality.items():
        for epoch, hits in of_epoch.items():
            rows = [f"v{person}\t{right[person]}\t0.9\n"] * min(hits, 1) + [f"v{person}\t80\t90\t0.6\n"] * max(
                hits - 1, 0
            )
            rows += [f"v{person}\t200\t210\t0.4\n"]
            files[f"person_{person}/epoch_{epoch}.txt"] = "".join(rows)
    files["truth.csv"] = "video,subject,onset,offset\nv1,1,10,20\nv2,2,50,60\nv2,2,80,90\n"
    reading = {"columns": ["video", "onset", "offset", "confidence"], "name": "person_{subject}/epoch_{epoch}.txt"}
    choice = {"rules": ["pooled", "last", "others", "person"], "thresholds": [0.3, 0.7, 0.1]}
    predictions = {**reading, "files": [name for name in files if name.startswith("person")]}
    return source_of(folder, files, {"files": ["truth.csv"]}, predictions, choice=choice)


def test_rescore_source_of_several_epochs_chooses_by_rule(tmp_path):
    """Person 1 is served best by the first epoch, person 2 by the second; who may not look at them takes what served the other."""
    source = epochs_of(tmp_path)
    scored = reproduction_rescore.rescore_source(source, tmp_path, draws=5)["sets"][0]
    counts = {r["choice"]: r["summary"]["spotting"]["micro"] for r in scored["results"]}
    found = {rule: (part["tp"], part["fp"], part["fn"]) for rule, part in counts.items()}
    # A threshold from .5 on leaves out what is wrong. The other person's best epoch finds nothing of one's own.
    assert found == {"pooled": (2, 0, 1), "last": (0, 2, 3), "others": (0, 0, 3), "person": (3, 0, 0)}
    worth = {(row["leaking"], row["honest"]): row["f1"]["difference"]["value"] for row in scored["selection"]}
    assert worth["person", "last"] == pytest.approx(1)
    assert worth["pooled", "others"] == pytest.approx(0.8)
    assert {row["looks"] for row in scored["selection"]} == {15}  # three epochs at .3, .4, .5, .6 and .7
    (tmp_path / "person_1" / "epoch_0.txt").unlink()
    with pytest.raises(DataError, match=r"no file in .* is person_1/epoch_0\.txt, SHA-256"):
        reproduction_rescore.rescore_source(source, tmp_path)
