"""The command `mebench`: the verbs, each a few lines. Nothing heavy is imported until a verb needs it."""

import errno
import os
import sys
from typing import Annotated

import typer

from mebench.cli_cache import cache_app
from mebench.cli_data import data_app
from mebench.cli_leaderboard import leaderboard_app, reproduce
from mebench.cli_model import model_app
from mebench.cli_runs import runs_app, track_app
from mebench.cli_tune import tune
from mebench.errors import MebenchError

app = typer.Typer(
    help="Compare methods that find micro-expressions in video and name their emotion.",
    epilog="Start with: mebench list, then mebench run method=<id> dataset=<id>",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
config_app = typer.Typer(help="Look at configurations.", no_args_is_help=True)
predictions_app = typer.Typer(help="FittedMethod predictions of runs to other programs.", no_args_is_help=True)
features_app = typer.Typer(help="Explain features and compute them ahead of a run.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(data_app, name="data")
app.add_typer(runs_app, name="runs")
app.add_typer(track_app, name="track")
app.add_typer(predictions_app, name="predictions")
app.add_typer(model_app, name="model")
app.add_typer(features_app, name="features")
app.add_typer(cache_app, name="cache")
app.add_typer(leaderboard_app, name="leaderboard")
app.command("reproduce")(reproduce)
app.command("tune")(tune)


def _words(ctx: typer.Context, incomplete: str) -> list[str]:
    from mebench.commands.complete import complete_word

    return complete_word(ctx.params.get("words") or (), incomplete, ctx.params.get("plugins") or ())


def _plugin_ids(ctx: typer.Context, incomplete: str) -> list[str]:
    from mebench.commands.complete import complete_plugin

    return complete_plugin(incomplete, ctx.params.get("plugins") or ())


def _lists(incomplete: str) -> list[str]:
    return [name for name in ("methods", "datasets", "protocols", "metrics") if name.startswith(incomplete)]


def _version(wanted: bool) -> None:
    if wanted:
        from mebench import __version__

        print(f"mebench {__version__}")
        raise typer.Exit


Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY=VALUE ...]", help="Settings, such as method=mean method.p=0.6 seed=1.", autocompletion=_words
    ),
]
Files = Annotated[
    list[str] | None, typer.Option("-c", "--config", metavar="FILE", help="YAML file of settings; repeatable.")
]
Plugins = Annotated[
    list[str] | None,
    typer.Option("--plugins", metavar="PATH", help="Folder with more methods and datasets; repeatable."),
]
Runs = Annotated[str | None, typer.Option("--runs", metavar="FOLDER", help="Where the runs are.")]
Json = Annotated[
    str | None, typer.Option("--json", metavar="FILE", help="Write the result there; - for standard output.")
]


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """The options before any verb."""


@app.command("run")
def run(
    words: Words = None,
    config: Files = None,
    plugins: Plugins = None,
    multirun: Annotated[
        bool,
        typer.Option("-m", "--multirun", help="A sweep: every combination of values such as seeds=0..2 method=a,b."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and compute nothing.")] = False,
    json: Json = None,
) -> None:
    """Run a method on a dataset under a protocol, or with -m many runs at once."""
    if multirun:
        from mebench.commands.sweep import sweep_command

        sweep_command(words or [], config or [], plugins or [], dry_run, json)
        return
    from mebench.commands.run import run_command

    run_command(words or [], config or [], plugins or [], dry_run, json)


@app.command("resume")
def resume(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Id of the run, its beginning, or its folder.")],
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE ...]", help="Such as workers=4: settings that shape no prediction."),
    ] = None,
    runs: Runs = None,
    json: Json = None,
) -> None:
    """Go on with a run that was stopped."""
    from mebench.commands.run import resume_command
    from mebench.config import user_setting

    resume_command(run, words or [], runs or user_setting("runs", "runs"), json)


@app.command("list")
def list_(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[methods|datasets|protocols|metrics]", help="One list; all by default.", autocompletion=_lists
        ),
    ] = None,
    plugins: Plugins = None,
) -> None:
    """List what there is to run."""
    from mebench.commands.catalogue import list_command

    list_command(what, plugins or [])


