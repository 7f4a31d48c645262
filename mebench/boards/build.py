"""Build tables from measured runs: a row for each method and its settings, and rows for the level of chance."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from functools import cache, partial
from operator import itemgetter
from typing import Any

from mebench.boards.significance import Read, standing, together
from mebench.config import registry
from mebench.console import plural
from mebench.core import ABSENT, KINDS
from mebench.grouping import grouped
from mebench.metrics import (
    JOINT,
    METRICS,
    SECTIONS,
    columns as metrics_shown,
    miss_shares,
    names_chance,
    quiet_rate,
)
from mebench.records import (
    DAMAGE,
    NOTHING,
    QUIET,
    SCORING,
    UNRANKED,
    VERSIONS,
    Part,
    Record,
    Row,
    Score,
    Table,
    UnshownError,
    cached,
    ranked,
    row_facts,
    setting_words,
)
from mebench.reports.scores import parts_of
from mebench.runs import RunFolder, of_dataset, tables_of

OF_ROWS, OF_LETTERS = (*SCORING, "boards/build.py"), (*SCORING, "boards/significance.py")
"""The code of the stored values of single rows, and of the rows of a table together."""
CHANCE = {"as_many": "random (as many as truths)", "best_rate": "random (best rate)"}


def chance_methods() -> set[str]:
    """Ids of the methods that are levels of chance."""
    return {id_ for id_, info in registry.plugins("method").items() if info.config.get("chance")}


BY_NAME = "not a method: answers by names of clips and videos alone, learnt on the training people; a fold hides these names from methods"


def names_rows(task: str, part: str, metrics: Sequence[str], records: Sequence[Record]) -> list[Row]:
    """The row of name leakage, from the run with the lowest seed whose protocol leaves people out."""
    for source in sorted(records, key=lambda r: (r.seed, r.id)):
        by_name = cached(partial(_by_name, source), OF_ROWS, "names", source.content)  # equal for all its tables
        if section := _sections(by_name).get((task, part)):
            reads = by_name["reads"].get("recognition" if task == "recognition" else "spotting", {})
            places = [f"{name}: {max(counts, key=lambda place: counts[place])}" for name, counts in reads.items()]
            known = {subject for fold in source.about["folds"] for subject in fold["test"]}
            extra = {subject for fold in source.about["folds"] for subject in (*fold["train"], *fold["valid"])} - known
            alone = f"; {plural(len(extra), 'person trains', 'people train')} alone, and no record holds their names"
            return [
                _level(
                    source,
                    "names",
                    "; ".join(places),
                    n_of(section),
                    {metric: section["scores"].get(metric, NOTHING) for metric in metrics},
                    BY_NAME + alone * bool(extra),
                )
            ]
    return []


def _by_name(record: Record) -> dict[str, Any]:
    """The result of `names_chance` if each tested person has training people; else empty."""
    tables = tables_of(RunFolder(record.folder))
    trained_on = {who: [*fold["train"], *fold["valid"]] for fold in record.about["folds"] for who in fold["test"]}
    if record.about.get("subject_dependent") or not all(map(trained_on.get, tables.videos["subject"])):
        return {"reads": {}}
    return names_chance(tables, trained_on, record.about["classes"], record.about["kinds"], record.convention)


def _level(source: Record, name: str, settings: str, n: float, scores: Mapping[str, Any], remark: str) -> Row:
    """The row of a level of chance, which is not a method: from one run, without a spread over seeds."""
    return Row(
        method=name,
        settings=settings,
        member="",
        provenance="chance",
        seeds=(source.seed,),
        n=n,
        scores={metric: over_seeds([score]) for metric, score in scores.items()},
        convention=source.convention,
        selection="fixed",
        transductive="none",
        costs={},
        versions={"mebench": source.versions["mebench"]},
        runs=(),
        remark=remark,
    )


TOO_MANY = "not tested against the others: there are too many rows or answers"
OTHER_FEATURES = (
    "not tested against the others: its features had an earlier version; mebench leaderboard renew makes it again"
)
NO_USE = "does not apply: "
"""Prefix of a plugin's `other_input` if the method cannot work on the input: the row has no rank."""
OTHER_CODE = "another row has these settings and this seed: the code of mebench or its features differs"


def build(records: Iterable[Record]) -> list[Table]:
    """All tables, by task, dataset, protocol and variant. The order of the records does not matter.

    Raises:
        UnshownError: some of the records can be in no table; the others can.
    """
    some = list(records)
    try:
        return _build(some)
    except DAMAGE:
        reasons = {}
        for record in some:
            try:
                tables_of(RunFolder(record.folder))  # which paired tests read
                json.dumps([table.plain() for table in _build([record])], ensure_ascii=False, allow_nan=False).encode()
            except DAMAGE as error:
                reasons[record.id] = f"{type(error).__name__}: {error}"
        if not reasons:
            raise
        raise UnshownError(reasons) from None


