"""`folds.json` of many people does not grow with their square, and readers see no difference."""

import json

import pytest

from mebench.errors import RunError
from mebench.runs import RunFolder
from mebench.runs.fold_sides import FEW_PEOPLE


def left_out_once(n, with_valid=False):
    """The folds of n people who are each left out once, as a run describes them."""
    people = [f"many/{number:04d}" for number in range(n)]
    folds = []
    for number, tested in enumerate(people):
        valid = people[number - 3 : number] if with_valid and number > 2 else []
        train = [name for name in people if name not in {tested, *valid}]
        folds.append({"fold": tested, "train": train, "valid": valid, "test": [tested]})
    return {"protocol": "loso", "folds": folds, "warnings": []}


@pytest.mark.parametrize("with_valid", [False, True])
@pytest.mark.parametrize("n", [FEW_PEOPLE, FEW_PEOPLE + 1])
def test_read_json_lists_the_people_that_write_json_was_given(tmp_path, n, with_valid):
    about = left_out_once(n, with_valid)
    about["folds"][1]["train"] = about["folds"][1]["train"][::-1]  # any order is kept
    RunFolder(tmp_path).write_json("folds.json", about)
    assert RunFolder(tmp_path).read_json("folds.json") == about
    written = json.loads((tmp_path / "folds.json").read_text())
    assert ("people" in written) == (n > FEW_PEOPLE)


def test_read_json_takes_the_lists_of_earlier_versions(tmp_path):
    about = left_out_once(FEW_PEOPLE + 50)
    (tmp_path / "folds.json").write_text(json.dumps(about))
    assert RunFolder(tmp_path).read_json("folds.json") == about


def test_write_json_grows_with_people_not_with_their_square(tmp_path):
    sizes = []
    for n in (200, 400):
        RunFolder(tmp_path).write_json("folds.json", left_out_once(n))
        sizes.append((tmp_path / "folds.json").stat().st_size)
    assert sizes[1] < 2.1 * sizes[0]
    assert sizes[1] < 400 * 250


def test_read_json_refuses_numbers_of_nobody(tmp_path):
    (tmp_path / "folds.json").write_text(
        '{"people": ["a/1"], "folds": [{"train": {"only": [7]}, "valid": {}, "test": {}}]}'
    )
    with pytest.raises(RunError, match="cannot be read"):
        RunFolder(tmp_path).read_json("folds.json")