@app.command("info")
def info(
    plugin: Annotated[
        str, typer.Argument(help="Name of a method, dataset, protocol or metric.", autocompletion=_plugin_ids)
    ],
    plugins: Plugins = None,
) -> None:
    """Show the card and parameters of a method, dataset or protocol, or what a metric is."""
    from mebench.commands.catalogue import info_command

    info_command(plugin, plugins or [])


@config_app.command("show")
def config_show(words: Words = None, config: Files = None, plugins: Plugins = None, json: Json = None) -> None:
    """Show the resolved configuration and where each value comes from."""
    from mebench.commands.show import show_command

    show_command(words or [], config or [], plugins or [], json)


@app.command("doctor")
def doctor(plugins: Plugins = None, json: Json = None) -> None:
    """Show what is installed, where things live, what is missing and how to get it."""
    from mebench.commands.doctor import doctor_command

    raise typer.Exit(doctor_command(plugins or [], json))


@features_app.command("explain")
def features_explain(words: Words = None, config: Files = None, plugins: Plugins = None, json: Json = None) -> None:
    """Print the features that a method reads, step by step, as a paper's appendix could carry them."""
    from mebench.commands.features import explain_command

    explain_command(words or [], config or [], plugins or [], json)


@features_app.command("compute")
def features_compute(words: Words = None, config: Files = None, plugins: Plugins = None, json: Json = None) -> None:
    """Compute the features of all videos and store them; what is there stays, and Ctrl-C keeps what is done."""
    from mebench.commands.features import compute_command

    compute_command(words or [], config or [], plugins or [], json)


@app.command("compare")
def compare(
    first: Annotated[str, typer.Argument(metavar="RUN", help="Id of a run, its beginning, or a folder.")],
    second: Annotated[str, typer.Argument(metavar="RUN", help="Another run on the same truth.")],
    runs: Runs = None,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="NAME", help="Such as f1, spotting.micro.ap50 or all; repeatable."),
    ] = None,
    convention: Annotated[
        str, typer.Option("--convention", metavar="NAME", help="The rules under which both are scored.")
    ] = "strict",
    json: Json = None,
) -> None:
    """Compare two runs: differences with intervals, paired tests, and what could have been seen."""
    from mebench.commands.compare import compare_command
    from mebench.config import user_setting

    compare_command(first, second, runs or user_setting("runs", "runs"), metric or [], convention, json)


@app.command("mistakes")
def mistakes(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Id of the run, its beginning, or its folder.")],
    runs: Runs = None,
    by: Annotated[str, typer.Option("--by", metavar="kind|subject|emotion", help="The rows.")] = "kind",
    json: Json = None,
) -> None:
    """Show what went wrong in spotting: every false positive and every miss, by cause."""
    from mebench.commands.mistakes import mistakes_command
    from mebench.config import user_setting

    mistakes_command(run, runs or user_setting("runs", "runs"), by, json)


