"""All tables on one page of Markdown: first the scores, then how they came about, then what others published."""

import re
from collections.abc import Iterable, Iterator, Sequence

from mebench.format import NONE, count, digits, ends, seconds, whole
from mebench.metrics.catalogue import find
from mebench.metrics.conventions import described
from mebench.results.published import CAVEATS
from mebench.results.rows import (
    NOTHING,
    PRINTED,
    QUIET,
    RULES,
    SHOWN_VERSIONS,
    Part,
    PublishedLine,
    Row,
    Table,
    apart,
    common,
    shares,
    shown,
    spread,
    stated,
    words,
)

HEAD = """# Leaderboards

Made by `mebench leaderboard build`, which also writes the same as a page with charts, `site/index.html`; do not edit. Methods
are compared within a table only: other data, protocols, emotion schemes or conventions make other tables.

- A score stands above its 95 % interval: over subjects, where one can be believed, or for a method that
  predicts by chance the band in which 95 % of its draws lie.
- With several seeds a score is the mean over them; below it stand the lowest and the highest seed, and the interval reaches
  from the lowest to the highest end of the seeds' own intervals.
- *not distinguishable*: rows that share a letter cannot be told apart by the first score (multiple range test: each subject's predictions
  are dealt anew among the rows of every set of neighbours; 5 % for all pairs together). A row of several seeds takes part with
  its median seed.
- *n* is what is scored: annotated expressions (spotting), spotted ones that are right (analysis, true positives),
  videos (analysis, all intervals), annotated clips (recognition).
- *settings* are those that are not the method's defaults. *selection*: `inner` methods choose something on inner
  validation subjects, `test` on the tested ones, which is also said beside the name: such a score is too good and stands
  below the others. *transductive*: `video` if a test video's own unlabelled statistics enter its predictions.
- *earlier features*: steps such as crops and flow were of an earlier version, which gave other numbers; they stay until the row is
  run anew.
- *not the paper's input*: a network of the literature on something else than what its paper gives it, for example since the authors'
  features are not public. What the paper's method would score is not known; *other input* says what it reads.
- *fit* and *predict* are seconds on whatever machine it was, summed over folds; *parameters* are all numbers that the
  largest model keeps: weights, running statistics of normalisations, and what else it fits, such as means, class weights or a threshold.
- Rows in italics are the level of chance, not methods.
- Rows *scored anew from the authors' files* are no runs: what authors published of their own programs' answers, read from their
  repository and scored by mebench, under their rules and the strict ones. Where intervals lie around the peak of scores of
  windows of k' frames, they are scored k'/2 later too. What the paper prints stands below the score that should equal it.
- What others published stands below the measured rows and is never sorted among them: other videos, other rules, other
  hands. The caveats are explained at the end.
"""


SELECTED = """
## What selection is worth

UF1 over all clips of the same trainings, chosen and not: *leaking* keeps for each tested subject the epoch of its best test accuracy,
*honest* takes the last epoch. *gain* is their difference with its 95 % interval, paired over subjects; it grows with the number of *looks*.
What the paper's own program does is told as far as its code or text was read; a published value belongs beside the number of its kind.
"""


UNMEASURED = "No run has been measured yet: `mebench run` makes one."


def markdown(tables: Sequence[Table], heads: Sequence[str] = (), selection: Sequence[Sequence[str]] = ()) -> str:
    """All tables on one page, with contents; `selection` are the rows, under `heads`, of what selection is worth."""
    parts = [part for table in tables for part in table.parts]
    conventions = sorted({row.convention for part in parts for rows in (part.rows, part.rescored) for row in rows})
    lines = [
        HEAD,
        *(f"- [{escape(table.title)}](#{_anchor(table.title)})" for table in tables),
        *(["- [What selection is worth](#what-selection-is-worth)"] if selection else []),
        *(line for table in tables for line in _table(table)),
        *([] if any(part.rows for part in parts) else [UNMEASURED]),
        *(
            [SELECTED, *_head(heads), *(_line([escape(cell) for cell in row]) for row in selection)]
            if selection
            else []
        ),
        "\n## Conventions\n",
        *(f"- {escape(described(c))}" for c in conventions),
        "\n## Caveats of published values\n",
        *(f"- `{caveat}`: {meaning}" for caveat, meaning in CAVEATS.items()),
    ]
    return "\n".join(lines) + "\n"


