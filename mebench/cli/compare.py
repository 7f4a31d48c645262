"""`mebench compare` and `report`: differences of two runs or files, and the page of one run or two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mebench.account import account_lines
from mebench.cli.file_words import (
    OF_FILES,
    Fps,
    LooseIds,
    Subjects,
    Truth,
    is_answer_file,
    is_single_table,
    refuse_files,
    refuse_options,
    refuse_subjects,
)
from mebench.cli.foreign_code import AgreesToCodeOfRun, ask_for_code_of_run
from mebench.cli.option_checks import at_home, check_file
from mebench.cli.option_types import (
    Column,
    Encoding,
    Json,
    Plugins,
    Rule,
    RunId,
    Runs,
    Where,
    add_plugins,
    print_remarks,
)
from mebench.errors import ConfigError, refuse_if
from mebench.grouping import group_by
from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.output.json_output import write_json
from mebench.output.number_format import format_number
from mebench.output.progress import Progress
from mebench.output.terminal import format_count, format_size, print_lines, print_report, print_table

with lazy_imports():
    from mebench.api import score_files
    from mebench.exchange import answers as file_answers, choices as file_choices, join as joining, text_table
    from mebench.metrics import agreement as run_agreement, conventions
    from mebench.records import matching_published, method_result, published as published_values, record as run_record
    from mebench.reports import compare_runs, report as run_report, score_plots, score_trust
    from mebench.runs import folder as run_folder

if TYPE_CHECKING:
    from mebench.api.score_files import Comparison
    from mebench.inference import gradcam_pictures
    from mebench.reports.compare_runs import Side
    from mebench.runs.folder import RunFolder
else:
    gradcam_pictures = load_lazily("mebench.inference.gradcam_pictures")

app = typer.Typer()

PUBLISHED_PREFIX = "published:"
"""Prefix of a published result's name, which distinguishes it from a run."""


@app.command("compare", epilog="Example: mebench compare mean-synthetic softnet-synthetic --metric f1")
def compare_command(
    first: Annotated[
        str,
        typer.Argument(metavar="RUN", help=("A run, by its id, the beginning of its id, or its folder; or a file.")),
    ],
    second: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="Another run or file on the same truth, or a published result as published:htnet2023."
        ),
    ],
    runs: Runs = "",
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="NAME", help="The score, such as f1, spotting.micro.ap50 or all; repeatable."),
    ] = None,
    convention: Annotated[
        str, typer.Option("--convention", metavar="NAME", help="The scoring rules for both.")
    ] = "strict",
    json: Json = None,
    rule: Rule = None,
    truth: Truth = None,
    clips: Annotated[
        bool, typer.Option("--clips", help="The files with onset and offset name the emotions of given clips.")
    ] = False,
    classes: Annotated[
        str | None, typer.Option("--classes", metavar="A,B,C", help="The emotions to score in files; all by default.")
    ] = None,
    loose_ids: LooseIds = False,
    fps: Fps = None,
    encoding: Encoding = None,
    column: Column = None,
    where: Where = None,
    leaderboards: Annotated[
        str | None, typer.Option("--leaderboards", metavar="FOLDER", help="The folder of published.csv; leaderboards.")
    ] = None,
    noise: Annotated[
        str | None,
        typer.Option(
            "--noise", metavar="FILE", help="How coders differ (what,value,source): ranks under other coders."
        ),
    ] = None,
    plot: Annotated[
        str | None,
        typer.Option("--plot", metavar="FILE", help="Also plot the difference of each person: .png, .svg or .pdf."),
    ] = None,
    others: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="More runs: each is compared with the first.")
    ] = None,
    plugins: Plugins = None,
    subjects: Subjects = None,
) -> None:
    """Compare two runs or files: differences, intervals, tests.

    The beginning of the ids of several runs that differ only in the seed selects all of them; each score is then their
    mean. With three or more words, each run is compared with the first, in one table. The tests are paired; the table
    gives the smallest detectable difference. Files of any program need their --truth, or hold it (subject, y_true,
    y_pred); two others are compared as two coders' files, by their agreement. A comparison with a published result lists
    the differing conditions.
    --noise scores all of them against other coders' truths.
    """
    add_plugins(plugins)
    others = others or []
    names_published = second.startswith(PUBLISHED_PREFIX)
    names_file_alone = truth is None and is_answer_file(first)
    are_single_tables = names_file_alone and all(map(is_single_table, (first, second, *others)))
    refuse_subjects(subjects, are_single_tables)
    if others and (names_published or (names_file_alone and not are_single_tables)):
        raise ConfigError("more than two words need runs, or files with --truth: name two here")
    if names_published:
        _print_differences_from_published(
            first, second.removeprefix(PUBLISHED_PREFIX).casefold(), runs, leaderboards, json
        )
        return
    if names_file_alone and is_answer_file(second) and not are_single_tables:
        refuse_options(
            {"--metric": metric, "--rule": rule, "--clips": clips, "--classes": classes},
            (
                "needs scores: name the file of the truth with --truth. Without it, two files are compared as "
                "those of two coders"
            ),
        )
        choices = file_choices.Choices.of(column or (), where or ())
        rules = joining.Rules(fps, loose_ids=loose_ids, choices=choices)
        _print_agreement(first, second, rules, encoding, json)
        return
    if truth is None and not are_single_tables:
        refuse_options(
            {
                "--clips": clips,
                "--classes": classes,
                "--loose-ids": loose_ids,
                "--fps": fps,
                "--encoding": encoding,
                "--column": column,
                "--where": where,
            },
            OF_FILES,
        )
        refuse_files(first, second)

    if plot is not None:
        _check_plot(plot, n_comparisons=1 + len(others))
    compare_with_first = partial(
        score_files.compare,
        first,
        truth=truth,
        subjects=subjects,
        runs=runs,
        metrics=metric or (),
        convention=convention,
        rules=rule or (),
        clips=clips,
        classes=classes,
        loose_ids=loose_ids,
        fps=fps,
        encoding=encoding,
        columns=column or (),
        where=where or (),
        progress=Progress(),
    )
    comparisons = [compare_with_first(word) for word in (second, *others)]
    print_remarks(_remarks_on_pairs(comparisons, first))
    if noise is not None:
        _print_noise(comparisons, noise, convention, json)
    elif len(comparisons) > 1:
        _print_several(comparisons, json)
    else:
        _print_single(comparisons[0], json)
    if plot is not None:
        _write_plot(plot, comparisons[0], json)