@app.command("score")
def score(
    truth: Annotated[
        str,
        typer.Option(
            "--truth", metavar="FILE", help="True intervals; a row with empty onset and offset is a video without any."
        ),
    ],
    predictions: Annotated[
        str | None,
        typer.Option("--predictions", metavar="FILE", help="Spotted intervals: subject, video, onset, offset …"),
    ] = None,
    frame_scores: Annotated[
        str | None,
        typer.Option(
            "--frame-scores", metavar="FILE", help="Instead: subject, video, frame, score, made into intervals."
        ),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="auto|csv|strs|megc2020|megc2023", help="Format of the predictions.")
    ] = "auto",
    convention: Annotated[str, typer.Option("--convention", metavar="NAME", help="Rules of the scorer.")] = "strict",
    sensitivity: Annotated[bool, typer.Option("--sensitivity", help="Show the scores under every convention.")] = False,
    classes: Annotated[
        str | None, typer.Option("--classes", metavar="A,B,C", help="Emotions to score; all in the truth by default.")
    ] = None,
    kinds: Annotated[
        str | None,
        typer.Option("--kinds", metavar="micro,macro", help="Kinds to score; those of the files by default."),
    ] = None,
    fps: Annotated[
        float | None, typer.Option("--fps", help="Frames per second, for scores in ms and per minute.")
    ] = None,
    strict_videos: Annotated[
        bool, typer.Option("--strict-videos", help="Refuse videos that the truth does not name.")
    ] = False,
    loose_ids: Annotated[
        bool, typer.Option("--loose-ids", help="Take s1, 01 and 1 for one subject, EP2_1F and EP02_01f for one video.")
    ] = False,
    k_prime: Annotated[
        str | None, typer.Option("--k-prime", metavar="N", help="Half the length in frames; or micro=N,macro=N.")
    ] = None,
    p: Annotated[float | None, typer.Option("--p", help="Threshold, from mean (0) to maximum (1); 0.55.")] = None,
    smoothing: Annotated[
        str | None, typer.Option("--smoothing", metavar="average|gaussian_3|…", help="Of frame scores.")
    ] = None,
    postprocess: Annotated[
        str | None, typer.Option("--postprocess", metavar="paper|released_code", help="Whose intervals; the paper's.")
    ] = None,
    short_videos: Annotated[
        bool, typer.Option("--short-videos", help="One expression a video: its highest peak, no threshold.")
    ] = False,
    write: Annotated[
        str | None, typer.Option("--write-predictions", metavar="FILE", help="Write the scored predictions there.")
    ] = None,
    write_form: Annotated[
        str, typer.Option("--write-format", metavar="csv|strs|megc2020|megc2023", help="In this format.")
    ] = "csv",
    seed: Annotated[int, typer.Option("--seed", help="Of the bootstrap.")] = 0,
    bootstrap: Annotated[int, typer.Option("--bootstrap", metavar="N", help="Draws; 0 for no intervals.")] = 1000,
    json: Json = None,
) -> None:
    """Score predictions of any program against a truth.

    Both files are tables of text, with any separator, encoding and order of columns, or logs of MEGC 2020. Frames are taken
    as they are written: it does not matter whether they count from 0 or 1, as long as both files do the same.
    """
    from mebench.commands.score import ScoreOptions, score_command

    score_command(
        ScoreOptions(
            truth=truth,
            predictions=predictions,
            frame_scores=frame_scores,
            form=form,
            convention=convention,
            sensitivity=sensitivity,
            classes=classes,
            kinds=kinds,
            fps=fps,
            strict_videos=strict_videos,
            loose_ids=loose_ids,
            k_prime=k_prime,
            p=p,
            smoothing=smoothing,
            postprocess=postprocess,
            short_videos=short_videos,
            write=write,
            write_form=write_form,
            seed=seed,
            bootstrap=bootstrap,
            json=json,
        )
    )


@predictions_app.command("export")
def predictions_export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Id of a run, its beginning, or its folder.")],
    out: Annotated[str, typer.Option("-o", "--out", metavar="FILE", help="The file to write.")],
    form: Annotated[str, typer.Option("--format", metavar="csv|strs|megc2020|megc2023", help="Its format.")] = "csv",
    runs: Runs = None,
) -> None:
    """Write the predictions of a run for other programs and challenges."""
    from mebench.commands.predictions import export_command
    from mebench.config import user_setting

    export_command(run, runs or user_setting("runs", "runs"), form, out)


def main() -> None:
    """Run the command line. A failure is one sentence on standard error; with `MEBENCH_DEBUG=1` it is the traceback."""
    try:
        app(prog_name="mebench")
    except MebenchError as error:
        _fail(error, str(error), error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)
    except OSError as error:
        _fail(error, _os_sentence(error), 1)
    except Exception as error:
        message = " ".join(str(error).split())
        _fail(error, f"unexpected {type(error).__name__}: {message}. MEBENCH_DEBUG=1 shows where it happened", 1)
    finally:
        _close_output()


def _fail(error: Exception, message: str, code: int) -> None:
    if os.environ.get("MEBENCH_DEBUG") == "1":
        raise error
    print(f"error: {message}", file=sys.stderr)
    sys.exit(code)


def _os_sentence(error: OSError) -> str:
    where = f": {error.filename}" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"the disk is full{where}. Free some space; finished folds are kept, and mebench resume goes on with them"
        )
    return f"{error.strerror or error}{where}"


def _close_output() -> None:
    """Flush now: a reader that went away (`mebench list | head`) is no error worth a message at exit."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
