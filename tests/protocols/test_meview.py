"""The three classes of MEVIEW's protocol, whatever the datasets call their schemes."""

from types import SimpleNamespace

import pytest

from mebench.core import Scheme
from mebench.errors import ConfigError
from mebench.protocols import challenges

THREE = ("negative", "positive", "surprise")
FIRST = Scheme("megc", THREE, {"fear": "negative"}, excluded=frozenset({"doubtful"}))
LATER = Scheme("other", THREE[::-1], {"fear": "surprise"}, excluded=frozenset({"dark"}))
MIXED = (Scheme("native", ("fear",), {"fear": "fear"}), Scheme("objective", THREE, {"i": "positive"}, by="objective"))


def dataset(*schemes):
    return SimpleNamespace(schemes={scheme.name: scheme for scheme in schemes})


def test_three_classes_takes_the_first_fitting_scheme():
    found = challenges.three_shared_classes(dataset(*MIXED, FIRST, LATER))
    assert (found.classes, found.mapping) == (THREE, {"fear": "negative"})
    assert found.excluded == {"doubtful"}


def test_three_classes_names_labels_of_members():
    members = {"smic": dataset(FIRST), "samm": dataset(LATER)}
    found = challenges.three_shared_classes(SimpleNamespace(members=members))
    assert found.mapping == {"smic:fear": "negative", "samm:fear": "surprise"}
    assert found.excluded == {"doubtful", "dark"}


def test_three_classes_names_a_dataset_without_such_scheme():
    with pytest.raises(ConfigError, match=r"no scheme of samm has these classes \(it has native, objective\)"):
        challenges.three_shared_classes(SimpleNamespace(members={"smic": dataset(FIRST), "samm": dataset(*MIXED)}))
