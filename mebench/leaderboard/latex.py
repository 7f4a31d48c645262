"""A table as LaTeX for a paper: `booktabs`, one `tabular` for each part, measured rows above, published ones below."""

from __future__ import annotations

from collections.abc import Iterator

from mebench.leaderboard.figures import digits, interval, name_of, shown
from mebench.leaderboard.rows import Part, Row, Table

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
    r"""All parts of a table, each as `\begin{table}`; needs `\usepackage{booktabs}` and `\usepackage[T1]{fontenc}`."""
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
    yield r"\begin{table}"
    yield r"  \centering"
    scheme = f", emotion scheme {escape(table.scheme)}" if table.scheme else ""
    yield (
        rf"  \caption{{{escape(table.title)}, {escape(part.name)}{scheme}. Scores with 95\,\% intervals over subjects; means "
        r"over seeds. Rows in italics are the level of chance.}"
    )
    yield rf"  \begin{{tabular}}{{ll{'r' * len(metrics)}}}"
    yield r"    \toprule"
    yield f"    method & seeds & {' & '.join(escape(name_of(metric)) for metric in metrics)} \\\\"
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


def _name(row: Row) -> str:
    words = ", ".join(filter(None, [row.method, row.member, row.settings if row.measured else ""]))
    return escape(words) if row.measured else rf"\textit{{{escape(words)}}}"


def _score(row: Row, metric: str) -> str:
    score = row.scores[metric]
    return escape(" ".join(filter(None, [digits(score["value"]), interval(score)])))


def _value(values: dict[str, str], caveats: dict[str, tuple[str, ...]], metric: str) -> str:
    return escape(values.get(metric, "–") + ("†" if caveats.get(metric) else ""))
