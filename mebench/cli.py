"""The command `mebench`: the verbs, each a few lines. Nothing heavy is imported until a verb needs it."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated

import typer

from mebench.errors import MebenchError

app = typer.Typer(
    help="Compare methods that find micro-expressions in video and name their emotion.",
    epilog="Start with: mebench list, then mebench run method=<id> dataset=<id>",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
config_app = typer.Typer(help="Look at configurations.", no_args_is_help=True)
leaderboard_app = typer.Typer(help="Build the leaderboard and publish runs.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(leaderboard_app, name="leaderboard")


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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and compute nothing.")] = False,
    json: Json = None,
) -> None:
    """Run a method on a dataset under a protocol."""
    from mebench.commands.run import run_command

    run_command(words or [], config or [], plugins or [], dry_run, json)


@app.command("resume")
def resume(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="Id of the run.")],
    runs: Runs = None,
    json: Json = None,
) -> None:
    """Go on with a run that was stopped."""
    from mebench.commands.run import resume_command
    from mebench.config import user_setting

    resume_command(run_id, runs or user_setting("runs", "runs"), json)


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
    plugin: Annotated[str, typer.Argument(help="Id of a method or dataset.", autocompletion=_plugin_ids)],
    plugins: Plugins = None,
) -> None:
    """Show a plugin's card and parameters."""
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


@leaderboard_app.command("build")
def leaderboard_build(
    runs: Runs = None,
    out: Annotated[str, typer.Option("--out", metavar="FOLDER", help="Where the tables go.")] = "leaderboards",
    json: Json = None,
) -> None:
    """Build tables from all runs and committed records."""
    from mebench.commands.leaderboard import build_command
    from mebench.config import user_setting

    build_command(runs or user_setting("runs", "runs"), out, json)


@leaderboard_app.command("export")
def leaderboard_export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Id or folder of the run.")],
    runs: Runs = None,
    out: Annotated[
        str, typer.Option("--out", metavar="FOLDER", help="Where the record goes.")
    ] = "leaderboards/records",
) -> None:
    """Write the record of a run that others can build their leaderboard from."""
    from mebench.commands.leaderboard import export_command
    from mebench.config import user_setting

    export_command(run, runs or user_setting("runs", "runs"), out)


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
