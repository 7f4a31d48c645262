"""The command `mebench`: one file for each verb or group of verbs, listed in `verbs.py`; this file has what all share. It
imports no verb.
"""

import atexit
import gc
import io
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mebench._fast_imports import speed_up_imports
from mebench._installation import VERSION, shipped_folder
from mebench.cli.option_checks import at_home
from mebench.cli.verbs import ListedVerbs
from mebench.errors import DataError, MebenchError, PluginError, PluginLine, find_plugin_line, system_sentence, unknown
from mebench.output.terminal import print_lines

app = typer.Typer(
    cls=ListedVerbs,
    help="Compare methods that find micro-expressions in video and name their emotion.",
    epilog="Start with: mebench list, then mebench run method=<id> dataset=<id>",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

UsageError: Any = typer.BadParameter.__base__
"""Errors of the command-line parser; newer versions of Typer contain Click, older ones use the installed one."""


def _version(wanted: bool) -> None:
    if wanted:
        print_lines(f"mebench {VERSION}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """The options before any verb."""


def main() -> None:
    """Run the command line. A failure prints one sentence on standard error; with `MEBENCH_DEBUG=1` it prints the
    traceback.
    """
    _print_on_any_code_page()
    speed_up_imports()
    sys.argv[1:] = map(_as_path, sys.argv[1:])
    atexit.register(gc.freeze)  # otherwise the program searches them all before it ends: a second if PyTorch is loaded
    try:
        sys.exit(app(prog_name="mebench", standalone_mode=False) or 0)
    except UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # its message is the complete help
            print_lines(*error.message.split("\n"), error=True)
            sys.exit(error.exit_code)
        _fail(error, usage_sentence(error), error.exit_code)
    except (PluginError, DataError) as error:
        line = find_plugin_line(error)
        is_about_data = isinstance(error, DataError) and line is not None and _is_shipped(line)
        _fail(error, _with_place(str(error), None if is_about_data else line), error.exit_code)
    except MebenchError as error:
        _fail(error, str(error), error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)
    except OSError as error:
        _fail(error, system_sentence(error, next(iter(sys.argv[1:]), "")), 1)
    except Exception as error:
        message = " ".join(str(error).split())
        if isinstance(error, MemoryError) or "failed to map segment" in message:  # a library lacks memory
            _fail(
                error, "memory ran out: end other programs, use fewer workers (workers=1), or allow more (ulimit -v)", 1
            )
        line = find_plugin_line(error)
        if line is not None:
            sentence = f"{type(error).__name__} in a plugin's code: {message}"
            _fail(
                error, f"{_with_place(sentence, line)}. MEBENCH_DEBUG=1 shows how it got there", PluginError.exit_code
            )
        _fail(error, f"unexpected {type(error).__name__}: {message}. MEBENCH_DEBUG=1 shows where it happened", 1)
    finally:
        try:  # flush now: a closed pipe (`mebench list | head`) deserves no message at exit
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_shipped(line: PluginLine) -> bool:
    """Whether a line stands in a plugin that comes with mebench: of a fault in data its reader is told, not its code."""
    folders = [folder for kind in ("methods", "datasets") for folder in shipped_folder(kind)]
    return any(line.file.is_relative_to(folder) for folder in folders)


def _with_place(sentence: str, line: PluginLine | None) -> str:
    """A sentence with the line of a plugin that it is about. A sentence that names a line stays as it is."""
    return sentence if line is None or ", line " in sentence else f"{sentence} ({line})"


def _as_path(word: str) -> str:
    """A word as a path: with its folder if a file is called so.

    The user's folder stands in for `~`, which shells leave in `--json=~/a.json`.

    >>> _as_path("--help"), _as_path("-v"), _as_path("--note=~")
    ('--help', '-v', '--note=~')
    """
    option, sign, place = word.partition("=")
    if word.startswith("~/"):
        return at_home(word)
    if option.startswith("-") and place.startswith("~/"):
        return f"{option}{sign}{at_home(place)}"
    is_file = word.startswith("-") and "." in word and "=" not in word and Path(word).exists()
    return f"./{word}" if is_file else word


def _print_on_any_code_page() -> None:
    """Write signs that the terminal's encoding lacks as escapes: no name or score is worth an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def usage_sentence(error: Any) -> str:
    """The fault in the words of a command, and its help command."""
    context = error.ctx
    param = getattr(error, "param", None)
    message = error.message.strip().rstrip(".")
    verb = context.command_path if context else "mebench"
    see = f"See: {verb} --help"
    if hasattr(error, "possibilities"):
        names = [name for p in context.command.params for name in (*p.opts, *p.secondary_opts)]
        options = [name for name in names if name.startswith("--")]
        return unknown(f"option of {verb}", error.option_name, options, see)
    if hasattr(error, "option_name"):
        return f"{error.option_name} needs a value. {see}"
    if param is not None:
        name = param.metavar if param.param_type_name == "argument" else param.opts[-1]
        if type(error).__name__ == "MissingParameter":
            return f"{verb} needs {name}, {param.help[:1].lower()}{param.help[1:]} {see}"
        return f"{name} of {verb}: {message[:1].lower()}{message[1:]}. {see}"
    if extra := re.search(r"unexpected extra argument\S* \((.*)\)", message):
        return (
            f"{verb} takes only {' '.join(context.command.collect_usage_pieces(context))}, so {extra[1]!r} "
            f"is one word too many. {see}"
        )
    return f"{verb}: {message}. {see}"


def _fail(error: Exception, message: str, code: int) -> None:
    """End the program with a sentence; with MEBENCH_DEBUG=1 raise the error instead.

    After Ctrl-C or SIGTERM (code 128 and more) the sentence is not called an error.
    """
    if os.environ.get("MEBENCH_DEBUG") == "1":
        raise error
    print_lines(message if code > 128 else f"error: {message}", error=True)
    sys.exit(code)
