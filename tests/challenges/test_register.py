"""The register of challenges: tasks that name what mebench has."""

import pytest

import mebench
from mebench import challenges
from mebench.errors import ConfigError
from mebench.exchange import write
from mebench.metrics.conventions import CONVENTIONS

task = challenges.register.find_task
ALL = [one for found in challenges.register.load_challenges().values() for one in found.tasks.values()]


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_challengetask_names_what_mebench_has(one):
    assert one.form in {*write.FORMATS, "clips", "answers"}
    assert one.convention in CONVENTIONS
    assert one.truth == "hidden" or {*one.truth.split(", ")} <= {*mebench.datasets().index}
    assert bool(one.classes) == (one.form == "clips")
    assert challenges.register.find_challenge(one.name.partition("/")[0]).source


def test_challengetask_refuses_wrong_or_open_name_in_a_sentence():
    assert task("megc2023") is task("megc2023/spotting")
    with pytest.raises(ConfigError, match="unknown challenge 'megc2032'"):
        task("megc2032")
    with pytest.raises(ConfigError, match="megc2025 has the tasks str and vqa: name one, such as megc2025/str"):
        task("megc2025")
    with pytest.raises(ConfigError, match="unknown task of megc2025 'vqx'"):
        task("megc2025/vqx")
