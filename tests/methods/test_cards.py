"""The numbers that cards give as measured are those of the records that they name."""

import json
import re
from pathlib import Path

import pytest

from mebench.config import registry

CHECKOUT = Path(__file__).parents[2]
RECORDS = CHECKOUT / "leaderboards" / "records"
METHODS = sorted(registry.plugins("method"))
UNMEASURED = "Not measured here yet: no record of a whole run is in the repository."
ROW = re.compile(r"\| `(\S+)` \| .* \| `(\S+)` \| (\S+) \| \[(\S+), (\S+)\] \| (\S+) to (\S+) \| (.+) \|")


def rows(id_):
    """Run, score, mean, low, high, lowest and highest seed, and the seeds with the beginnings of the keys."""
    card = (CHECKOUT / "methods" / id_ / "README.md").read_text(encoding="utf-8")
    return [found.groups() for line in card.splitlines() if (found := ROW.fullmatch(line))]


def score(record, path):
    """`spotting.micro.f1`, `analysis.strs`, `recognition.samm.uf1` of a record's summary."""
    task, *rest = path.split(".")
    part = json.loads((RECORDS / record / "record.json").read_text(encoding="utf-8"))["summary"][task]
    if rest == ["strs"]:
        return part["strs"]
    *inside, name = rest
    for key in inside:
        part = part[key] if key in part else part["members"][key]
    return part["scores"][name]


@pytest.mark.parametrize("id_", METHODS)
def test_every_card_has_measured_numbers_of_its_records_or_says_that_there_are_none(id_):
    found = rows(id_)
    if not found:
        card = (CHECKOUT / "methods" / id_ / "README.md").read_text(encoding="utf-8")
        assert UNMEASURED in card, "no row of measured scores, and it does not say that there is none"
        assert not list(RECORDS.glob(f"{id_}-*")), "there are records, and the card shows none"
    for run, path, *numbers, seeds in found:
        scores = [score(f"{run}-seed{seed}", path) for seed in seeds.split(", ")]
        values = [one["value"] for one in scores]
        expected = [
            sum(values) / len(values),
            min(one["low"] for one in scores),
            max(one["high"] for one in scores),
            min(values),
            max(values),
        ]
        assert [float(number) for number in numbers] == pytest.approx(expected, abs=0.0005 + 1e-9), (run, path)
