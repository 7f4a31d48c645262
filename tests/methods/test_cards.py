"""The numbers that cards give as measured are those of the records that they name."""

import json
import re
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from mebench.config import registry
from mebench.records import record as records_record
from mebench.runs import RunFolder

CHECKOUT = Path(__file__).parents[2]
RECORDS = CHECKOUT / "leaderboards" / "records"
METHODS = registry.list_plugins("method")
UNMEASURED = "Not measured here yet: no record of a whole run is in the repository."
ROW = re.compile(r"\| `(\S+)` \| .* \| `(\S+)` \| (\S+) \| (?:\[(\S+), (\S+)\]|–) \| (\S+) to (\S+) \| (.+) \|")


def card(id_):
    """The text of a method's card."""
    return (CHECKOUT / "methods" / id_ / "README.md").read_text(encoding="utf-8")


def rows(id_):
    """Run, score, mean, low, high, lowest and highest seed, and the seeds with the beginnings of the keys."""
    return [found.groups() for line in card(id_).splitlines() if (found := ROW.fullmatch(line))]


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


@pytest.fixture(scope="module")
def table_rows():
    """The rows of the committed tables that pool a record, by record, with task and part."""
    found = {}
    folder = RECORDS.parent / "tables"
    files = [file for task in ("spotting", "analysis", "recognition") for file in folder.glob(f"{task}-*.json")]
    for file in files:
        table = json.loads(file.read_text(encoding="utf-8"))
        for part in table["parts"]:
            for row in part["rows"]:
                for record in row["runs"]:
                    found.setdefault(record, []).append((table["task"], part["name"], row))
    return found


def interval(rows_of_record, path):
    """The ends of a score's interval in the row of a table; NaN, a dash on the card, where it has none."""
    task, *inside, name = path.split(".")
    place = inside[0] if inside else ""
    parts = {"spotting": place, "analysis": "true positives", "recognition": "members" if place else "all clips"}
    wanted = task, parts[task], place if task == "recognition" else ""
    (row,) = (row for own_task, part, row in rows_of_record if (own_task, part, row["member"]) == wanted)
    ends = (row["scores"][name][end] for end in ("low", "high"))
    return [float("nan") if end is None else end for end in ends]


def test_cards_have_numbers_of_their_records_or_say_none(table_rows):
    for id_ in METHODS:
        found = rows(id_)
        if not found:
            assert UNMEASURED in card(id_), f"{id_}: no row of measured scores, and it does not say that there is none"
            assert not list(RECORDS.glob(f"{id_}-*")), f"{id_}: there are records, and the card shows none"
        for run, path, *numbers, seeds in found:
            records = [f"{run}-seed{seed}" for seed in seeds.split(", ")]
            values = [score(record, path)["value"] for record in records]
            ends = interval(table_rows[records[0]], path)
            expected = [sum(values) / len(values), *ends, min(values), max(values)]
            shown = [float(number or "nan") for number in numbers]
            assert shown == pytest.approx(expected, abs=0.0005 + 1e-9, nan_ok=True), (run, path)


def tables_of_pairs(id_):
    """Head and rows of each table of a card that has a column for each pair of databases."""
    for table in re.findall(r"\| `\S+-pairs` \| mean of six \|.*\n(?:\|.*\n)+", card(id_)):
        head, _, *lines = ([cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines())
        yield head, lines


def scores_of_pair(run, seeds, name):
    """UF1 of a run's seeds from one database to another, or its mean over all six pairs."""
    pair = name.replace("CASME II", "casme2").replace(" to ", "-to-").lower()
    parts = [recognition_of(f"{run}-seed{seed}") for seed in seeds.split(", ")]
    return [(part if pair == "mean of six" else part["folds"][pair])["scores"]["uf1"] for part in parts]


@cache
def recognition_of(record):
    """What the summary of a record says of recognition."""
    stored = json.loads((RECORDS / record / "record.json").read_text(encoding="utf-8"))
    return stored["summary"]["recognition"]


def test_cards_have_cross_database_scores_of_their_records():
    for head, lines in (table for id_ in METHODS for table in tables_of_pairs(id_)):
        assert len(head) == 9, head
        assert lines, head
        for _, *shown, seeds in lines:
            for name, cell in zip(head[1:-1], shown, strict=True):
                uf1 = scores_of_pair(head[0].strip("`"), seeds, name)
                mean, low, high = map(float, re.fullmatch(r"(\S+) \[(\S+), (\S+)\]", cell).groups())
                where = (head[0], name)
                assert mean == pytest.approx(sum(one["value"] for one in uf1) / len(uf1), abs=0.0005 + 1e-9), where
                lowest = min(one["low"] for one in uf1)
                highest = max(one["high"] for one in uf1)
                if len(uf1) == 1:
                    assert (low, high) == pytest.approx((lowest, highest), abs=0.0005 + 1e-9), where
                # The interval of the mean over seeds, which tests/tools/test_card_rows.py computes.
                assert lowest - 0.0005 <= low < mean < high <= highest + 0.0005, where


def test_cards_quote_means_of_other_methods_cards():
    """As in: lies beside `ststnet` (.696), one linear layer (`logistic`, .682)."""
    means = {id_: {mean for _, _, mean, *_ in rows(id_)} for id_ in METHODS}
    quoted = []
    for id_ in METHODS:
        prose = " ".join(line for line in card(id_).splitlines() if not line.startswith("|"))
        quoted += [(id_, *found) for found in re.findall(r"`(\w+)`(?: with `[^`]*`)?(?: \(|, | has )(\.\d{3})", prose)]
    assert len(quoted) > 5
    of_methods = [one for one in quoted if one[1] in means]
    assert [(id_, other, mean) for id_, other, mean in of_methods if mean not in means[other]] == []


def test_cards_say_where_tables_mark_another_method():
    marked = set()
    for id_ in METHODS:
        folders = {RECORDS / f"{run}-seed{seed}" for run, *_, seeds in rows(id_) for seed in seeds.split(", ")}
        marked |= {id_ for folder in folders if records_record.read_record(RunFolder(folder)).other_input}
    said = {id_ for id_ in METHODS if "not of the paper's method" in card(id_)}
    assert marked == said
    assert marked


def test_cards_with_published_values_quote_them():
    published = set(pd.read_csv(CHECKOUT / "leaderboards" / "published.csv")["method"])
    silent = {id_ for id_ in METHODS if "No figures are quoted" in " ".join(card(id_).split())}
    assert silent
    assert not {METHODS[id_].title for id_ in silent} & published


def test_cards_have_false_alarms_of_tables():
    """As in: 15.26 [12.76, 17.63] false alarms a minute, with `threshold=absolute` 0.99 [0.00, 4.67]."""
    table = (CHECKOUT / "leaderboards" / "quiet.md").read_text(encoding="utf-8")
    measured = re.findall(r"^\| (\w+) .*\| (\S+) \| (\S+) to (\S+) \|$", table, re.MULTILINE)
    quoted = []
    for id_ in METHODS:
        for sentence in re.findall(r"On drawn people without expressions[^(]*", " ".join(card(id_).split())):
            quoted += [(id_, *found) for found in re.findall(r"(\d+\.\d\d) \[(\d+\.\d\d), (\d+\.\d\d)\]", sentence)]
    assert sorted(quoted) == sorted(measured)
