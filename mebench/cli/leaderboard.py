"""`mebench leaderboard build|across|export|archive|submit|merge|renew|upgrade|known`: tables and page, and the records behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mebench import result_cache
from mebench.cli.option_checks import at_home, check_folder
from mebench.cli.option_types import (
    Files,
    Json,
    Plugins,
    RunId,
    Runs,
    Words,
    add_plugins,
    config_from_words,
    exit_if_failed,
)
from mebench.cli.verbs import verb_group
from mebench.errors import ConfigError, DataError, RunError, check_known, refused_by_system
from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.output.json_output import write_json
from mebench.output.number_format import NONE
from mebench.output.progress import Progress
from mebench.output.terminal import format_count, format_duration, format_size, print_lines, print_report, print_table
from mebench.parts import is_installed

with lazy_imports():
    from mebench.api import boards as board_files, renewal
    from mebench.boards import board_pages, included, several_datasets, table_files
    from mebench.config import registry, sources
    from mebench.core import dataset as dataset_contract
    from mebench.intake import (
        accept,
        board_archive,
        collect,
        disagreements,
        export,
        hub_results,
        receivers,
        record_registry,
        submissions as board_submissions,
        upgrade,
    )
    from mebench.protocols import known as known_protocols
    from mebench.records import method_result, record as run_record
    from mebench.runner import plan as run_plan, workers as pool_of_workers
    from mebench.runs import folder as run_folder

if TYPE_CHECKING:
    from mebench import shared_work
    from mebench.boards.board import Board
    from mebench.boards.board_pages import BoardPage
    from mebench.boards.rows import BoardTable
    from mebench.boards.site import site_pages
    from mebench.challenges import register
    from mebench.intake.receivers import SentAnswers
    from mebench.records.record import Record
    from mebench.tracking import mlflow, mlflow_store, send
    from mebench.vqa import answer_records, questions as vqa_questions
else:
    shared_work = load_lazily("mebench.shared_work")
    site_pages = load_lazily("mebench.boards.site.site_pages")
    register = load_lazily("mebench.challenges.register")
    mlflow = load_lazily("mebench.tracking.mlflow")
    mlflow_store = load_lazily("mebench.tracking.mlflow_store")
    send = load_lazily("mebench.tracking.send")
    answer_records = load_lazily("mebench.vqa.answer_records")
    vqa_questions = load_lazily("mebench.vqa.questions")

app = verb_group("leaderboard", hint="A board is shown by: mebench table BOARD. ")

SITE = "site"
MOST_PROCESSES = 4
"""Most processes that build a board by default: each holds all records and tables, some half a gigabyte of a large one."""
STATUS = {
    "taken": "taken in{}",
    "there": "is there already",
    "replaced": "has the scores of another version now{}",
    "checked": "scores to what it says",
}
"""The outcome for a record, with its new place."""
BoardOut = Annotated[
    str,
    typer.Option(
        "--out", callback=at_home, metavar="FOLDER", help="The folder of the leaderboard: tables, site, records."
    ),
]
RecordsOut = Annotated[str, typer.Option("--out", callback=at_home, metavar="FOLDER", help="The folder for records.")]


@app.command("build", epilog="Example: mebench leaderboard build --runs runs")
def leaderboard_build_command(
    runs: Runs = "",
    out: BoardOut = "leaderboards",
    from_mlflow: Annotated[
        str | None,
        typer.Option("--from-mlflow", metavar="URI", help="Use the runs in MLflow instead of those in --runs."),
    ] = None,
    records_in: Annotated[
        str | None,
        typer.Option(
            "--records",
            metavar="FOLDER",
            help="The folder of records; by default records in --out. Or none, or included: the boards of the package.",
        ),
    ] = None,
    site: Annotated[
        bool, typer.Option("--site/--no-site", " /--tables-only", help="Write the page, too, or the tables alone.")
    ] = True,
    json: Json = None,
    plugins: Plugins = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            metavar="N",
            help=f"Number of processes where much must be computed; by default one for each core, at most {MOST_PROCESSES}.",
        ),
    ] = None,
) -> None:
    """Build tables and page from runs and records. Published values are added."""
    check_folder("--out", out)
    add_plugins(plugins)
    folder = Path(out).expanduser()
    progress = Progress()
    records_folder = None if records_in is None else Path(records_in).expanduser()
    words = ("none", included.INCLUDED)
    if records_folder is not None and not records_folder.is_dir() and records_in not in words:
        raise ConfigError(
            f"--records must name a folder of records, or be none or included, but {records_in} is not one"
        )
    tracker = sources.user_setting("tracking", "") or None
    home = Path(runs).expanduser()
    # MLflow's records lie in a folder of this process alone.
    n_processes = _number_of_processes(workers) if from_mlflow is None else 1
    team = shared_work.team_of(
        n_processes, board_files.help_with_board, (home, folder, records_folder, site), plugins or ()
    )
    with team, board_files.words_of_python(), TemporaryDirectory() as room:
        # Contents come from the runs' tables, whatever their source.
        if from_mlflow is None:
            progress.notify(*board_files.remarks_on_database(tracker, home, folder))
            board = board_files.read_board(home, folder, progress.notify, records_folder)
        else:
            sent = _records_in_mlflow(from_mlflow, Path(room), progress)
            board = board_files.board_of(sent, f"MLflow at {from_mlflow}", folder, progress.notify, records_folder)
        tables, pages, lines = board.render(partial(_write_board, folder, site, progress), progress.notify)
        result_cache.forget_unused()
    report = {"boards": [page.plain() for page in pages], "tables": [table.plain() for table in tables]}
    write_json(report, json, *lines)
    if is_installed("tracking") and mlflow_store.is_store_in_use(
        tracker
    ):  # without tracked runs, the tables alone need no database
        places = folder / board_pages.TABLES
        files = [places / f"{table.name}.json" for table in reversed(tables)]
        with progress.waiting("sending the tables"):
            synced = send.send_all((), tracker, progress, boards=files)
        if synced.opening and json != "-":
            print_lines(f"{synced.title}: {synced.opening}")


def _number_of_processes(workers: int | None) -> int:
    """The processes that build a board.

    Raises:
        ConfigError: they are fewer than one.
    """
    if workers is not None and workers < 1:
        raise ConfigError(f"--workers must be 1 or more, or left out for one for each core, not {workers}")
    if workers is not None:
        return workers
    try:
        return min(pool_of_workers.default_workers(), MOST_PROCESSES)
    except ModuleNotFoundError:  # an installation for scoring alone has no library that counts cores
        return 1


def _records_in_mlflow(address: str, room: Path, progress: Progress) -> list[Record]:
    """The records of the runs that MLflow holds; `room` is an empty folder for them."""
    with progress.waiting("asking MLflow"):
        mlflow.fetch_records(address, room, progress.notify)
    fetched = collect.collect_records(room, progress.notify)
    return [replace(record, published=False) for record in fetched]


def _write_board(
    folder: Path, site: bool, progress: Progress, board: Board
) -> tuple[list[BoardTable], list[BoardPage], list[str]]:
    """Write tables and page of a leaderboard; the tables, the named boards, and lines that say what was written.

    Args:
        folder: folder of the leaderboard.
        site: whether the page is written, too.
        progress: shows the progress.
        board: the board.
    """
    with progress.waiting("tables"):
        tables, gains, guests, pages = board_files.make_content(board, progress.notify)
        index = table_files.write_leaderboard(tables, folder, gains, pages, progress.notify, guests)
    given = "".join(f" and {source.in_words}" for source in board.sources if source.in_words)
    named = f"{format_count(len(pages), 'board')}, " if pages else ""
    n_included = len(board.included.runs)
    of_package = f" and {format_count(n_included, 'run')} of the included boards" if n_included else ""
    n_runs = format_count(len(board.records), "run")
    lines = [f"{index}: {named}{format_count(len(tables), 'table')} from {n_runs}{of_package}{given}"]
    lines += [f"  {page.board.title}: {page.takeaway}" for page in pages]
    if site:
        target = folder / SITE
        with progress.waiting("page"):
            n_files, n_bytes = site_pages.write_site(tables, board.records, board.published, target, gains, pages)
        lines.append(f"{target / 'index.html'}: {format_count(n_files, 'file')}, {format_size(n_bytes)}")
    return tables, pages, lines


@app.command("across", epilog="Example: mebench leaderboard across --runs runs")
def leaderboard_across_command(
    runs: Runs = "",
    out: BoardOut = "leaderboards",
    json: Json = None,
) -> None:
    """Compare methods over several datasets."""
    progress = Progress()
    board = board_files.read_board(Path(runs).expanduser(), Path(out).expanduser(), progress.notify)
    with progress.waiting("tables"):
        pairs = board.render(
            lambda showable: several_datasets.pairs_of(showable.make_tables(), showable.records), progress.notify
        )
    if not write_json({"pairs": pairs}, json):
        return
    if pairs:
        print_report("", several_datasets.table_of_pairs(pairs))
    else:
        print_report("", "no two methods have a rank on the same two datasets, with other people in each")


@app.command("export", epilog="Example: mebench leaderboard export mean-synthetic")
def leaderboard_export_command(
    run: RunId,
    runs: Runs = "",
    out: RecordsOut = "leaderboards/records",
    hub: Annotated[
        str,
        typer.Option(
            "--hub",
            metavar="OWNER/NAME",
            help="Write evaluation results for this benchmark of the Hugging Face Hub instead; --out is the model's repository.",
        ),
    ] = "",
    source: Annotated[
        str, typer.Option("--source", metavar="URL", help="With --hub: page that shows the record or its board.")
    ] = "",
    json: Json = None,
) -> None:
    """Write the record of a run for other leaderboards.

    The beginning of several ids takes all of them, if they differ in the seed alone: each seed has a record of its own.
    """
    check_folder("--out", out)
    folders = method_result.open_result(runs, run).folders
    if source and not hub:
        raise ConfigError("--source goes into evaluation results: name their benchmark with --hub OWNER/NAME")
    if hub:
        _export_to_hub(folders, hub, Path(out).expanduser(), source, json)
        return
    for folder in folders:
        if run_record.is_record(folder):
            raise RunError(
                f"{folder.path} is a record already: accept records of others with mebench leaderboard merge"
            )
    with refused_by_system(f"{out} cannot be written"):
        exported = [_export_run(folder, out) for folder in folders]
    lines = [line for _, line in exported]
    reports = [report for report, _ in exported]
    write_json(reports[0] if len(reports) == 1 else reports, json, *lines)


def _export_to_hub(
    folders: Sequence[run_folder.RunFolder], benchmark: str, repository: Path, source: str, json: str | None
) -> None:
    """Write the main scores of runs as evaluation results of the Hub."""
    records = [run_record.read_record(folder) for folder in folders]
    files = [hub_results.write_eval_results(record, benchmark, repository, source) for record in records]
    lines = [f"{file}: commit it in the model's repository, whose page then shows it" for file in files]
    write_json({"benchmark": benchmark, "files": [str(file) for file in files]}, json, *lines)


def _export_run(folder: run_folder.RunFolder, out: str) -> tuple[dict[str, Any], str]:
    """Write the record of one run; what is to say of it as data, and as a line."""
    record = export.export_record(folder, Path(out).expanduser())
    n_bytes = sum(file.stat().st_size for file in record.iterdir())
    remark = str(folder.read_json("folds.json")["remark"])
    advice = "Commit it, or send it: its receiver accepts it with mebench leaderboard merge"
    if any(word in remark for word in (dataset_contract.DRAWN, dataset_contract.UNLIKE_PUBLISHED)):
        advice = f"This is a trial and does not belong on a board of the real dataset; its row says: {remark}"
    report = {"run": folder.id, "record": str(record), "bytes": n_bytes, "remark": remark}
    return report, f"{record}: {format_size(n_bytes)}. {advice}"


@app.command("archive", epilog="Example: mebench leaderboard archive field --out archive")
def leaderboard_archive_command(
    board: Annotated[str, typer.Argument(metavar="BOARD", help="Id of a board in boards.yaml, such as field.")],
    leaderboard: Annotated[
        str, typer.Option("--leaderboard", metavar="FOLDER", help="The folder of the leaderboard.")
    ] = "leaderboards",
    out: Annotated[
        str, typer.Option("--out", callback=at_home, metavar="FOLDER", help="The folder to write into.")
    ] = "archive",
    json: Json = None,
) -> None:
    """Pack a board with its tables and records, with hashes.

    Beside the archive lies its description in Croissant, by which catalogues of datasets find it.
    """
    check_folder("--out", out)
    archive, description, n_records = board_archive.write_board_archive(
        Path(leaderboard).expanduser(), board, Path(out).expanduser()
    )
    size = format_size(archive.stat().st_size)
    write_json(
        {"archive": str(archive), "description": str(description), "records": n_records},
        json,
        f"{archive}: {format_count(n_records, 'record')}, {size}; SHA256SUMS has the hash of each file",
        f"{description}: its description in Croissant",
        "Pass it on only where the licences of the datasets allow it: records hold annotated intervals and classes",
    )


@app.command(
    "submit",
    epilog="Example: mebench leaderboard submit mine.csv --truth truth.csv --name ours --method Ours --dataset cas_me2 --selection fixed",
)
def leaderboard_submit_command(
    answers: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="Intervals, with --clips classes of given clips, or answers to questions (.jsonl)."
        ),
    ],
    truth: Annotated[str, typer.Option("--truth", metavar="FILE", help="The truth, as for mebench score.")],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Name of the folder, such as our_lab_2026.")],
    method: Annotated[str, typer.Option("--method", metavar="NAME", help="Name of its row.")],
    dataset: Annotated[
        str, typer.Option("--dataset", metavar="ID", help=("The dataset of the answers, such as cas_me2."))
    ],
    selection: Annotated[
        str,
        typer.Option(
            "--selection", metavar="WORDS", help=("The epoch and settings, and who chose them on which people.")
        ),
    ],
    protocol: Annotated[
        str, typer.Option("--protocol", metavar="NAME", help=("The protocol by which people were left out."))
    ] = "loso",
    convention: Annotated[str, typer.Option("--convention", metavar="NAME", help="Rules of the scorer.")] = "strict",
    scheme: Annotated[str, typer.Option("--scheme", metavar="NAME", help="The emotion scheme, if any.")] = "",
    clips: Annotated[bool, typer.Option("--clips", help="Classes of given clips, not intervals.")] = False,
    trained_on: Annotated[
        str,
        typer.Option(
            "--trained-on", metavar="NAMES", help="Of answers to questions: the model's training data, or none."
        ),
    ] = "unknown",
    source: Annotated[
        str, typer.Option("--source", metavar="WORDS", help="Of answers to questions: where they are public.")
    ] = "",
    out: Annotated[
        str, typer.Option("--out", callback=at_home, metavar="FOLDER", help="The folder to write into.")
    ] = "sent",
    plugins: Plugins = None,
    json: Json = None,
) -> None:
    """Score answers without a run, and write them for sending.

    The receiver scores them again and accepts them with mebench leaderboard merge. --truth of answers to questions is the
    file of questions; what mebench vqa answer wrote about them beside the answers is sent, too.
    """
    if not selection.strip():
        raise ConfigError("--selection must name the epoch and the settings, and the people on whom they were chosen")
    check_folder("--out", out)
    registry.add_paths(plugins or ())
    _check_conditions(dataset, protocol, scheme)
    if is_installed("vqa") and vqa_questions.is_question_file(Path(truth).expanduser()):
        facts = answer_records.SentFacts(name, method, dataset, selection, trained_on, source)
        _submit_answers_to_questions(Path(answers), Path(truth), facts, Path(out), json)
        return
    about = {"title": f"{method}, answers sent in", "method": method, "convention": convention, "selection": selection}
    conditions = {"dataset": dataset, "protocol": protocol, "scheme": scheme, "clips": clips}
    with Progress().waiting("scoring"):
        folder, outcome = board_submissions.write_submission(
            Path(answers).expanduser(), Path(truth).expanduser(), name, about, conditions, Path(out).expanduser()
        )
    message = f"{folder}: send it. It holds the answers, their truth, and the scores"
    write_json({"folder": str(folder), **outcome}, json, message)


def _submit_answers_to_questions(
    answers: Path, questions: Path, facts: answer_records.SentFacts, out: Path, json: str | None
) -> None:
    """Score answers to questions, and write them for sending."""
    with Progress().waiting("scoring"):
        folder = answer_records.write_answer_record(
            answers.expanduser(), questions.expanduser(), facts, out.expanduser()
        )
    record = answer_records.read_answer_record(folder)
    message = f"{folder}: send it. It holds the answers, their questions with the true answers, and the scores"
    shown = {name: value for name, value in record.content.items() if name not in ("sums", "readings")}
    write_json({"folder": str(folder), **shown}, json, message)


def _check_conditions(dataset: str, protocol: str, scheme: str) -> None:
    """Refuse a misspelt dataset, protocol or scheme: it would make a table of its own."""
    known = registry.list_plugins("dataset")
    others = register.load_challenges() if is_installed("challenges") else {}
    schemes = dict[str, object]()
    for name in dataset.split("+"):
        hint = "A dataset of your own is a plugin: name its folder with --plugins"
        check_known("dataset", name, {*known, *others}, hint, where="--dataset")
        if name in known:
            own = getattr(registry.load_plugin("dataset", name), "schemes", None)
            schemes |= own if isinstance(own, Mapping) else {}  # those of a plugin may depend on its parameters
    check_known("protocol", protocol, {*known_protocols.PROTOCOLS, *others, "none"}, where="--protocol")
    is_unit = scheme.startswith("AU")  # units are schemes, too
    if schemes and scheme and not is_unit:
        check_known("emotion scheme", scheme, schemes, f"They are those of {dataset}", where="--scheme")


@app.command("merge", epilog="Example: mebench leaderboard merge sent --check")
def leaderboard_merge_command(
    places: Annotated[list[str], typer.Argument(metavar="FOLDER", help="Records, or folders of records.")],
    out: RecordsOut = "leaderboards/records",
    check: Annotated[bool, typer.Option("--check", help="Only check and score again; accept nothing.")] = False,
    sender: Annotated[
        str | None,
        typer.Option(
            "--sender", metavar="NAME", help="Who sent the records, or own; by default one sender without a name."
        ),
    ] = None,
    keep: Annotated[
        str,
        typer.Option(
            "--keep",
            metavar="scores|answers|questions",
            help="Of answers to questions, what the board keeps: with questions everything, also the truth.",
        ),
    ] = "answers",
    json: Json = None,
) -> None:
    """Accept records of others after checking and rescoring.

    Seeds are pooled within one sender only. The exit code is 5 if some are refused, 1 if all are.
    """
    check_folder("--out", out)
    named = accept.sender_named(sender)
    progress = Progress()
    target = Path(out).expanduser()
    folders = [Path(place).expanduser() for place in places]
    answers = receivers.find_sent_answers(folders)
    is_taken = [_take_answers(sent, target.parent, check, keep, progress) for sent in answers]
    n_refused = is_taken.count(False)
    with_answers = {sent.place for sent in answers}
    records = [record for folder in folders for record in accept.find_records(folder, may_lack=folder in with_answers)]
    with progress.waiting("scoring again"):
        outcomes = accept.merge_records(records, target, check, named)
    write_json({"records": [vars(outcome) for outcome in outcomes]}, json)
    for outcome in outcomes:
        if outcome.status == "refused":
            progress.notify(outcome.reason)
            n_refused += 1
        elif json != "-":
            doubt = f"; its row is not ranked: {outcome.doubt}" if outcome.doubt else ""
            sent_by = f", sent by {outcome.sender}" if outcome.sender else ""
            print_lines(f"{outcome.id}: {STATUS[outcome.status].format(f'to {out}')}{sent_by}{doubt}")
            if outcome.scores:
                print_lines(f"  {outcome.scores}")
    exit_if_failed(n_refused, len(outcomes) + len(is_taken))


def _take_answers(sent: SentAnswers, board: Path, check_only: bool, keep: str, progress: Progress) -> bool:
    """Take answers that others sent, and say so; whether they were not refused.

    Args:
        sent: the answers.
        board: folder of the leaderboard.
        check_only: whether nothing is written.
        keep: parts of them that the board keeps.
        progress: takes the sentence.
    """
    receiver = sent.receiver
    name = f"{sent.folder.name}, {receiver.kind}"
    try:
        status = receiver.accept(sent.folder, board, check_only, keep)
    except (ConfigError, DataError) as error:
        progress.notify(f"{name}: refused: {error}")
        return False
    place = f" to {board / receiver.home}" if status == "taken" and receiver.home else ""
    progress.notify(f"{name}: {STATUS[status].format(place)}")
    return True


@app.command("renew", epilog="Example: mebench leaderboard renew mean-synthetic workers=2 --dry-run")
def leaderboard_renew_command(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RECORD|KEY=VALUE",
            help="Beginnings of the ids of records, by default all of earlier features; settings such as workers=2.",
        ),
    ] = None,
    out: RecordsOut = "leaderboards/records",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compute nothing, only list records and costs.")] = False,
    json: Json = None,
) -> None:
    """Make records again by their own settings.

    The cheapest come first, and each new one takes the place of the former. Stopped, the same command continues. The exit
    code is 5 if some could not be made, 1 if none could.
    """
    ids = [word for word in words or () if "=" not in word]
    settings = [word for word in words or () if "=" in word]
    rows = renewal.renew_records(Path(out).expanduser(), ids, settings, dry_run, Progress())
    if write_json(rows, json) and rows:
        cells = [(row["record"], format_duration(row["seconds"]), row["reason"] or row["now"] or NONE) for row in rows]
        print_table(("record", "one core", "now"), cells)
    exit_if_failed(sum(bool(row["reason"]) for row in rows), len(rows))


@app.command("upgrade", epilog="Example: mebench leaderboard upgrade --dry-run")
def leaderboard_upgrade_command(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="RECORD", help="Beginnings of the ids of records, by default all."),
    ] = None,
    out: RecordsOut = "leaderboards/records",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing, only list what differs.")] = False,
    json: Json = None,
) -> None:
    """Write the scores of this version of scoring into records.

    Predictions stay, and each record keeps its former scores. The exit code is 5 if some are refused, 1 if all are.
    """
    with Progress().waiting("scoring again"):
        rows = upgrade.upgrade_records(Path(out).expanduser(), ids or (), dry_run)
    if write_json(rows, json):
        for row in rows:
            change = f"version {row['made_by']} -> {row['now']} of scoring"
            print_lines(f"{row['record']}: {row['reason'] or '; '.join(filter(None, [change, row['scores']]))}")
        if not rows:
            print_lines("all records have the scores of this version")
    exit_if_failed(sum(bool(row["reason"]) for row in rows), len(rows))


@app.command("known", epilog="Example: mebench leaderboard known method=random dataset=synthetic")
def leaderboard_known_command(
    words: Words = None,
    files: Files = None,
    plugins: Plugins = None,
    out: RecordsOut = "leaderboards/records",
    json: Json = None,
) -> None:
    """Register the annotations of your own copy of a dataset. Records with other annotations get no rank.

    The words are those of a run, which name the tested people and videos; nothing is computed.
    """
    data, truth = disagreements.truth_of_plan(run_plan.make_plan(config_from_words(words, files, plugins)))
    with record_registry.Registry.open_for_changes(Path(out).expanduser().parent) as changed:
        former = changed.truths.get(data)
        changed.truths[data] = truth
    change = "" if former in (None, truth) else f", where it was {former}: records with that one have no rank now"
    report = {"data": data, "truth": truth, "former": former}
    write_json(report, json, f"{data}: the annotations here are registered{change}")