def _build(records: Sequence[Record]) -> list[Table]:
    def about_data(record: Record) -> str:
        of_data = {k: v for k, v in record.config.items() if k.partition(".")[0] in ("dataset", "protocol")}
        return json.dumps(of_data, sort_keys=True)

    def place(task: str, record: Record) -> tuple[str, str, str]:
        """Dataset, protocol and variant. Emotion schemes make no difference to spotting."""
        scheme = setting_words.of_scheme(record.config) if task != "spotting" else ""
        rules = f"convention {record.convention}" if record.convention != "strict" else ""
        return record.dataset, str(record.config["protocol"]), "; ".join(filter(None, [record.data, scheme, rules]))

    # Equal settings of dataset and protocol get equal words: an explicit default does not make another table.
    ordered = sorted(records, key=lambda r: (r.identity, r.doubt, r.seed, r.id))
    words = {key: [record.data for record in same] for key, same in grouped(ordered, key=about_data).items()}
    shortest = {key: min(several, key=lambda text: (len(text), text)) for key, several in words.items()}
    ordered = [replace(record, data=shortest[about_data(record)]) for record in ordered]

    tables, floors = [], chance_methods()
    for task in SECTIONS:
        groups = grouped((record for record in ordered if task in record.summary), key=partial(place, task))
        for where, group in sorted(groups.items(), key=itemgetter(0)):
            scheme = str(group[0].about.get("scheme", "")) if task != "spotting" else ""
            held = cache(
                lambda folder: tables_of(RunFolder(folder))
            )  # of one table's tests, however many pairs include a run
            parts = _parts(task, group, lambda record, held=held: held(record.folder), floors)  # type: ignore[misc]
            tables.append(Table(table_name(task, *where), task, *where, scheme, parts))
    counts = Counter(table.name.casefold() for table in tables)  # names of files must be unique
    return [replace(t, name=f"{t.name}_{_hash(t.title)}") if counts[t.name.casefold()] > 1 else t for t in tables]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def table_name(task: str, dataset: str, protocol: str, variant: str) -> str:
    """Name of a table's files, without ending."""

    def slug(text: str) -> str:
        short = re.sub(r"[^\w.]+", "_", text, flags=re.ASCII).strip("_")
        plain = len(short) <= 40 and not re.search(r"[^\w.:;,= -]|=-", text, re.ASCII)  # -1 is not 1
        return short if plain else f"{short[:32]}_{_hash(text)}"

    fits = re.compile(r"[\w+.-]{1,80}", re.ASCII).fullmatch
    words = (word if fits(word) else slug(word) for word in (dataset, protocol))
    return "-".join([task, *words, *([slug(variant)] if variant else [])])


PARTS = {
    "spotting": {kind: f"spotting.{kind}.f1" for kind in ("micro", "macro", "overall")},
    "analysis": {"true positives": "analysis.strs", "all intervals": "analysis.all_intervals.f1"},
    "recognition": {"all clips": "recognition.uf1"},
}
"""The parts of each task by name, with the path of the main score."""


