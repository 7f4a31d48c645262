"""Numbers of a run's page."""

import re
from types import SimpleNamespace

import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from mebench.reports import page_templates, plots, report, timeline
from tests.helpers.plain_rules import rows, tables


def test_confusion_matrix_has_counts_and_shares():
    classes = "abc"
    truth = list("aaaabbcaab")
    predicted = list("aabcbbcaba")
    table = plots.count_confusions(pd.DataFrame({"truth": truth, "predicted": predicted}), classes)
    counts, shares = (confusion_matrix(truth, predicted, labels=list(classes), normalize=by) for by in (None, "true"))
    assert list(table.columns) == list(table.index) == list(classes)
    assert table.to_numpy().tolist() == counts.tolist()
    page = (
        page_templates.template_environment()
        .get_template("parts.html")
        .module.confusions({"confusions": [("all", table)], "classes": None, "wrong": None})
    )
    cells = re.findall(r'--share:([\d.]+)">(\d+)<small>(\d+) %', page)
    assert [int(n) for _, n, _ in cells] == counts.ravel().tolist()
    assert [float(share) for share, _, _ in cells] == pytest.approx(shares.ravel().tolist(), abs=0.005)
    assert [int(share) for _, _, share in cells] == pytest.approx((100 * shares).ravel().tolist(), abs=0.5)
    assert [int(total) for total in re.findall(r'class="num">(\d+)</td></tr>', page)] == counts.sum(axis=1).tolist()


def test_cures_are_sorted_by_gain():
    mistakes_of_run = {
        "micro": {
            "gain": {"blink": 0.01, "missed": 0.3, "near_miss": 0.1},
            "missed_by_length": {"short": 0.5, "long": 0.25},
        },
        "macro": {"gain": {"blink": 0.2}},
    }

    found = report.table_of_cures(mistakes_of_run)
    assert [column.name for column in found.columns] == ["gain in F1", "micro", "macro"]
    assert found.rows == [("all other misses found", 0.3, None), ("blink", 0.01, 0.2), ("near miss", 0.1, None)]
    name = "d/1/a"
    side = timeline.JudgedRun(
        "",
        tables([rows(name, [(10, 20)])], [rows(name, [(10, 20)])], [name]),
        ["micro"],
        pd.DataFrame(columns=report.SCORES),
    )
    record = SimpleNamespace(about={"classes": []}, summary={"mistakes": mistakes_of_run}, convention="strict")
    assert report.details_of_answers(record, side, each_clip=False)["missed"] == [
        ("micro, by length", "50 % short, 25 % long")
    ]
    assert report.table_of_cures({"micro": {"false_positive": {}}}) is None
