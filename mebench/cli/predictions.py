"""`mebench predict`, `degrade`, `predictions export` and `model`: what the models of a run say of other videos, and both for other
programs and people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from mebench.account import plain_accounts
from mebench.annotations.accounting import accounts_of
from mebench.cli.foreign_code import AgreesToCodeOfRun, ask_for_code_of_run
from mebench.cli.option_checks import at_home, check_file, check_folder
from mebench.cli.option_types import (
    DatasetWords,
    Files,
    Json,
    Plugins,
    RunId,
    Runs,
    print_remarks,
    refuse_failed,
)
from mebench.cli.registry_help import (
    DEGRADATIONS,
    FOLDER_FORMATS,
    RELATIONS,
    WRITTEN,
    WRITTEN_WITHOUT_TRUTH,
    RegistryHelpCommand,
)
from mebench.cli.verbs import verb_group
from mebench.errors import ConfigError, MebenchError, RunError, check_known
from mebench.files import file_hash
from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.output.json_output import write_json
from mebench.output.progress import Progress
from mebench.output.terminal import format_count, format_size, print_lines, print_markdown, print_report, print_table

with lazy_imports():
    from mebench.config import registry, resolving
    from mebench.exchange import text_table, write as writing
    from mebench.features import degradation
    from mebench.records import method_result
    from mebench.reports import report as run_report
    from mebench.runs import folder as run_folder, scoring

if TYPE_CHECKING:
    from mebench.inference import (
        model_card,
        models as trained_models,
        onnx_files,
        predict,
        recipe as model_recipe,
        robustness,
        robustness_page,
        spotted as spotted_videos,
    )
    from mebench.inference.models import Model, ModelHeader
    from mebench.metrics.tables import Tables
else:
    model_card = load_lazily("mebench.inference.model_card")
    trained_models = load_lazily("mebench.inference.models")
    onnx_files = load_lazily("mebench.inference.onnx_files")
    predict = load_lazily("mebench.inference.predict")
    model_recipe = load_lazily("mebench.inference.recipe")
    robustness = load_lazily("mebench.inference.robustness")
    robustness_page = load_lazily("mebench.inference.robustness_page")
    spotted_videos = load_lazily("mebench.inference.spotted")

app = verb_group("predictions")
model_app = verb_group("model")
predict_app = typer.Typer()
degrade_app = typer.Typer()


def _frames(value: str) -> str:
    check_known("--frames", value, ("numbers", "positions"))
    return value


Frames = Annotated[
    str,
    typer.Option(
        "--frames",
        metavar="numbers|positions",
        help="Numbers of the dataset's files, or positions from 0.",
        callback=_frames,
    ),
]


@app.command("export", cls=RegistryHelpCommand, epilog="Example: mebench predictions export mean-synthetic -o mean.csv")
def predictions_export_command(
    run: RunId,
    out: Annotated[str, typer.Option("-o", "--out", callback=at_home, metavar="FILE", help="The file to write.")],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar=WRITTEN,
            help=f"The format; with {FOLDER_FORMATS}, --out is a folder.",
        ),
    ] = "csv",
    frames: Frames = "numbers",
    truth: Annotated[
        str | None,
        typer.Option("--truth", metavar="FILE", help=("Write the annotations to this file, for mebench score.")),
    ] = None,
    runs: Runs = "",
    json: Json = None,
) -> None:
    """Write the predictions of a run for other programs.

    Frames have the numbers of the dataset's own files by default; formats in seconds count from the start of a video.
    All seeds, by the beginning of their ids, are written to a file each: `mean-seed0.csv`, `mean-seed1.csv`.
    """
    result = method_result.open_result(runs, run)
    remarks = text_table.Remarks()
    files: list[str] = []
    reports: list[dict[str, Any]] = []
    notes: list[str] = []
    for folder, file in zip(result.folders, _file_of_each_seed(out, result)):
        tables = scoring.read_tables(folder)
        if tables.predictions is None:
            raise RunError(f"run {folder.id!r} spots nothing, so it has no intervals to write")
        n_intervals = len(tables.predictions)
        tables, note = _counted(folder.id, tables, frames, form)
        writing.write_predictions(
            Path(file).expanduser(), form, tables, remarks, folder.read_json("folds.json")["kinds"]
        )
        if truth is not None and not files:  # that of all seeds
            writing.write_truth(Path(truth).expanduser(), tables, form)
        files.append(file)
        notes.append(note)
        reports.append({"run": folder.id, "file": file, "truth": truth, "format": form, "predictions": n_intervals})
    for note in dict.fromkeys(notes):
        Progress().notify(f"note: {note}")
    print_remarks(remarks)
    write_json(reports[0] if len(reports) == 1 else {"runs": reports}, json, *files)


def _file_of_each_seed(out: str, result: method_result.MethodResult) -> list[str]:
    """The file of each seed; of one seed the named one."""
    if len(result.folders) == 1:
        return [out]
    named = Path(out)
    return [str(named.with_name(f"{named.stem}-seed{seed}{named.suffix}")) for seed in result.seeds]


def _counted(run: str, tables: Tables, frames: str, form: str) -> tuple[Tables, str]:
    """The tables with the numbering of the frames, and a sentence about it.

    Raises:
        RunError: the run's folder does not hold the file numbers.
    """
    videos = tables.videos
    timed = writing.counts_time(form)
    if _frames(frames) == "positions" or timed:
        bare = replace(tables, videos=videos.drop(columns=writing.NUMBERING, errors="ignore"))
        if timed:
            return bare, "times are counted from the first frame of each video"
        return bare, "every video is counted from 0; --frames numbers writes the dataset's own file numbers"
    if not set(writing.NUMBERING) <= set(videos):
        raise RunError(
            f"{run!r} lacks the dataset's file numbers, like every record and every run of an older mebench: write "
            "positions, from 0 in every video, with --frames positions, or run it again"
        )
    video, first, numbers = (videos[name].iloc[0] for name in ("video", *writing.NUMBERING))
    gaps = " and leaves numbers out" if len(numbers) else ""
    return (
        tables,
        f"frames are the dataset's own file numbers ({video} begins with {first}{gaps}); --frames positions counts every video from 0",
    )


@predict_app.command(
    "predict",
    cls=RegistryHelpCommand,
    epilog="Example: mebench predict mean-synthetic dataset=folder dataset.root=videos -o mean.csv",
)
def predict_command(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN|NAME",
            help="A run, by its id, the beginning of its id, or its folder; or a model, by name or file.",
        ),
    ],
    words: DatasetWords = None,
    out: Annotated[
        str, typer.Option("-o", "--out", callback=at_home, metavar="FILE", help="The file to write.")
    ] = "predictions.csv",
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar=WRITTEN_WITHOUT_TRUTH,
            help=f"Its format, one that needs no truth; with {FOLDER_FORMATS}, --out is a folder.",
        ),
    ] = "csv",
    fold: Annotated[
        str | None, typer.Option("--fold", metavar="FOLD", help="Use the models of one fold instead of all folds.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", help="Number of processes; by default one for each core.")
    ] = None,
    frames: Frames = "numbers",
    runs: Runs = "",
    files: Files = None,
    plugins: Plugins = None,
    yes: AgreesToCodeOfRun = False,
    json: Json = None,
) -> None:
    """Spot in videos without annotations, with a run or a model. Scores of several folds are averaged."""
    check_known("format", form, writing.formats_without_truth(), "The truth is unknown here")
    check_target = check_folder if writing.FORMATS[form].writes_folder else check_file
    check_target("--out", str(Path(out).expanduser()))
    progress = Progress()
    remarks = text_table.Remarks()
    name, models = _models_named(run, runs, fold, yes)
    predicted = predict.predict_all(
        models, resolving.resolve_dataset(words or (), files or (), plugins or ()), workers, progress
    )
    failed = predicted.failed
    videos = len(predicted.failed) + len(predicted.answers)
    intervals = [interval for answer in predicted.answers.values() for interval in answer.predictions]
    tables, note = _counted(name, predicted.make_tables(), frames, form)
    writing.write_predictions(Path(out).expanduser(), form, tables, remarks, predicted.job.parts[0].task.kinds)
    progress.notify(f"note: {note}", spotted_videos.CAUTION)
    print_remarks(remarks)
    report: dict[str, Any] = {
        "run": name,
        "caution": spotted_videos.CAUTION,
        "fold": fold,
        "videos": videos,
        "predictions": len(intervals),
        "failed": failed,
    }
    report["account"] = plain_accounts(accounts_of(predicted.dataset))
    done = f"{out}: {format_count(len(intervals), 'interval')} in {format_count(videos - len(failed), 'video')}"
    write_json({**report, "file": out}, json, done)
    refuse_failed(failed, videos, out)


def _models_named(word: str, runs: str, fold: str | None, yes: bool) -> tuple[str, Sequence[Model]]:
    """Name and models of a run, or of a model.

    Raises:
        ConfigError: a fold of a model.
        RunError: there is no such run or model.
    """
    if not _names_model(word, runs):
        folder = run_folder.RunFolder.open_finished(runs, word)
        ask_for_code_of_run(folder, yes, trains=False)
        return folder.id, trained_models.models_of_run(folder, fold)
    if fold is not None:
        raise ConfigError(f"{word} is a model, but only runs have folds: leave --fold out")
    model = trained_models.read_model(trained_models.find_model_file(word))
    return model.name, (model,)


@degrade_app.command(
    "degrade",
    cls=RegistryHelpCommand,
    epilog="Example: mebench degrade mean-synthetic --what resolution,occlusion --strengths 0,3",
)
def degrade_command(
    run: RunId,
    what: Annotated[
        str | None,
        typer.Option(
            "--what",
            metavar="KIND,...",
            help=f"Of the degradations {DEGRADATIONS}, and the relations {RELATIONS}; all by default.",
        ),
    ] = None,
    strengths: Annotated[
        str, typer.Option("--strengths", metavar="N,...", help="Strengths from 0, the clean run, to 5.")
    ] = "0,1,2,3,4,5",
    model: Annotated[
        str, typer.Option("--model", metavar="FILE", help="Raises the resolution: a network in ONNX.")
    ] = "",
    out: Annotated[
        str, typer.Option("-o", "--out", callback=at_home, metavar="FILE", help="The page.")
    ] = "degraded.html",
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", help="Number of processes; by default one for each core.")
    ] = None,
    runs: Runs = "",
    yes: AgreesToCodeOfRun = False,
    json: Json = None,
) -> None:
    """Test the models of a run on degraded videos.

    The people are the same, and nothing is trained. The page shows scores against strength, what they lose, and how often changes
    alter an answer that should stay.
    """
    kinds = [*degradation.KINDS] if what is None else _listed_once(what)
    words = _degradation_words(kinds, _listed_once(strengths), model)
    page = Path(out).expanduser()
    check_file("--out", str(page))
    folder = run_folder.RunFolder.open_finished(runs, run)
    ask_for_code_of_run(folder, yes, trains=False)
    rows = robustness.measure_robustness(folder, words, workers, Progress())
    progress = Progress()
    run_report.write_page(robustness_page.page_of_robustness(folder, rows), page)
    progress.notify(*(f"{row['kind']}:{row['strength']}: {row['error']}" for row in rows if row["error"]))
    if write_json({"run_id": folder.id, "page": str(page), "rows": rows}, json):
        print_report("", *robustness_page.tables_of_robustness(rows))
        print_lines(f"{out}: the page")


def _listed_once(names: str) -> list[str]:
    """The names between commas, each once."""
    return [*dict.fromkeys(name.strip() for name in names.split(","))]


def _degradation_words(kinds: Sequence[str], strengths: Sequence[str], model: str) -> list[str]:
    """The degradations `KIND:STRENGTH[:MODEL]`: kinds at each strength, relations at theirs."""
    relations = degradation.relation_names()
    words = []
    for kind in kinds:
        takes_model = kind == "resolution" or "resolution" not in kinds
        ending = f":{model}" if model and takes_model else ""
        levels = [str(degradation.RELATION_STRENGTH)] if kind in relations else strengths
        words += [f"{kind}:{level}{ending}" for level in levels]
    return words


@model_app.command("export", epilog="Example: mebench model export mean-synthetic -o mine.safetensors --name mine")
def model_export_command(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN|NAME", help=("A run, by its id, the beginning of its id, or its folder; or a model.")
        ),
    ],
    out: Annotated[
        str,
        typer.Option(
            "-o",
            "--out",
            callback=at_home,
            metavar="FILE",
            help="The file to write: .safetensors, for mebench, or .onnx.",
        ),
    ],
    fold: Annotated[
        str | None, typer.Option("--fold", metavar="FOLD", help="The fold, named after its tested person.")
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="safetensors|onnx", help=("The format, if the name does not give it.")),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Name of a .safetensors model.")] = None,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="A paragraph for its card.")] = "",
    part: Annotated[
        str, typer.Option("--part", metavar="method|recognizer", help="The method of a pair, for .onnx.")
    ] = "method",
    runs: Runs = "",
    yes: AgreesToCodeOfRun = False,
    json: Json = None,
) -> None:
    """Write the model of a fold, or an included one, as a file.

    A .safetensors file holds weights, configuration and a card, for `mebench spot --model`; an .onnx file holds the network alone,
    for programs without PyTorch and mebench, and a .json file beside it says how scores become intervals. With both, mebench spots, too.
    """
    path = Path(out).expanduser()
    form = form or path.suffix.lower().removeprefix(".")
    check_known("format", form, ("safetensors", "onnx"), "Name a file that ends so, or give --format")
    check_known("part", part, get_args(predict.Part))

    if _names_model(run, runs):
        source = trained_models.find_model_file(run)
        if fold is not None:
            raise ConfigError(f"{run} is a model, but only runs have folds: leave --fold out")
        model = trained_models.read_model(source)
        header = trained_models.read_header(source)
    else:
        folder = run_folder.RunFolder.open_finished(runs, run)
        keys = [entry["fold"] for entry in folder.read_json("folds.json")["folds"]]
        if not fold and len(keys) != 1:
            raise ConfigError(
                f"run {folder.id} has {len(keys)} folds ({', '.join(keys[:3])} …): name one with --fold FOLD"
            )
        fold = fold or str(keys[0])
        header = None
        ask_for_code_of_run(folder, yes, trains=False)
        model = trained_models.model_of_fold(folder, fold)

    if form == "onnx":
        trained = predict.fitted_method(model, cast(predict.Part, part))
        outputs = trained_models.export_onnx(trained, path)
        Progress().notify(f"{path}: input {trained_models.INPUT}, outputs {', '.join(outputs)}")
        if part == "method" and "spot" in model.about["tasks"] and model.timings:
            recipe = onnx_files.name_recipe(path)
            if header is None:
                header = _describe_for_recipe(folder, model, name, note)
            write_json(model_recipe.describe_spotting(model, path, outputs, header), str(recipe))
            Progress().notify(f"{recipe}: how its input is made, and how its scores become intervals")
        return

    if header is None:
        header = model_card.export_model(folder, str(fold), path, name, note)
    else:
        header = header.model_copy(
            update={"name": name or header.name, "card": "\n\n".join(filter(None, (header.card, note)))}
        )
        trained_models.write_model(path, model, header)
    Progress().notify(f"{path}: the model {header.name}; use it with mebench spot --model {path}")


def _names_model(word: str, runs: str) -> bool:
    """Whether a word names an included model or a model's file, not a run."""
    known = {header.name for header in trained_models.included_models().values()}
    endings = (trained_models.ENDING, onnx_files.ONNX_ENDING)
    return (word in known or word.endswith(endings)) and not (Path(runs).expanduser() / word).is_dir()