def _check_plot(plot: str, n_comparisons: int) -> None:
    """Refuse a figure of several comparisons, and a file that is no figure."""
    check_file("--plot", plot)
    score_plots.check_figure("--plot", plot)
    advice = "name two, or plot the scores of all with mebench plot"
    refuse_if((n_comparisons > 1, f"--plot shows the people of two runs: {advice}"))


def _print_single(comparison: Comparison, json: str | None) -> None:
    """Write and print the comparison of two runs or files."""
    is_left_for_people = write_json(comparison.summary, json)
    if is_left_for_people:
        compare_runs.print_comparison(comparison.found, *comparison.sides, comparison.conclusions, comparison.remarks)


def _write_plot(plot: str, comparison: Comparison, json: str | None) -> None:
    """Write the figure of the differences of both sides."""
    comparison.plot(plot)
    print_lines(f"{Path(plot).expanduser()}: the difference of each person", error=json == "-")


def _print_differences_from_published(
    run: str, published_id: str, runs: str, leaderboards: str | None, json: str | None
) -> None:
    """Print under which conditions a run differs from a published result."""
    folder = run_folder.RunFolder.open_finished(runs, run)
    published_folder = published_values.find_published_folder(leaderboards)
    all_values = published_values.read_published(published_folder / published_values.PUBLISHED)
    values = published_values.find_published(published_id, all_values)
    aliases = matching_published.read_aliases(published_folder / matching_published.ALIASES_FILE)
    conditions = matching_published.differences_from_published(run_record.read_record(folder), values, aliases)
    report = {"run_id": folder.id, "published": published_id, "separates": conditions}
    is_left_for_people = write_json(report, json)
    if is_left_for_people:
        print_lines(f"{folder.id} and {values[0].method}")
        print_table(("", "differing conditions"), list(conditions.items()))


