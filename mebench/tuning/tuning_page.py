"""The page of a tuning: the conclusion first, then scores, values and figures, and how it was made last."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mebench.output.table import as_sentence
from mebench.reports.page_templates import template_environment
from mebench.reports.report import write_page
from mebench.runs.fold_files import folder_name
from mebench.tuning.outcome import (
    describe_values,
    front_tables,
    score_table,
    trials_in_words,
    tuning_remarks,
    value_table,
)

TEMPLATES = Path(__file__).parent / "templates"
PAGE = "report.html"
FIGURES = {
    "history": "Trials in their order",
    "slices": "Scores against each value",
    "importance": "Importance of the parameters",
    "folds": "Trials after each inner fold",
    "pareto": "Pareto front",
}
"""The figures of a study in their order, with their headings."""


def write_tuning_page(plain: Mapping[str, Any]) -> Path:
    """Write the page of a tuning beside its figures; it needs no other file.

    Args:
        plain: outcome of the tuning, as `mebench tune --json` writes it.

    Raises:
        DataError: it cannot be written.
    """
    folder = Path(plain["folder"])
    file = folder / PAGE
    write_page(page_of_tuning(plain), file)
    return file


def page_of_tuning(plain: Mapping[str, Any]) -> str:
    """The text of the page."""
    return (
        template_environment(TEMPLATES)
        .get_template("tuned.html")
        .render(
            plain=plain,
            findings=findings_of_tuning(plain),
            scores=score_table(plain),
            values=value_table(plain),
            fronts=front_tables(plain),
            figures=[*_figures_of_studies(plain)],
            trials=trials_in_words(plain),
        )
    )


def findings_of_tuning(plain: Mapping[str, Any]) -> list[str]:
    """The conclusion on new subjects, then what limits it, in sentences."""
    best = next(iter(plain["studies"].values()))["best"]["params"]
    conclusion = "No score was tuned, so nothing is compared on new subjects"
    remarks = tuning_remarks(plain)
    if plain["conclusion"]:
        *remarks, conclusion = remarks
    chosen = f"Chosen: {describe_values(best)}." if not plain["nested"] else ""
    return [f"{as_sentence(conclusion)} {chosen}".rstrip(), *(f"{line}." for line in remarks)]


def _figures_of_studies(plain: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Heading and address, which holds the picture itself, of each figure."""
    folder = Path(plain["folder"])
    for name in plain["studies"]:
        of_study = folder / folder_name(folder, name) if plain["nested"] else folder
        for figure, words in FIGURES.items():
            file = of_study / f"{figure}.png"
            if file.is_file():
                picture = base64.b64encode(file.read_bytes()).decode("ascii")
                heading = f"{words}, {name}" if plain["nested"] else words
                yield heading, f"data:image/png;base64,{picture}"