def _describe_for_recipe(folder: run_folder.RunFolder, model: Model, name: str | None, note: str) -> ModelHeader | None:
    """The description by which mebench reads a network again; None for pairs, and where the dataset is gone."""
    if model.config.recognizer is not None:
        return None
    try:
        return model_card.describe_model(folder, model, name, note)
    except MebenchError as error:
        Progress().notify(f"note: mebench spot cannot read the network, since its card cannot be written: {error}")
        return None


@model_app.command("list", epilog="Example: mebench model list")
def model_list_command(plugins: Plugins = None, json: Json = None) -> None:
    """List the included models."""
    registry.add_paths(plugins or ())
    headers = trained_models.included_models()
    report = [
        {"hash": file_hash(file)[:8], "shipped": True, "file": str(file), "bytes": file.stat().st_size}
        | header.model_dump(include={"name", "method", "recognizer", "task", "scores"})
        for file, header in headers.items()
    ]
    if not write_json(report, json):
        return
    rows = []
    for file, header in headers.items():
        f1 = next((v for path, v in header.scores.items() if path.endswith(".f1") and v is not None), None)
        methods = " + ".join(part["name"] for part in (header.method, header.recognizer) if part)
        does = ", ".join([*header.task.kinds, *(["emotions"] if "recognize" in header.task.tasks else [])])
        rows.append((header.name, methods, does, "-" if f1 is None else f"{f1:.4f}", format_size(file.stat().st_size)))
    print_table(("name", "method", "does", "F1, unseen", "size"), rows)


@model_app.command("info", epilog="Example: mebench model info mean")
def model_info_command(
    model: Annotated[str, typer.Argument(metavar="NAME", help="Name of a model, or its file.")],
    plugins: Plugins = None,
    json: Json = None,
) -> None:
    """Show the card of a model.

    The card gives the training data, the scores and the limits.
    """
    registry.add_paths(plugins or ())
    header = trained_models.read_header(trained_models.find_model_file(model))
    if write_json(header.model_dump(), json):
        print_markdown(header.card)
