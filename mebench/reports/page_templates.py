"""The templates of all pages, and what they may use."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mebench import json_output
from mebench.metrics import catalogue
from mebench.metrics.catalogue import METRICS
from mebench.number_format import format_ends, format_table_number
from mebench.reports.timeline import SCRIPT, STYLE, clock_time, pack_timelines
from mebench.runs.fold_files import safe_name
from mebench.table_output import as_sentence, interval_bar
from mebench.terminal import for_template

SHEET = Path(__file__).parent / "static" / "site.css"


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
        "sheet": Markup(SHEET.read_text(encoding="utf-8")),
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
        "bar": interval_bar,
        "words": lambda name: name.replace("_", " "),
        "meaning": lambda name: catalogue.find_metric(name).describe(),
        "page": safe_name,
        "sentence": as_sentence,
        "setting": json_output.text_of_value,
    }
    return found
