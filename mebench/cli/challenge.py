"""`mebench challenge list|info|check|submit|score|bundle`: the field's challenges, for participants and organisers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mebench.cli.option_checks import at_home
from mebench.cli.option_types import Json, RunId, Runs, print_remarks
from mebench.cli.verbs import verb_group
from mebench.errors import DataError, SomeFailedError, describe_error
from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.output.json_output import write_json
from mebench.output.progress import Progress
from mebench.output.table import Column, Table
from mebench.output.terminal import format_count, make_console, print_lines, print_table
from mebench.score_type import typed_scores

with lazy_imports():
    from mebench.api import score_files
    from mebench.challenges import bundle, entry as challenge_entry, register
    from mebench.exchange import text_table
    from mebench.runs import folder as run_folder, scoring

if TYPE_CHECKING:
    from mebench.boards import standings
    from mebench.challenges.register import ChallengeTask
else:
    standings = load_lazily("mebench.boards.standings")

app = verb_group("challenge")

TaskName = Annotated[str, typer.Argument(metavar="CHALLENGE[/TASK]", help="The task, such as megc2025/str.")]
Truth = Annotated[Path, typer.Option("--truth", metavar="FILE", help="True intervals, classes, or answered questions.")]
MOST_FAULTS = 20


@app.command("list", epilog="Example: mebench challenge list")
def challenge_list_command(json: Json = None) -> None:
    """List the challenges and their tasks."""
    plain_tasks = list[dict[str, Any]]()
    rows = list[tuple[str, ...]]()
    for challenge in register.load_challenges().values():
        for task in challenge.tasks.values():
            plain_tasks.append(asdict(task) | {"challenge": challenge.title})
            rows.append((task.name, task.title, task.truth, task.form))
    if write_json(plain_tasks, json):
        print_table(("task", "asks to", "truth", "file"), rows)


@app.command("info", epilog="Example: mebench challenge info megc2025")
def challenge_info_command(
    name: Annotated[str, typer.Argument(metavar="CHALLENGE", help="The challenge, such as megc2025.")],
    json: Json = None,
) -> None:
    """Show a challenge: tasks, data, files, metrics, results."""
    challenge = register.find_challenge(name.partition("/")[0])
    if not write_json(asdict(challenge), json):
        return
    lines = (challenge.dates, challenge.note, "; ".join(challenge.source))
    print_lines(challenge.title, *(f"  {line}" for line in lines if line))
    for task in challenge.tasks.values():
        facts = {
            "data": task.data,
            "truth": task.truth,
            "file": " ".join((task.form, *task.names)),
            "metrics": task.metrics,
            "convention": task.convention if task.form in ("megc2020", "megc2023", "strs", "csv") else "",
            "here": task.run,
            "published": task.results,
        }
        print_lines("", f"{task.name}: {task.title}", *(f"  {key}: {value}" for key, value in facts.items() if value))


@app.command("check", epilog="Example: mebench challenge check megc2023 samm_pred.csv")
def challenge_check_command(
    name: TaskName,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to send in.")],
    asked: Annotated[
        Path | None,
        typer.Option("--asked", metavar="FILE", help="The questions, or a table of the challenge's videos."),
    ] = None,
    json: Json = None,
) -> None:
    """Check a file before it is sent in; each fault has its line."""
    faults = challenge_entry.find_faults(register.find_task(name), file, asked)
    prints = write_json({"file": str(file), "faults": [fault._asdict() for fault in faults]}, json)
    if faults:
        Progress().notify(*map(str, faults[:MOST_FAULTS]))
        sentence = f"{file} has {format_count(len(faults), 'fault')}"
        if len(faults) > MOST_FAULTS:
            sentence += f", of which {MOST_FAULTS} are shown"
        raise DataError(sentence)
    if prints:
        print_lines(f"{file}: no faults")


@app.command("submit", epilog="Example: mebench challenge submit megc2023 mean-samm_lv -o entry")
def challenge_submit_command(
    name: TaskName,
    run: RunId,
    out: Annotated[
        Path, typer.Option("-o", "--out", callback=at_home, metavar="FOLDER", help="The folder for the files.")
    ],
    runs: Runs = "",
    json: Json = None,
) -> None:
    """Write the answers of a run in the organisers' format."""
    task = register.find_task(name)
    remarks = text_table.Remarks()
    tables = scoring.read_tables(run_folder.RunFolder.open_finished(runs, run))
    files = challenge_entry.write_entries(task, tables, out, remarks)
    print_remarks(remarks)
    faults = {str(path): [str(fault) for fault in challenge_entry.find_faults(task, path)] for path in files}
    lines = [_file_in_words(path, len(faults_of_file)) for path, faults_of_file in faults.items()]
    write_json({"files": list(faults), "faults": faults}, json, *lines)


