"""The verbs of the command line: a table of their files and their lines of help. A file is loaded when its verb is called.

So the parser imports no capability, and a part of mebench may be missing: only its own verbs say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from mebench.errors import ConfigError, InterruptedRunError, unknown
from mebench.lazy_imports import refused_without_part


@dataclass(frozen=True)
class Verb:
    """A verb, or a group of verbs.

    Attributes:
        file: the file in `mebench/cli/` that holds it.
        help: the first sentence of its help.
        app: the Typer application in that file.
        is_group: whether the application is a group of verbs, and the word its name.
        hidden: whether the list of verbs leaves it out.
    """

    file: str
    help: str
    app: str = "app"
    is_group: bool = False
    hidden: bool = False


VERBS: Mapping[str, Verb] = {
    "run": Verb("run", "Run a method on a dataset, or with -m many runs at once."),
    "resume": Verb("run", "Continue a stopped run."),
    "list": Verb("plugins", "List methods, datasets, protocols and metrics."),
    "info": Verb("plugins", "Explain a plugin, protocol, metric, encoder or setting."),
    "check": Verb("plugins", "Check that a plugin keeps its contract."),
    "doctor": Verb("doctor", "Show installed and missing parts, and the places of files."),
    "degrade": Verb("predictions", "Test the models of a run on degraded videos.", "degrade_app"),
    "compare": Verb("compare", "Compare two runs or files: differences, intervals, tests."),
    "report": Verb("compare", "Write a page that explains the scores of a run."),
    "combine": Verb("combine", "Combine the predictions of several runs into one."),
    "curve": Verb("curve", "Show a score over the number of training people."),
    "mistakes": Verb("mistakes", "Show what a run got wrong in spotting and recognition."),
    "table": Verb("paper", "Make a table for a paper of chosen runs or rows."),
    "plot": Verb("paper", "Plot scores of chosen runs or rows, or how they differ."),
    "score": Verb("score", "Score predictions of any program against a truth."),
    "reproduce": Verb("reproduce", "Run a paper's table and compare its cells."),
    "rescore": Verb("reproduce", "Score public prediction files of authors again."),
    "spot": Verb("spot", "Spot in your own videos."),
    "tune": Verb("tune", "Tune a method on some subjects and score it on others."),
    "predict": Verb("predictions", "Spot in videos without annotations, with a run or a model.", "predict_app"),
    "config": Verb("plugins", "Look at configurations.", "config_app", is_group=True),
    "new": Verb("plugins", "Write a plugin to start from.", "new_app", is_group=True),
    "data": Verb("data", "Check a dataset before a run.", is_group=True),
    "runs": Verb("runs", "List, show, verify and remove runs.", is_group=True),
    "track": Verb("runs", "Send runs to MLflow.", "track_app", is_group=True),
    "predictions": Verb("predictions", "Write predictions of runs for other programs.", is_group=True),
    "model": Verb(
        "predictions",
        "List models, show their cards, and write them for other programs.",
        "model_app",
        is_group=True,
    ),
    "features": Verb("features", "Explain and draw features, and compute them ahead of a run.", is_group=True),
    "cache": Verb("features", "Inspect and clean the store of computed features.", "cache_app", is_group=True),
    "leaderboard": Verb("leaderboard", "Build the leaderboard, publish runs, accept others' records.", is_group=True),
    "vqa": Verb(
        "vqa",
        "Questions about expressions, as in the grand challenge since 2025: make, answer and score them.",
        is_group=True,
    ),
    "challenge": Verb(
        "challenge",
        "Take part in the field's challenges, or hold one: check, write and score files by their rules.",
        is_group=True,
    ),
    "board": Verb(
        "leaderboard", "Build the leaderboard, publish runs, accept others' records.", is_group=True, hidden=True
    ),
}
"""All verbs, in the order of `mebench --help`."""


MEANT: Mapping[str, str] = {
    **dict.fromkeys(("train", "fit", "benchmark", "test"), "run"),
    **dict.fromkeys(("evaluate", "eval"), "score"),
    **dict.fromkeys(("describe", "show", "help"), "info"),
    **dict.fromkeys(("optimize", "search"), "tune"),
    **dict.fromkeys(("infer", "detect"), "spot"),
}
"""Verbs of other programs, with the verb that does the same here."""


def verb_group(name: str, hint: str = "") -> typer.Typer:
    """A group of verbs, with the help that `VERBS` gives its name.

    Args:
        name: name of the group.
        hint: a sentence behind an unknown verb.
    """
    group = type(f"{name.capitalize()}Verbs", (Verbs,), {"hint": hint})
    return typer.Typer(cls=group, help=VERBS[name].help, no_args_is_help=True)


class Verbs(TyperGroup):
    """A group of verbs: it answers a typing error with the nearest verb, and Ctrl-C with a sentence.

    Attributes:
        hint: a sentence behind an unknown verb.
    """

    hint = ""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb that the first word names.

        Raises:
            ConfigError: there is none.
        """
        if not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None:
            verb = f"verb of {ctx.command_path}"
            known = [name for name in self.list_commands(ctx) if not self.commands[name].hidden]
            see = f"See: {ctx.command_path} --help"
            meant = MEANT.get(args[0])
            if meant in known:
                raise ConfigError(f"unknown {verb} {args[0]!r}: that is {ctx.command_path} {meant}. {see}")
            raise ConfigError(unknown(verb, args[0], known, f"{self.hint}{see}"))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the verb.

        Raises:
            InterruptedRunError: Ctrl-C, in a verb that has no message of its own for it.
        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise InterruptedRunError("stopped: finished parts are kept, and the same command continues") from None


class ListedVerbs(Verbs):
    """All verbs of the table: they are listed without their files, and the one that is called is loaded."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, verb in VERBS.items():
            self.commands[name] = TyperCommand(name, help=verb.help, hidden=verb.hidden)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb that the first word names, from its file.

        Raises:
            ConfigError: there is none.
            MissingPartError: it needs a part of mebench that is not installed.
        """
        name, listed, rest = super().resolve_command(ctx, args)
        return name, listed and load_verb(name), rest


def load_verb(name: str) -> Any:
    """A verb or a group of verbs as Click's command, from its file.

    Raises:
        MissingPartError: it needs a part of mebench that is not installed.
    """
    verb = VERBS[name]
    with refused_without_part():
        file = import_module(f"mebench.cli.{verb.file}")
    holder = typer.Typer(rich_markup_mode=None)
    holder.add_typer(getattr(file, verb.app), name=name if verb.is_group else None, hidden=verb.hidden)
    return get_group(holder).commands[name]


def load_all_verbs(listed: Any) -> Any:
    """The group of all verbs, each loaded: for what describes or checks them.

    Args:
        listed: the group as the command line makes it.
    """
    listed.commands = {name: load_verb(name) for name in VERBS}
    return listed
