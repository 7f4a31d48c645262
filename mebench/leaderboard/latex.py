"""A table as LaTeX for a paper: `booktabs`, one `tabular` for each part, measured rows above, published ones below."""

from __future__ import annotations

from collections.abc import Iterator

from mebench.leaderboard.figures import RULES, common, digits, interval, shown, stated, words
from mebench.leaderboard.rows import SHOWN_VERSIONS, Part, Row, Table
from mebench.metrics.catalogue import find

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "–": "--",
    "†": r"\textsuperscript{\dag}",
}
COLUMNS = 4
"""Metrics of a table, the first ones: more fit on no page."""


def latex(table: Table) -> str:
    r"""All parts of a table, each as `\begin{table}`; needs `\usepackage{booktabs}` and `\usepackage[T1]{fontenc}`.

    What has no room on a page, cost, rules, versions and run ids of every row, stands above it as comments.
    """
    lines = ["% Made by mebench leaderboard build. Needs booktabs, and fontenc with T1."]
    for part in table.parts:
        lines += ["", *_part(table, part)]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    r"""Text that LaTeX prints as it stands.

    >>> print(escape("a_b & 95 % \\end"))
    a\_b \& 95 \% \textbackslash{}end
    """
    return "".join(_SPECIAL.get(char, char) for char in " ".join(text.split()))


def _part(table: Table, part: Part) -> Iterator[str]:
    metrics = shown(part.metrics, part.rows)[:COLUMNS]
    columns = len(metrics) + 2
    for number, row in enumerate(part.rows, 1):
        yield from (f"% {line}" for line in _origin(number, row))
    yield r"\begin{table}"
    yield r"  \centering"
    scheme = f", emotion scheme {escape(table.scheme)}" if table.scheme else ""
    same = common(part.rows)
    rules = ", ".join(f"{name} {escape(same[name])}" for name in RULES if name in same)
    chance = " Rows in italics are the level of chance." if any(not row.measured for row in part.rows) else ""
    yield (
        rf"  \caption{{{escape(table.title)}, {escape(part.name)}{scheme}. Scores with 95\,\% intervals over subjects; means "
        rf"over seeds.{f' All: {rules}.' if rules else ''}{chance}}}"
    )
    yield rf"  \begin{{tabular}}{{ll{'r' * len(metrics)}}}"
    yield r"    \toprule"
    yield f"    method & seeds & {' & '.join(escape(find(metric).label) for metric in metrics)} \\\\"
    yield r"    \midrule"
    for row in part.rows:
        yield f"    {' & '.join([_name(row), str(len(row.seeds)), *(_score(row, metric) for metric in metrics)])} \\\\"
    lines = [line for line in part.published if any(metric in line.values for metric in metrics)]
    if lines:
        yield r"    \midrule"
        yield rf"    \multicolumn{{{columns}}}{{l}}{{Published by others, not measured here"
        yield r"      (\textsuperscript{\dag}: with a caveat)} \\"
    for line in lines:
        name = f"{line.method}, {line.member}" if line.member else line.method
        key = line.source.partition(" ")[0]
        cells = [f"{escape(name)} \\cite{{{key}}}", ""]
        cells += [_value(line.values, line.caveats, metric) for metric in metrics]
        yield f"    {' & '.join(cells)} \\\\"
    yield r"    \bottomrule"
    yield r"  \end{tabular}"
    yield r"\end{table}"


def _origin(number: int, row: Row) -> Iterator[str]:
    """Where the numbers of a row come from."""
    if not row.measured:
        return
    facts = [f"{words(name)} {stated(row, name)}" for name in (*RULES, *SHOWN_VERSIONS) if stated(row, name)]
    costs = [f"{words(name)} {value:g}" for name, value in row.costs.items()]
    yield f"{number}. {' '.join(' '.join([row.method, row.member, row.settings]).split())}"
    yield f"   {', '.join([*facts, *costs])}"
    yield f"   runs {', '.join(row.runs)}"


def _name(row: Row) -> str:
    tested = "selected on test subjects" if row.selection == "test" else ""
    name = ", ".join(filter(None, [row.method, row.member, row.settings if row.measured else "", tested]))
    return escape(name) if row.measured else rf"\textit{{{escape(name)}}}"


def _score(row: Row, metric: str) -> str:
    score = row.scores[metric]
    return escape(" ".join(filter(None, [digits(score["value"]), interval(score)])))


def _value(values: dict[str, str], caveats: dict[str, tuple[str, ...]], metric: str) -> str:
    return escape(values.get(metric, "–") + ("†" if caveats.get(metric) else ""))