def _print_noise(comparisons: Sequence[Comparison], noise: str, convention: str, json: str | None) -> None:
    """Print the scores of all sides if other coders had annotated."""
    sides = _sides_of(comparisons)
    with Progress().waiting("other coders"):
        coders, sources = score_trust.read_noise(Path(noise).expanduser())
        scores = score_trust.score_under_noise(sides, coders, [*comparisons[0].found.scores], convention)
    report = {"runs": [side.plain() for side in sides], "sources": sources, "scores": scores}
    is_left_for_people = write_json(report, json)
    if is_left_for_people:
        print_report("", *score_trust.tables_of_noise(scores, [side.title for side in sides]))
        print_lines(*(f"{column}: {source}" for column, source in sources.items()))


def _print_several(comparisons: Sequence[Comparison], json: str | None) -> None:
    """Write and print comparisons with one first run or file.

    People get a table for each score, conclusions and remarks.
    """
    sides = _sides_of(comparisons)
    several = compare_runs.SeveralComparisons(sides, [comparison.found for comparison in comparisons])
    conclusions = several.draw_conclusions()
    report = {
        "runs": [side.plain() for side in sides],
        "compared": [comparison.summary for comparison in comparisons],
        "conclusions": conclusions,
    }
    is_left_for_people = write_json(report, json)
    if is_left_for_people:
        convention = conventions.find_convention(comparisons[0].found.convention)
        letters = compare_runs.letters_of(sides)
        names = [f"{letter}  {side.title}" for letter, side in zip(letters, sides)]
        stated = compare_runs.state_sides(sides, *several.comparisons)
        print_report("", *names, *several.make_tables(), *stated, *conclusions, "", *several.list_remarks(convention))


def _sides_of(comparisons: Sequence[Comparison]) -> list[Side]:
    """The first run or file, and those that are compared with it."""
    return [comparisons[0].sides[0], *(one.sides[1] for one in comparisons)]


def _remarks_on_pairs(comparisons: Sequence[Comparison], first: str) -> text_table.Remarks:
    """The warnings and repairs of all comparisons with the first run or file."""
    remarks = text_table.Remarks()
    for line in _of_pairs({one.sides[1].name: one.warnings for one in comparisons}, first):
        remarks.warn(line)
    for line in _of_pairs({one.sides[1].name: one.repaired for one in comparisons}, first):
        remarks.repair(line)
    for line in _of_pairs({one.sides[1].name: account_lines(one.account) for one in comparisons}, first):
        remarks.repair(line)
    return remarks


def _of_pairs(lines: Mapping[str, Sequence[str]], first: str) -> list[str]:
    """Lines about the first run with each other run, by the other's name. A line that does not hold for all pairs names
    its own.
    """
    pairs = [(line, other) for other, own in lines.items() for line in own]
    named = []
    for line, about in group_by(pairs, key=itemgetter(0)).items():
        holds_for_all = len(about) == len(lines)
        others = ", ".join(other for _, other in about)
        named.append(line if holds_for_all else f"{first} and {others}: {line}")
    return named


