"""The templates of all pages, and what they may use."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mebench.metrics import catalogue
from mebench.metrics.catalogue import METRICS
from mebench.output import json_output
from mebench.output.number_format import format_ends, format_table_number
from mebench.output.table import as_sentence, interval_bar
from mebench.output.terminal import for_template
from mebench.records.rerun import rerun_command
from mebench.reports.scores import SELECTION, TRANSDUCTIVE
from mebench.reports.timeline import SCRIPT, STYLE, clock_time, pack_timelines
from mebench.runs.fold_files import safe_name
from mebench.score_type import Score

SHEET = Path(__file__).parent / "static" / "site.css"
TABLES_SCRIPT = Path(__file__).parent / "static" / "tables.js"
"""Makes the tables of a page sortable."""


def template_environment(*templates: Path) -> Environment:
    """Jinja with the templates here and in other folders; all values are escaped."""
    found = Environment(
        loader=FileSystemLoader([*templates, Path(__file__).parent / "templates"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=for_template,
    )
    found.globals |= {
        "meanings": METRICS,
        "selections": SELECTION,
        "transductions": TRANSDUCTIVE,
        "sheet": Markup(SHEET.read_text(encoding="utf-8")),
        "tables_script": Markup(TABLES_SCRIPT.read_text(encoding="utf-8")),
        "timeline_script": Markup(SCRIPT.read_text(encoding="utf-8")),
        "timeline_style": Markup(STYLE.read_text(encoding="utf-8")),
        "methods": {},  # those with a page, of which a page by itself has none
        "datasets": {},
    }
    found.filters |= {
        "digits": format_table_number,
        "interval": format_ends,
        "clock": clock_time,
        "pack_timelines": pack_timelines,
        "metric": lambda name: catalogue.find_metric(name).label,
        "bar": _bar_of_metric,
        "words": lambda name: name.replace("_", " "),
        "meaning": lambda name: catalogue.find_metric(name).describe(),
        "page": safe_name,
        "sentence": as_sentence,
        "setting": json_output.text_of_value,
        "rerun": lambda record: rerun_command(record.config, [record.config["seed"]]),
    }
    return found


def _bar_of_metric(score: Score, name: str) -> Markup:
    """The interval of a metric as a bar, if the metric is a share."""
    return interval_bar(score) if catalogue.find_metric(name).scale == "share" else Markup()
