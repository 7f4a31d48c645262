"""One name space: usual spellings lead to one plugin, boards and challenges to their card, and no near name is another database."""

import re

import pytest

from mebench.config.registry import find_plugin, id_of_spelling, protocol_of_spelling
from mebench.config.sources import effective_values, layers_of
from mebench.errors import PluginError
from tests.cli.conftest import mebench  # noqa: F401


@pytest.mark.parametrize(
    ("word", "id_"),
    [
        ("casmeii", "casme2"),
        ("CASME II", "casme2"),
        ("cas(me)^2", "cas_me2"),
        ("CAS(ME)²", "cas_me2"),
        ("CAS(ME)^3", "casme3"),
        ("CAS ME 2", "cas_me2"),
        ("cas-me-2", "cas_me2"),
        ("CASME 2", "casme2"),
        ("CAS-ME-3", "casme3"),
        ("SAMM-LV", "samm_lv"),
        ("4DME", "four_dme"),
    ],
)
def test_id_of_spelling_finds_databases(word, id_):
    assert id_of_spelling("dataset", word) == id_
    assert effective_values(layers_of([f"dataset={word}"]))["dataset"][0] == id_


def test_find_plugin_names_no_other_database():
    with pytest.raises(PluginError) as refused:
        find_plugin("dataset", "casme4")
    assert "Did you mean" not in str(refused.value)
    with pytest.raises(PluginError, match="its id is 'casme2'"):
        find_plugin("dataset", "casmeii")


def test_info_shows_boards_and_spelled_datasets(mebench):  # noqa: F811
    assert "board megc2019: " in mebench("info", "megc2019")[1]
    assert "CASME II" in mebench("info", "casmeii")[1]


def test_unknown_verbs_lead_on(mebench):  # noqa: F811
    assert "'train': that is mebench run" in mebench("train", "method=mean")[2]
    assert " board," not in mebench("frobnicate")[2]


def test_table_of_unknown_name_refuses_before_work(mebench):  # noqa: F811
    code, _, error = mebench("table", "xyzzy")
    assert code == 4
    assert "comparing" not in error


@pytest.mark.parametrize("word", ["MEGC2019", "MEGC 2019", "megc-2019"])
def test_boards_are_found_by_usual_spellings(mebench, word):  # noqa: F811
    assert "board megc2019: " in mebench("info", word)[1]
    assert "Logistic regression" in mebench("table", word, "--row", "Logistic regression", "--row", "OFF ApexNet")[1]


def test_papers_and_challenges_are_found_by_usual_spellings(mebench):  # noqa: F811
    assert "paper mean2022: " in mebench("info", "Mean 2022")[1]
    assert "Grand Challenge 2025" in mebench("challenge", "info", "MEGC 2025")[1]


def test_preset_is_recorded_in_its_own_spelling(mebench):  # noqa: F811
    shown = mebench("config", "show", "method=random", "dataset=synthetic", "dataset.preset=Tiny")[1]
    assert re.search(r"dataset\.preset\s+tiny\b", shown)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("LOSO", "loso"),
        ("Leave one subject out", "loso"),
        ("leave-one-dataset-out", "lodo"),
        ("CDE", "megc2019_cde"),
        ("MEGC 2019", "megc2019_cde"),
        ("MEGC2019-CDE", "megc2019_cde"),
        ("nobody", "nobody"),
    ],
)
def test_protocol_of_spelling_finds_protocols(word, name):
    assert protocol_of_spelling(word) == name
    assert effective_values(layers_of([f"protocol={word}"]))["protocol"][0] == name


def test_members_of_a_composite_are_found_by_spellings():
    spelled = effective_values(layers_of(["dataset=[CASME II, slow:SAMM-LV,smic_hs]"]))["dataset"][0]
    assert spelled == "[casme2,slow:samm_lv,smic_hs]"
    assert effective_values(layers_of({"dataset": ["CASME II", "samm"]}))["dataset"][0] == ["casme2", "samm"]


@pytest.mark.parametrize("word", ["samm2", "casme4", "smic_hs3"])
def test_refusal_of_a_dataset_lists_its_family_and_means_none(word):
    with pytest.raises(PluginError) as refused:
        find_plugin("dataset", word)
    assert "Did you mean" not in str(refused.value)
    assert " casme2," in str(refused.value)
    assert " samm," in str(refused.value)


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("LOSO", "protocol loso: "),
        ("UF1", "metric uf1: "),
        ("megc19", "board megc2019: "),
        ("Tiny", "dataset=synthetic dataset.preset=tiny"),
        ("HTNet2024", "published result htnet2024: HTNet"),
    ],
)
def test_info_takes_usual_spellings_of_all(mebench, word, shown):  # noqa: F811
    assert shown in mebench("info", word)[1]


def test_info_shows_a_dataset_and_a_protocol_of_its_name(mebench):  # noqa: F811
    shown = mebench("info", "CAS(ME)^3")[1]
    assert "dataset casme3: " in shown
    assert "protocol casme3" in shown


def test_near_boards_are_named(mebench):  # noqa: F811
    for words in (("table", "megc2091"), ("plot", "megc2091", "-o", "x.png")):
        assert "Is the board 'megc2019' meant?" in mebench(*words)[2]
    assert "A board is shown by: mebench table BOARD" in mebench("leaderboard", "megc2019")[2]


def test_reproduce_finds_papers_without_their_year(mebench):  # noqa: F811
    assert "name a table of mean2022" in mebench("reproduce", "MEAN")[2]
    assert "unknown paper 'htnet'" in mebench("reproduce", "htnet")[2]


def test_sweep_takes_usual_spellings(mebench):  # noqa: F811
    words = ("dataset=Synthetic", "dataset.preset=Tiny", "--dry-run")
    spelled = mebench("run", "-m", "method=Optical-Strain,MDMD", "optical_strain.p=0.4,0.5", "protocol=LOSO", *words)
    assert spelled[0] == 0
    assert spelled == mebench("run", "-m", "method=optical_strain,mdmd", "optical_strain.p=0.4,0.5", *words)