@app.command("report", epilog="Example: mebench report mean-synthetic -o report.html")
def report_command(
    run: RunId,
    other: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="Another run on the same videos, for comparison.")
    ] = None,
    out: Annotated[
        str, typer.Option("-o", "--out", callback=at_home, metavar="FILE", help="The page.")
    ] = "report.html",
    figures: Annotated[
        str | None,
        typer.Option("--figures", metavar="DIR", help=("Also write its figures into this folder: SVG, PNG and PDF.")),
    ] = None,
    faces: Annotated[
        bool,
        typer.Option(
            "--faces", help="Show faces with the regions that the networks used; needs the dataset and captum."
        ),
    ] = False,
    people: Annotated[
        str | None,
        typer.Option("--people", metavar="FILE", help="A CSV of subject and attributes: scores by groups of people."),
    ] = None,
    runs: Runs = "",
    yes: AgreesToCodeOfRun = False,
    json: Json = None,
    plugins: Plugins = None,
) -> None:
    """Write a page that explains the scores of a run.

    The page holds the scores, a timeline of every video, every mistake by its cause, confusions, curves, costs and settings. It needs
    no other file. All seeds, by the beginning of their ids, are one page: their means, and the first seed in detail. With two runs,
    both are on the same timelines. It shows no face without --faces.
    """
    add_plugins(plugins)
    progress = Progress()
    words = [word for word in (run, other) if word]
    results = [method_result.open_result(runs, word) for word in words]
    firsts = [result.folders[0] for result in results]
    for result in results:
        for folder in result.folders:
            run_report.refuse_unreportable(folder)
    found = None
    remarks = []
    looked: list[dict[str, Any]] = []
    groups = None
    if other:
        refuse_if(
            (faces, "--faces shows the regions that one run used: name one run, or leave --faces out"),
            (people is not None, "--people compares groups within one run: name one run, or leave --people out"),
        )
        with progress.waiting("comparing both runs"):
            comparison = score_files.compare(*words, runs=runs)
        found = comparison.found
        remarks = comparison.remarks
    else:
        if faces:
            ask_for_code_of_run(firsts[0], yes, trains=False)
        groups = _measure_groups(firsts[0], people, progress)
    page = Path(out).expanduser()
    files: list[Path] = []
    with progress.waiting("drawing"):
        if faces:
            record = run_record.read_record(firsts[0])
            looked = gradcam_pictures.explain_surest(record, run_report.judge_run(record))
        run_report.write_page(run_report.page_of_runs(results, found, remarks, looked, groups), page)
        if figures:
            files = run_report.write_figures_of_runs(firsts, Path(figures).expanduser())
    if faces:
        progress.notify(f"{out} shows faces of the dataset: treat it as the dataset's licence requires")
    n_bytes = page.stat().st_size
    about = {
        "runs": [folder.id for result in results for folder in result.folders],
        "page": str(page),
        "bytes": n_bytes,
        "trust": groups,
        "figures": [str(file) for file in files],
    }
    is_left_for_people = write_json(about, json)
    if not is_left_for_people:
        return
    print_lines(f"{out}: {format_size(n_bytes)}")
    if figures:
        print_lines(f"{figures}: {len(files)} files")
    if people is not None:
        print_report("", *score_trust.tables_of_trust(groups or {}))


def _measure_groups(folder: RunFolder, people: str | None, progress: Progress) -> dict[str, Any]:
    """The scores of a run by groups of people; the attributes come from a file if there is one."""
    side = run_report.judge_run(run_record.read_record(folder))
    attributes = None if people is None else Path(people).expanduser()
    with progress.waiting("groups"):
        return score_trust.measure_trust(side, attributes)


def _print_agreement(
    first: str,
    second: str,
    rules: joining.Rules,
    encoding: str | None,
    json: str | None,
) -> None:
    """Print how well two coders agree."""
    remarks = text_table.Remarks()
    a, b = (text_table.open_encoded(Path(word).expanduser(), encoding) for word in (first, second))
    (answers,) = file_answers.read_against_truth(a, [b], rules, remarks)
    agreement = run_agreement.measure_agreement(answers.tables, answers.kinds)
    n_unknown = int(answers.tables.videos["n_frames"].isna().sum())
    if n_unknown:
        remarks.warn(
            f"the length of {format_count(n_unknown, 'video')} is unknown: kappa covers the frames from 0 to the last "
            "interval of either coder, and would differ over the whole video; give the length in a column "
            "n_frames of the first table"
        )
    print_remarks(remarks)
    if not write_json({"first": first, "second": second, **agreement, **remarks.plain()}, json):
        return
    heads = ("kind", "A", "B", "both", "F1", "kappa, frames", "onset, B - A, ms", "offset, B - A, ms")
    rows = [
        (
            kind,
            str(of_kind["first"]),
            str(of_kind["second"]),
            str(of_kind["both"]),
            format_number(of_kind["f1"]),
            format_number(of_kind["kappa"]),
            _difference_in_words(of_kind["onset_ms"]),
            _difference_in_words(of_kind["offset_ms"]),
        )
        for kind, of_kind in agreement["kinds"].items()
    ]
    print_table(heads, rows, f"A {first}, B {second}")
    frames = agreement["frames"]
    emotion = agreement["emotion"]
    print_lines(f"kappa over {frames['n']} frames: {format_number(frames['kappa'])}")
    if emotion["n"]:
        print_lines(f"kappa over the emotions of {emotion['n']} shared intervals: {format_number(emotion['kappa'])}")


def _difference_in_words(difference: Mapping[str, Any] | None) -> str:
    """Mean, standard deviation and mean of absolute values; a dash without shared intervals."""
    if difference is None:
        return "-"
    spread = "" if difference["sd"] is None else f" (sd {difference['sd']:.0f})"
    return f"{difference['mean']:+.0f}{spread}, without sign {difference['mean_absolute']:.0f}"
