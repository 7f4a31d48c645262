"""`protocol.folds=5`: keys of a protocol, where they come from and what is refused; members with names of their own."""

import json

import pytest

from mebench.config import from_plain, resolve, shaping_settings
from mebench.errors import ConfigError, PluginError
from mebench.protocols import find_protocol


@pytest.fixture
def config(write_plugin):
    write_plugin("method", "tiny")
    root = write_plugin("dataset", "toy")
    return lambda *words, files=(): resolve(["method=tiny", "dataset=toy", *words], files, [root])


def kfold_params(folds):
    return find_protocol("kfold").settings(folds=folds)


def test_resolve_types_keys_of_the_protocol(config):
    assert config("protocol=kfold").protocol_params == kfold_params(folds=5)
    found = config("protocol=kfold", "protocol.folds=3")
    assert (found.protocol, found.protocol_params) == ("kfold", kfold_params(folds=3))
    assert found.origins["protocol.folds"] == "command line"
    assert found.origins["protocol.seed"] == "default (protocol kfold)"
    assert from_plain(json.loads(json.dumps(found.values))) == found
    assert shaping_settings(found) != shaping_settings(config("protocol=kfold"))


def test_resolve_leaves_keys_of_another_protocol_alone(config, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("protocol: {name: kfold, folds: 4}\n")
    assert config(files=[file]).protocol_params == kfold_params(folds=4)
    assert config("protocol.folds=7", files=[file]).protocol_params == kfold_params(folds=7)
    assert config("protocol=loso", files=[file]).protocol == "loso"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["protocol=kfolt"], "unknown protocol 'kfolt'. Did you mean 'kfold'?"),
        (["protocol=kfold", "protocol.fold=3"], "unknown key 'protocol.fold'. Did you mean 'protocol.folds'?"),
        (
            ["protocol=kfold", "protocol.k=3"],
            "unknown key 'protocol.k'. Did you mean 'protocol.folds'? Known: protocol.folds",
        ),
        (
            ["protocol=kfold", "protocol.x=3"],
            "unknown key 'protocol.x'. mebench info NAME shows those of another protocol. Known: protocol.folds, protocol.seed, "
            "protocol.train_people. (command line)",
        ),
        (
            ["protocol.folds=3"],
            "unknown key 'protocol.folds'. mebench info NAME shows those of another protocol. Known: protocol.train_people.",
        ),
        (["protocol=kfold", "protocol.folds=x"], "protocol.folds must be an int, not 'x' (command line)"),
        (["protocol=kfold", "protocol.folds=1"], "protocol.folds must be 2 or more, not 1 (command line)"),
        (
            ["protocol=holdout"],
            "protocol=holdout needs to know who is tested, by protocol.test=[01,02] or, drawn, by protocol.share=0.2: neither is there",
        ),
        (["protocol=loso_named"], "protocol=loso_named needs the people to leave out: give protocol.test=[01,02]"),
        (["protocol=cdmer", "protocol.type=III"], "protocol.type must be I|II, not 'III'"),
        (["audit=leek"], "unknown audit 'leek'. Did you mean 'leak'? Known: guard, leak, leak_last, leak_stop"),
    ],
)
def test_resolve_refuses_wrong_protocol_keys(config, words, reason):
    with pytest.raises(ConfigError) as error:
        config(*words)
    assert reason in str(error.value)


def test_resolve_takes_one_dataset_under_two_names(config):
    found = config("dataset=[low:toy,high:toy]", "dataset.high.p=0.9", "dataset.low.p=0.1")
    assert {word: params.p for word, params in found.dataset_params.items()} == {"low:toy": 0.1, "high:toy": 0.9}
    assert found.dataset == "low+high"
    again = from_plain(json.loads(json.dumps(found.values)))
    assert again == found
    assert shaping_settings(again) == shaping_settings(found)


@pytest.mark.parametrize(
    ("word", "kind", "reason"),
    [
        ("dataset=[a:toy,a:toy]", ConfigError, "needs two members or more, each once"),
        ("dataset=[A b:toy,c:toy]", ConfigError, "'A b' cannot name a member of a composite"),
        ("dataset=[a:toi,b:toy]", PluginError, "unknown dataset 'toi'. Did you mean 'toy'"),
    ],
)
def test_members_refuses_names_that_cannot_be(config, word, kind, reason):
    with pytest.raises(kind) as error:
        config(word)
    assert reason in str(error.value)