def _sections(summary: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """The sections of a summary by task and part; those of members in recognition by task and member."""
    return {(task, name or "all clips"): section for task, name, _, section in parts_of(summary)}


def _parts(task: str, records: Sequence[Record], read: Read, floors: Set[str]) -> tuple[Part, ...]:
    sections = [(record, _sections(record.summary)) for record in records]
    parts = [
        _part(task, name, path, [(record, by_part.get((task, name))) for record, by_part in sections], read, floors)
        for name, path in PARTS[task].items()
    ]
    # A row for each member of a composite, from the same predictions.
    rows: list[Row] = []
    if task == "recognition":
        for member in sorted({member for r in records for member in r.summary[task].get("members", {})}):
            chosen = [(record, by_part.get((task, member))) for record, by_part in sections]
            rows += _part(task, member, f"recognition.members.{member}.uf1", chosen, read, floors, member).rows
        parts.append(Part("members", parts[0].metrics, tuple(rows)))
    divided = {n: path for n, path in PARTS[task].items() if n != "all intervals" and task != "recognition"}
    for name, path in divided.items():
        rows = []
        for member in sorted({member for r in records for member in r.summary.get("members", {})}):
            chosen = [(r, _sections(r.summary.get("members", {}).get(member, {})).get((task, name))) for r in records]
            read_member: Read = lambda record, member=member: of_dataset(read(record), member)  # type: ignore[misc]  # noqa: E731
            rows += _part(task, f"{name}, members", path, chosen, read_member, floors, member).rows
        parts.append(Part(f"{name}, members", metrics_shown(task), tuple(rows)))
    return tuple(part for part in parts if part.rows)


def _part(
    task: str,
    name: str,
    path: str,
    sections: Sequence[tuple[Record, Any]],
    read: Read,
    floors: Set[str],
    member: str = "",
) -> Part:
    """One row for each identity among the records that have this section; `floors` are the levels of chance."""
    present = [(record, section) for record, section in sections if section]
    kind = name if task == "spotting" and not member and name in KINDS else ""
    metrics = metrics_of(task, name, any(ABSENT in record.about["classes"] for record, _ in present))
    main, worth = metrics[0], METRICS[metrics[0]].worth
    truth = 0 if task == "spotting" else 1  # spotting does not depend on emotions
    common = Counter(
        r.annotations[truth] for r, _ in present if not r.doubt or all(each.doubt for each, _ in present)
    ).most_common()

    def order(row: Row) -> tuple[Any, ...]:
        """Best first; then rows chosen on tested subjects, and last rows that disagree with known annotations or code."""
        value = row.scores[main]["value"]
        return row.unranked, row.chosen_on_tested, -worth(value), row.method, row.settings, row.seeds, row.runs

    rows: list[tuple[Row, Record]] = []
    for group in grouped(present, key=lambda pair: (pair[0].identity, pair[0].doubt)).values():
        several_codes = len({record.seed for record, _ in group}) < len(group)
        # Two different runs of one seed: the plugin's code changed, so their difference is not a spread over seeds.
        for runs in [[pair] for pair in group] if several_codes else [group]:
            first = runs[0][0]
            reason = first.doubt or first.other_input * first.other_input.startswith(NO_USE)
            remarks = (
                f"{UNRANKED}: {reason}" if reason else "",
                first.about["remark"],
                OTHER_CODE if several_codes else "",
                "subject-dependent: tested people train too" if first.about.get("subject_dependent") else "",
                f"annotations {first.annotations[truth]}: not the same as in every other row"
                if len(common) > 1 and not first.doubt
                else "",
            )
            row = _row(metrics, runs, member, "; ".join(filter(None, remarks)))
            if kind:
                make = partial(_mistakes, [record for record, _ in runs], kind, read)
                row = replace(row, **cached(make, OF_ROWS, "mistakes", kind, [record.content for record, _ in runs]))
            # In paired tests, the run with the lower median of the seeds' main scores represents the row.
            by_score = sorted(runs, key=lambda p: (worth(p[1]["scores"].get(main, NOTHING)["value"]), p[0].seed))
            rows.append((row, by_score[(len(runs) - 1) // 2][0]))
    rows.sort(key=lambda pair: order(pair[0]))
    fit = [i for i, (row, r) in enumerate(rows) if r.annotations[truth] == common[0][0] and not row.unranked]
    alike = [i for i in fit if not rows[i][0].facts["earlier"]]  # groups never mix features of several versions
    tested = [alike[n] for n in together([rows[i][1] for i in alike])]
    compared = [rows[i][1] for i in tested]
    with_rank = {
        id(entry.row)
        for entry in ranked(Part(name, metrics, tuple(row for row, _ in rows)), floors, fold=task == "spotting")
        if entry.rank is not None
    }
    judged = [n for n, i in enumerate(tested) if id(rows[i][0]) in with_rank]
    basis = path, member, [r.content for r in compared], judged
    firm = cached(lambda: standing(compared, path, read, judged), OF_LETTERS, *basis) if compared else []
    ranks = dict(zip(tested, firm))
    left_out = {
        i: "; ".join(filter(None, [rows[i][0].remark, TOO_MANY if i in alike else OTHER_FEATURES]))
        for i in set(fit) - set(tested)
    }
    lettered = [replace(row, **ranks.get(i, {}), remark=left_out.get(i, row.remark)) for i, (row, _) in enumerate(rows)]
    if task == "spotting" and not member:
        known = [r for r, _ in present if not r.doubt and name in r.summary.get("chance", {})]
        lettered += [
            _level(
                source,
                CHANCE[rule],
                "" if (rate := level.get("rate_per_minute")) is None else f"{rate:.1f} intervals per minute",
                n_of(source.summary["spotting"][name]),
                {metric: level.get(metric, NOTHING) for metric in metrics},
                "not a method: intervals of mean length at random places; 95 % of single draws lie in the interval",
            )
            # From the run with the lowest seed: it differs between methods only by noise.
            for source in sorted(known, key=lambda r: (r.seed, r.id))[:1]
            for rule, level in source.summary["chance"][name].items()
            if rule in CHANCE
        ]
    if not member:
        lettered += names_rows(task, name, metrics, [rows[i][1] for i in fit])
    return Part(name, metrics, tuple(sorted(lettered, key=order)))


def metrics_of(task: str, part: str, of_unit: bool = False) -> tuple[str, ...]:
    """The columns of a part, the main metric first."""
    return tuple(m for m in metrics_shown(task, of_unit) if part != "all intervals" or m not in JOINT)


def _row(metrics: Sequence[str], group: Sequence[tuple[Record, Any]], member: str, remark: str) -> Row:
    records, sections = [record for record, _ in group], [section for _, section in group]
    first = records[0]
    return Row(
        method=first.method,
        # An explicit default value does not make another row, only a longer text.
        settings=min((record.settings for record in records), key=lambda text: (len(text), text)),
        member=member,
        provenance="measured",
        seeds=tuple(record.seed for record in records),
        n=mean([n_of(section) for section in sections]),
        scores={m: over_seeds([section["scores"].get(m, NOTHING) for section in sections]) for m in metrics},
        convention=first.convention,
        selection=first.selection,
        transductive=first.transductive,
        costs={
            name: round(mean([record.costs[name] for record in records]), 3)
            for name in first.costs
            if all(name in record.costs for record in records)
        },
        versions={name: first.versions[name] for name in VERSIONS if name in first.versions},
        runs=tuple(record.id for record in records),
        remark=remark,
        facts={fact.name: fact.read(first) for fact in row_facts.FACTS},
    )


def _mistakes(records: Sequence[Record], kind: str, read: Read) -> dict[str, Any]:
    """See `causes`, `missed` and `quiet` of `Row`."""
    runs = list(map(read, records))
    facts: dict[str, Any] = {"quiet": {}}
    for absent, kinds in zip(QUIET, ([kind], KINDS)):
        rates = [quiet_rate(run, kind, run.truths[run.truths["kind"].isin(kinds)]) for run in runs]
        known = [rate for rate, _ in rates if rate is not None]
        if len(known) == len(rates):
            facts["quiet"][absent] = [mean(known), rates[0][1]]
    annotated = {word for run in runs if run.distractors is not None for word in run.distractors["kind"].unique()}
    return facts | explained([record.summary.get("mistakes", {}).get(kind, {}) for record in records], kind, annotated)


def explained(mistakes: Sequence[Mapping[str, Any]], kind: str, annotated: Iterable[str] = ()) -> dict[str, Any]:
    """`causes` and `missed` of `Row`, of runs that all hold their mistakes; nothing of others.

    Args:
        mistakes: the mistakes in the summary of each.
        kind: of the intervals.
        annotated: distractors.
    """
    if not all("gain" in m for m in mistakes):
        return {}
    shares = [miss_shares(m) for m in mistakes]
    numbers = [sum(n for cause, n in m["miss"].items() if cause != "localisation") for m in mistakes]
    # The cause of a false positive that overlaps with no expression of another kind and no distractor.
    names = sorted(
        ({*annotated} | {*KINDS, "duplicate", "near_miss", "nothing"} - {kind}).union(*(m["gain"] for m in mistakes))
        - {"missed"}
    )
    causes = {word: [mean([m[part].get(word, 0.0) for m in mistakes]) for part in ("under", "gain")] for word in names}
    causes["missed"] = [mean(numbers), mean([m["gain"]["missed"] for m in mistakes])]
    missed = {
        name: {third: mean([m[name][third] for m in shares]) for third in thirds}
        for name, thirds in shares[0].items()
        if all(name in m for m in shares)
    }
    return {"causes": causes, "missed": missed}


def n_of(section: Mapping[str, Any]) -> float:
    """The number of scored truths (spotting) or samples (other sections)."""
    return float(section["n"] if "n" in section else section["tp"] + section["fn"])


def over_seeds(scores: Sequence[Mapping[str, Any]]) -> Score:
    """Mean, lowest and highest value, lowest and highest end of the intervals.

    Empty if a value is undefined; no interval if one seed has none.
    """
    values, lows, highs = ([score[end] for score in scores] for end in ("value", "low", "high"))
    if None in values:
        return NOTHING
    return {
        "value": mean(values),
        "low": None if None in lows else min(lows),
        "high": None if None in highs else max(highs),
        "min": min(values),
        "max": max(values),
    }


def mean(values: Sequence[float]) -> float:
    """The mean; for equal values exactly that value."""
    return values[0] if len(set(values)) == 1 else sum(values) / len(values)
