"""How a board's order follows the published one: the page of `field` says what the program prints."""

import sys

import numpy as np
import published_order

TABLE = published_order.ROOT / "leaderboards/tables/spotting-synthetic-kfold-preset_field_protocol_folds_2.json"


def test_published_scores_are_those_of_nine_methods():
    halves = [half for _, half in published_order.published_scores().values()]
    assert (len(halves), halves.count(published_order.HELD_OUT)) == (9, 5)


def test_correlation_follows_ranks():
    """The first column is in the published order, draws are in it or against it."""
    rising = np.array([0.1, 0.2, 0.3, 0.4])
    scores = np.stack([rising, *[rising] * 60, *[rising[::-1]] * 40], axis=1)
    assert published_order.correlation(scores, [1, 2, 3, 9]) == (1.0, -1.0, 1.0)


def test_main_prints_what_the_page_says(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["published_order.py", str(TABLE)])
    published_order.main()
    printed = dict(line.split(": Spearman ") for line in capsys.readouterr().out.splitlines())
    words = " ".join(published_order.PAGE.read_text("utf-8").split()).replace("0.", ".")
    everyone, held_out = (printed[f"{name} methods"].replace("0.", ".") for name in ("all, 9", "held out, 5"))
    assert f"over 1,000 draws of other people: {everyone} over the nine, {held_out} over the held-out five." in words
