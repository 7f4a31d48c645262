"""The words of verbs that look at a dataset and run nothing."""

import pytest

from mebench.config import resolve_dataset
from mebench.errors import ConfigError


@pytest.fixture(autouse=True)
def no_user_file(monkeypatch, tmp_path):
    monkeypatch.delenv("MEBENCH_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def test_resolve_dataset_needs_no_method():
    config = resolve_dataset(["dataset=casme2", "dataset.root=/data/CASME2", "dataset.follow_links=true"])
    assert config.dataset == "casme2"
    assert (config.dataset_params["casme2"].root, config.dataset_params["casme2"].follow_links) == (
        "/data/CASME2",
        True,
    )


def test_resolve_dataset_gives_params_of_each_member():
    config = resolve_dataset(["dataset=[samm,casme2]", "dataset.samm.root=/s", "dataset.follow_links=true"])
    assert config.dataset == "samm+casme2"
    assert [(id_, p.root, p.follow_links) for id_, p in config.dataset_params.items()] == [
        ("samm", "/s", True),
        ("casme2", None, True),
    ]


def test_resolve_dataset_reads_files_of_whole_runs(tmp_path):
    (tmp_path / "run.yaml").write_text("method: mean\nseed: 3\nroots: {casme2: data}\ndataset: casme2\n")
    config = resolve_dataset([], [tmp_path / "run.yaml"])
    assert config.dataset_params["casme2"].root == str(tmp_path / "data")


@pytest.mark.parametrize("word", ["seed=1", "method=mean", "method.p=1", "recognizer=bi_woof", "scheme=five"])
def test_resolve_dataset_refuses_keys_of_runs(word):
    with pytest.raises(ConfigError, match=f"{word.split('=')[0]} belongs to a run"):
        resolve_dataset(["dataset=casme2", word])


def test_resolve_dataset_refuses_unknown_keys():
    with pytest.raises(ConfigError, match=r"unknown key 'datset\.root'\. Did you mean 'dataset\.root'"):
        resolve_dataset(["dataset=casme2", "datset.root=/x"])