def _table(table: Table) -> Iterator[str]:
    links = ", ".join(f"[{ending.upper()}]({table.name}.{ending})" for ending in ("csv", "json", "tex"))
    scheme = f" Emotion scheme: {escape(table.scheme)}." if table.scheme else ""
    yield from (f"\n## {escape(table.title)}\n", f"As {links}.{scheme}")
    for part in table.parts:
        yield from (f"\n### {escape(part.name)}\n", *_part(part))


CAUSES = (
    "What lies under false positives, how many of them, and what F1 would gain if it were cured. What is not annotated in a run (–) "
    "stands under nothing:"
)
MISSED = (
    "Which expressions are missed, of each third by length, intensity and density; and false positives a minute in the videos "
    "without an expression of the kind, where nothing could be found, and in those of them without any expression:"
)


def escape(text: str) -> str:
    r"""Text in a cell of a Markdown table: nothing in it is markup or ends the cell.

    >>> print(escape("a|b *c* <d> _e_ f_g ~h~"))
    a\|b \*c\* &lt;d&gt; \_e\_ f_g \~h\~
    """
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\\", "&#92;")):
        text = text.replace(char, entity)
    return re.sub(r"([`*|~\[\]]|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", " ".join(text.split()))


def _part(part: Part) -> Iterator[str]:
    if part.rows:
        yield from _measured(part)
    if part.rescored:
        yield "\n" * bool(part.rows) + "**Scored anew from the authors' files, not run here:**\n"
        yield from _rescored(part)
    if part.published:
        yield "\n**Published by others, not measured here:**\n"
        yield from _published(part.published)


def _measured(part: Part) -> Iterator[str]:
    same = common(part.rows)
    yield from _scores(part)
    yield ""
    shared = [f"{words(name)} {escape(text)}" for name, text in same.items() if name != "remark"]
    if shared:
        yield f"All measured rows: {', '.join(shared)}."
    if same.get("remark"):
        yield f"\n{escape(_sentence(same['remark']))}"
    yield ""
    yield from _origins(part, same)
    if any(row.causes for row in part.rows):
        yield f"\n{CAUSES}\n"
        yield from _causes(part)
    if any(row.missed or row.quiet for row in part.rows):
        yield f"\n{MISSED}\n"
        yield from _missed(part)


def _scores(part: Part) -> Iterator[str]:
    metrics = shown(part.metrics, part.rows)
    members, groups = any(row.member for row in part.rows), any(row.group for row in part.rows)
    extra = [*(["member"] if members else []), *(["not distinguishable"] if groups else [])]
    yield from _head(["#", "method", *extra, *(find(metric).label for metric in metrics), "n"])
    for number, row in enumerate(part.rows, 1):
        cells = [str(number), _method(row, part.rows)]
        cells += [*([escape(row.member)] if members else []), *([row.group] if groups else [])]
        for metric in metrics:
            score, bold = row.scores[metric], "**" if metric == metrics[0] and row.measured else ""
            lines = [f"{bold}{digits(score['value'])}{bold}", ends(score), spread(score, row)]
            cells.append("<br>".join(filter(None, lines)))
        yield _line([*cells, count(row.n)])


_MARKED = {"earlier": "earlier features", "other_input": "other input"}
"""What says more of some `MARKS`, with the head of its column."""


def _origins(part: Part, same: dict[str, str]) -> Iterator[str]:
    own = [name for name in (*RULES, *SHOWN_VERSIONS) if name not in same]
    remarks = "remark" not in same and any(row.remark for row in part.rows if row.measured)
    marked = [name for name in _MARKED if any(getattr(row, name) for row in part.rows)]
    costs = ["fit, s", "predict, s", "parameters"]
    last = [*(_MARKED[name] for name in marked), "runs", *(["remark"] if remarks else [])]
    yield from _head(["#", "settings", "seeds", *costs, *map(words, own), *last])
    for number, row in enumerate(part.rows, 1):
        if row.measured:
            cells = (
                *(str(number), escape(row.settings) or "defaults", ", ".join(map(str, row.seeds))),
                *(seconds(row.costs.get(name)) for name in ("fit_seconds", "predict_seconds")),
                whole(row.costs.get("parameters")),
                *(escape(stated(row, name) or NONE) for name in own),
                *(escape(getattr(row, name)) or NONE for name in marked),
                *("<br>".join(map(escape, row.runs)), *([escape(row.remark)] if remarks else [])),
            )
            yield _line(cells)