def _file_in_words(path: str, n_faults: int) -> str:
    """A written file, with the number of its faults if it has any."""
    return f"{path}: {format_count(n_faults, 'fault')}" if n_faults else path


@app.command("score", epilog="Example: mebench challenge score megc2023 entries --truth truth.csv")
def challenge_score_command(
    name: TaskName,
    entries: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="A file, or a folder with one for each team.")],
    truth: Truth,
    json: Json = None,
) -> None:
    """Score one file, or rank the files of several teams.

    In a folder, each file belongs to a team, and each subfolder holds the tries of one team, of which the last counts. Teams that
    share a letter do not differ significantly.
    """
    task = register.find_task(name)
    bundle.check_truth(task, truth)
    if lacking := bundle.missing_confinement():
        Progress().notify(
            f"this system does not keep the reader of a file from {' and '.join(lacking)}: score files that you trust"
        )
    tries = _tries_by_team(entries)
    scored = list[Any]()
    failed = dict[str, str]()
    for team, files in tries.items():
        try:
            scored.append(_scored_entry(task, team, files, truth))
        except Exception as error:  # whatever is wrong with one file ends it alone
            failed[team] = describe_error(error)
    if not scored:
        team, reason = next(iter(failed.items()))
        raise DataError(f"no file could be scored; {team}: {reason}")
    scored.sort(key=lambda entry: -(entry.scores.get(task.main, {}).get("value") or 0))
    rows = [
        {"team": entry.id, "tries": entry.tries, "group": group, **entry.scores}
        for entry, group in zip(scored, _significance_groups(task, scored))
    ]
    Progress().notify(*(f"not scored: {team}: {reason}" for team, reason in failed.items()))
    if write_json({"task": task.name, "entries": rows, "failed": failed}, json):
        heads = [Column("team", main=True), Column("tries", right=True), Column("group", optional=True)]
        columns = [*heads, *(Column(key, score=True, right=True) for key in scored[0].scores)]
        shown = [{**row, **typed_scores({key: row[key] for key in scored[0].scores})} for row in rows]
        make_console().print(Table.from_items(columns, shown, task.name).to_terminal())
    if failed:
        raise SomeFailedError(
            f"{format_count(len(failed), 'team')} of {len(tries)} could not be scored; the others are above"
        )


def _tries_by_team(entries: Path) -> dict[str, list[Path]]:
    """The files of each team, the last one at the end."""
    teams = sorted(entries.iterdir()) if entries.is_dir() else [entries]
    files_of_teams: dict[str, list[Path]] = {}
    for path in teams:
        files_of_teams[path.stem] = sorted(path.iterdir()) if path.is_dir() else [path]
    return files_of_teams


def _scored_entry(task: ChallengeTask, team: str, files: Sequence[Path], truth: Path) -> SimpleNamespace:
    """The last file of a team with its scores, as ranks of leaderboards read them.

    Raises:
        DataError: there is no file, or it cannot be scored.
    """
    if not files:
        raise DataError("its folder holds no file")
    scores, answers = bundle.score_submission(task, files[-1], truth, score_files.score)
    return SimpleNamespace(
        id=team,
        tries=len(files),
        scores=dict(scores),
        answers=answers,
        about=answers and {"kinds": answers.kinds, "classes": answers.classes},
        convention=task.convention,
    )


def _significance_groups(task: ChallengeTask, entries: Sequence[Any]) -> list[str]:
    """The letters of each entry, equal where entries do not differ significantly; empty for answers to questions."""
    if task.form == "answers":
        return [""] * len(entries)
    runs_by_row = [[entry] for entry in entries]
    path = _main_score(task, entries[0].about["kinds"])
    ranks = standings.compute_standings(runs_by_row, path, attrgetter("answers.tables"), ())
    return [rank.get("group", "") for rank in ranks]


def _main_score(task: ChallengeTask, kinds: Sequence[str]) -> str:
    """The dotted name of the score by which entries of a task differ."""
    if task.form == "clips":
        return "recognition.uf1"
    if task.form == "strs":
        return "analysis.strs"
    return "spotting.overall.f1" if len(kinds) > 1 else "spotting.micro.f1"


@app.command("bundle", epilog="Example: mebench challenge bundle megc2023 --truth truth.csv -o bundle")
def challenge_bundle_command(
    name: TaskName,
    truth: Truth,
    out: Annotated[Path, typer.Option("-o", "--out", callback=at_home, metavar="FOLDER", help="The folder to make.")],
    json: Json = None,
) -> None:
    """Make a scoring program for Codabench.

    It reads what teams send in a confined process, never shows the truth, and gives intervals.
    """
    bundle.write_bundle(register.find_task(name), truth, out)
    write_json(
        {"folder": str(out), "files": sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file())},
        json,
        f"{out}: scoring program, reference data, competition.yaml and Dockerfile",
    )
