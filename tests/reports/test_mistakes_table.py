import pandas as pd

from mebench.metrics.mistakes import count_mistakes
from mebench.reports import scores


def mistakes(*rows):
    return pd.DataFrame(rows, columns=["mistake", "cause", "kind", "subject"])


SOME = mistakes(
    ("false_positive", "background", "micro", "d/1"),
    ("false_positive", "duplicate", "micro", "d/2"),
    ("miss", "missed", "micro", "d/2"),
)


def test_mistakes_table_begins_with_most_mistakes():
    wrong, missed = (
        {
            str(column.header): list(column.cells)
            for column in scores.mistakes_table(count_mistakes(SOME, "subject"), what).to_terminal().columns
        }
        for what in ("false_positive", "miss")
    )
    assert wrong["subject"] == ["d/2", "d/1", "all", "share"]
    assert wrong["all"] == ["1", "1", "2", ""]
    assert wrong["background"] == ["0", "1", "1", "50 %"]
    assert missed["missed"] == ["1", "0", "1", "100 %"]
    assert missed["localisation"] == ["0", "0", "0", "0 %"]


def test_comparison_as_json_counts_hold_each_count_once():
    counts = scores.plain_counts(count_mistakes(SOME, "subject"))
    assert counts["d/2"]["false_positive"] == {"localisation": 0, "kind_confusion": 0, "duplicate": 1, "background": 0}
    assert counts["d/2"]["miss"] == {"localisation": 0, "kind_confusion": 0, "missed": 1}


def test_print_causes_sorts_by_gain(capsys):
    scores.print_causes(
        {
            "micro": {
                "under": {"blink": 3, "macro": 12},
                "gain": {"blink": 0.01, "macro": 0.12, "missed": 0.3},
                "missed_by_length": {"short": 0.5, "long": 0.25},
            },
            "macro": {},
        }
    )
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in lines if "+" in line]
    assert rows == [["all", "other", "misses", "found", "+0.300"], ["macro", "12", "+0.120"], ["blink", "3", "+0.010"]]
    assert lines[-2:] == ["missed by length: 50 % short, 25 % long", scores.WHAT_CAUSES_MEAN]


def test_mistakes_lines_say_none():
    assert scores.mistakes_lines({"macro": {"false_positive": {"background": 0}, "miss": {"missed": 0.5}}}) == [
        "mistakes, macro: false positives none; misses 0.5 missed"
    ]
