"""`mebench tune`: choose parameters on some subjects and judge them on others."""

from pathlib import Path
from typing import Annotated

import typer

from mebench.cli.foreign_code import AgreesToCode, ask_for_code_of_files
from mebench.cli.option_checks import at_home, check_file, check_folder
from mebench.cli.option_types import Files, Json, Plugins, Words, config_with_inputs
from mebench.lazy_imports import lazy_imports
from mebench.output.json_output import write_json
from mebench.output.progress import Progress
from mebench.output.terminal import print_lines

with lazy_imports():
    from mebench.tuning import outcome, records, run_studies, tuning_page

app = typer.Typer()


@app.command("tune", epilog="Example: mebench tune method=mean dataset=synthetic --trials 20 --write tuned.yaml")
def tune_command(
    words: Words = None,
    files: Files = None,
    plugins: Plugins = None,
    trials: Annotated[
        int, typer.Option("--trials", metavar="N", help="Number of trials of the study, over all processes.")
    ] = 50,
    objective: Annotated[
        list[str] | None,
        typer.Option(
            "--objective",
            metavar="NAME[:min|max]",
            help="The objective, such as f1, recognition.uf1, fp_per_minute, cost; repeatable for a Pareto front.",
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            metavar="NAME[={low: …, high: …}]",
            help=(
                "Tune this parameter, over the range in the method's config.yaml or your own; repeatable; "
                "all by default."
            ),
        ),
    ] = None,
    acts: Annotated[
        list[str] | None,
        typer.Option(
            "--acts",
            metavar="postprocess|training|features",
            help="Tune only parameters of this kind; repeatable. Those of postprocess train nothing.",
        ),
    ] = None,
    nested: Annotated[
        bool, typer.Option("--nested", help="One study for each outer fold, over the subjects that train in it.")
    ] = False,
    tuning_subjects: Annotated[
        float | None,
        typer.Option(
            "--tuning-subjects",
            metavar="N|SHARE",
            help="One study over this many subjects, or this share; the others give the outer score. 0.4 by default.",
        ),
    ] = None,
    inner_folds: Annotated[
        int, typer.Option("--inner-folds", metavar="N", help="Largest number of folds by subject inside a study.")
    ] = 5,
    sampler: Annotated[
        str, typer.Option("--sampler", metavar="NAME", help="tpe, random, gp, cmaes, nsgaii, …")
    ] = "tpe",
    pruner: Annotated[
        str, typer.Option("--pruner", metavar="median|hyperband|halving|none", help="Stops poor trials.")
    ] = "median",
    storage: Annotated[
        str | None,
        typer.Option(
            "--storage",
            metavar="URL",
            help="A database, or a sqlite file, that several processes share; optuna.db in --out by default.",
        ),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option(
            "--study", metavar="NAME", help=("Name of the study in the storage; by default made of the settings.")
        ),
    ] = None,
    heartbeat: Annotated[
        int,
        typer.Option(
            "--heartbeat",
            metavar="SECONDS",
            help=("Seconds between signs of life; a process silent for twice as long counts as killed."),
        ),
    ] = 30,
    out: Annotated[
        str, typer.Option("--out", callback=at_home, metavar="FOLDER", help="The folder for studies.")
    ] = "tuning",
    write: Annotated[
        str | None, typer.Option("--write", metavar="FILE.yaml", help="Write a configuration for run -c.")
    ] = None,
    yes: AgreesToCode = False,
    json: Json = None,
) -> None:
    """Tune a method on some subjects and score it on others.

    Parameters and ranges come from the method's config.yaml. Trials use only inner folds of the tuning subjects; the outer
    subjects then give the gain of the tuned configuration over the default. Give the same command again to continue a study,
    and in several processes at once to share it.
    """
    options = records.TuneOptions(
        trials=trials,
        objectives=tuple(objective or ()),
        params=tuple(param or ()),
        acts=tuple(acts or ()),
        nested=nested,
        tuning_subjects=tuning_subjects,
        inner_folds=inner_folds,
        sampler=sampler,
        pruner=pruner,
        storage=storage,
        study=study,
        heartbeat=heartbeat,
        out=out,
    )
    check_folder("--out", out)
    if write is not None:
        check_file("--write", str(Path(write).expanduser()))
    ask_for_code_of_files(files, yes)
    settings = config_with_inputs(words, files, plugins)

    progress = Progress()
    tuned = run_studies.tune_and_judge(settings, options, progress)
    if write_json(tuned.plain, json):
        outcome.print_tuning(tuned.plain)
        print_lines(f"{Path(tuned.plain['folder']) / tuning_page.PAGE}: the page")
    if write is not None:
        progress.notify(*(f"{write}: {line}" for line in outcome.write_tuned(tuned, Path(write).expanduser())))
