import pandas as pd

from mebench.metrics.mistakes import count_mistakes
from mebench.results.render.summary import mistakes_lines, mistakes_table, plain


def mistakes(*rows):
    return pd.DataFrame(rows, columns=["mistake", "cause", "kind", "subject"])


SOME = mistakes(
    ("false_positive", "background", "micro", "d/1"),
    ("false_positive", "duplicate", "micro", "d/2"),
    ("miss", "missed", "micro", "d/2"),
)


def test_whoever_has_most_mistakes_comes_first_and_the_sum_last():
    wrong, missed = (
        {
            str(column.header): list(column.cells)
            for column in mistakes_table(count_mistakes(SOME, "subject"), what).columns
        }
        for what in ("false_positive", "miss")
    )
    assert wrong["subject"] == ["d/2", "d/1", "all", "share"]
    assert wrong["all"] == ["1", "1", "2", ""] and wrong["background"] == ["0", "1", "1", "50 %"]
    assert missed["missed"] == ["1", "0", "1", "100 %"] and missed["localisation"] == ["0", "0", "0", "0 %"]


def test_every_count_is_in_the_json_once():
    counts = plain(count_mistakes(SOME, "subject"))
    assert counts["d/2"]["false_positive"] == {"localisation": 0, "kind_confusion": 0, "duplicate": 1, "background": 0}
    assert counts["d/2"]["miss"] == {"localisation": 0, "kind_confusion": 0, "missed": 1}


def test_a_line_for_a_kind_without_mistakes():
    assert mistakes_lines({"macro": {"false_positive": {"background": 0}, "miss": {"missed": 0.5}}}) == [
        "mistakes, macro: false positives none; misses 0.5 missed"
    ]