def _causes(part: Part) -> Iterator[str]:
    """A column for each word that lies under a false positive of some row."""
    yield from _head(["#", "method", *map(words, part.causes)])
    for number, row in enumerate(part.rows, 1):
        if row.causes:
            told = (row.causes.get(name) for name in part.causes)
            cells = (f"{count(one[0])}<br>+{digits(one[1])}" if one else NONE for one in told)
            yield _line([str(number), _method(row, part.rows), *cells])


def _missed(part: Part) -> Iterator[str]:
    """A column for each property of truths that some row knows, and those of the videos where nothing could be found."""
    rates = (f"{find('fp_per_minute').label}, {absent}" for absent in QUIET)
    yield from _head(["#", "method", *(f"missed, by {name}" for name in part.properties), *rates])
    for number, row in enumerate(part.rows, 1):
        if row.missed or row.quiet:
            told = [shares(row.missed.get(name, {})) for name in part.properties]
            quiet = (row.quiet.get(absent) for absent in QUIET)
            rates = (f"{digits(one[0])}<br>in {one[1]:.1f} min" if one else NONE for one in quiet)
            yield _line([str(number), _method(row, part.rows), *told, *rates])


def _rescored(part: Part) -> Iterator[str]:
    """What public files score to; a score that the paper prints with the printed value below."""
    metrics, members = shown(part.metrics, part.rescored), any(row.member for row in part.rescored)
    heads = ["method", "rules", *(["member"] if members else []), *(find(metric).label for metric in metrics), "n"]
    yield from _head(heads)
    for row in part.rescored:
        cells = [escape(row.method), escape(row.reading), *([escape(row.member)] if members else [])]
        for metric in metrics:
            score, printed = row.scores.get(metric, NOTHING), row.printed.get(metric)
            lines = [digits(score["value"], PRINTED), ends(score, PRINTED), f"printed {printed}" if printed else ""]
            cells.append("<br>".join(filter(None, lines)))
        yield _line([*cells, count(row.n)])
    yield ""
    yield from dict.fromkeys(
        f"- [{escape(row.source)}](rescored/{row.source}.yaml): [{escape(row.place)}]({row.repository})"
        f"{f'; {escape(row.note)}' if row.note else ''}."
        for row in part.rescored
    )


def _published(lines: Sequence[PublishedLine]) -> Iterator[str]:
    """Published lines as a table; a value with a caveat is marked."""
    members = any(line.member for line in lines)
    metrics = list(dict.fromkeys(metric for line in lines for metric in line.values))
    yield from _head(
        [
            "method",
            *(["member"] if members else []),
            "classes",
            *(find(metric).label for metric in metrics),
            "caveats",
            "note",
            "source",
        ]
    )
    for line in lines:
        year = f" {line.year}" if line.year else ""
        cells = (
            *(escape(line.method) + year, *([escape(line.member)] if members else []), str(line.classes or NONE)),
            *(line.values.get(metric, NONE) + ("†" if line.caveats.get(metric) else "") for metric in metrics),
            *map(escape, (line.caveats_in_words(), line.note, f"{line.source}, {line.table}")),
        )
        yield _line(cells)


def _method(row: Row, rows: Sequence[Row]) -> str:
    own = apart(row, rows)
    name = escape(row.method) if row.measured else f"*{escape(row.method)}*"
    return f"{name}{f'<br>{escape(own)}' if own else ''}{''.join(f' ({mark})' for mark in row.marks)}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _head(cells: Sequence[str]) -> Iterable[str]:
    return _line(cells), f"|{'|'.join('---' for _ in cells)}|"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _anchor(title: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
