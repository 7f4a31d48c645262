"""Options and arguments that several verbs share, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mebench.account import account_lines, column_lines
from mebench.cli.complete import complete_word
from mebench.cli.option_checks import at_home, check_file
from mebench.errors import ConfigError, SomeFailedError
from mebench.lazy_imports import lazy_imports
from mebench.output.progress import Progress
from mebench.output.terminal import format_count

with lazy_imports():
    from mebench.api import run_results
    from mebench.config import registry, resolving, settings as run_settings, sources, trainer
    from mebench.inspection import dataset_summary

if TYPE_CHECKING:
    from mebench.api.score_files import Comparison, Scores
    from mebench.core.dataset import Dataset
    from mebench.exchange.text_table import Remarks


def _target(ctx: typer.Context, value: str | None) -> str | None:
    """Refuse now a file that could not be written after hours of work."""
    if ctx.resilient_parsing or value in (None, "-"):
        return value
    target = at_home(str(value))
    check_file("--json", target)
    return target


def _settings(ctx: typer.Context, words: list[str] | None) -> list[str] | None:
    """Refuse an option that is written as a setting."""
    written = [option for param in ctx.command.params for option in param.opts]
    options = {option.removeprefix("--") for option in written if option.startswith("--")}
    options -= {field.name for field in fields(run_settings.RunConfig)}
    for word in words or ():
        key, _, value = word.partition("=")
        if key in options:
            raise ConfigError(f"{word!r} is not a setting: {key} is an option here, write --{key} {value}")
    return words


def _words(help_: str) -> Any:
    """Words of settings, checked and completed."""
    return typer.Argument(
        metavar="KEY=VALUE",
        help=help_,
        callback=_settings,
        autocompletion=lambda ctx, incomplete: complete_word(
            ctx.params.get("words") or (), incomplete, ctx.params.get("plugins") or ()
        ),
    )


Words = Annotated[list[str] | None, _words("Settings, such as method=mean method.p=0.6 seed=1.")]
DatasetWords = Annotated[list[str] | None, _words("The dataset, such as dataset=casme2 dataset.root=/data/CASME2.")]
Files = Annotated[
    list[str] | None, typer.Option("-c", "--config", metavar="FILE", help="YAML file of settings; repeatable.")
]
Plugins = Annotated[
    list[str] | None,
    typer.Option("--plugins", metavar="PATH", help="Folder with more methods, datasets and metrics; repeatable."),
]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run, by its id, the beginning of its id, or its folder.")]
Rule = Annotated[
    list[str] | None,
    typer.Option(
        "--rule", metavar="FIELD=VALUE", help="One rule of the convention, such as ends=half_open; repeatable."
    ),
]
Runs = Annotated[
    str,
    typer.Option(
        "--runs",
        metavar="FOLDER",
        help="The folder of the runs.",
        callback=lambda ctx, value: value if ctx.resilient_parsing else run_results.runs_folder(value),
        show_default=False,
    ),
]
Json = Annotated[
    str | None,
    typer.Option(
        "--json", metavar="FILE", help="Write the result to this file; - for standard output.", callback=_target
    ),
]
Tracking = Annotated[
    str | None, typer.Option("--tracking", metavar="URI", help="MLflow's address; $MLFLOW_TRACKING_URI by default.")
]
Encoding = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        metavar="NAME",
        help=("Encoding of files that are not UTF-8, such as gb18030, shift_jis or cp1252."),
    ),
]
Column = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="WHAT=NAME",
        help="Read a column of a file as what you say, such as emotion=predict, or truth.emotion=label; repeatable.",
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="NAME=VALUE",
        help="Count only rows with this cell, such as seed=0 or coder=A; seed=* pools all; repeatable.",
    ),
]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Show all scores and remarks, not only the main ones.")]


def add_plugins(plugins: Plugins) -> None:
    """Add the folders of plugins that the user's file and the command name."""
    registry.add_paths([*sources.more_plugins(), *(plugins or ())])


def config_from_words(words: Words, files: Files, plugins: Plugins) -> run_settings.RunConfig:
    """The configuration of a run, to be looked at: callbacks outside Lightning stay unchecked."""
    with trainer.without_foreign_code():
        return resolving.resolve(words or (), files or (), plugins or ())


def config_with_inputs(words: Words, files: Files, plugins: Plugins) -> run_settings.RunConfig:
    """The configuration of a run, once its inputs are there. Missing ones are reported before a heavy import."""
    settled = resolving.resolve(words or (), files or (), plugins or ())
    (settings,) = dataset_summary.check_needs([settled], Progress().notify)
    return settings


def datasets_of(words: DatasetWords, files: Files, plugins: Plugins) -> dict[str, Dataset]:
    """The datasets, by id, from words, files and the user's file. A composite gives its members."""
    return dataset_summary.open_members(
        resolving.resolve_dataset(words or (), files or (), plugins or ()).dataset_params
    )


def print_remarks(remarks: Remarks | Scores | Comparison, verbose: bool = False) -> None:
    """Print repairs, warnings and the account of files on standard error; of every column, if that is wanted."""
    columns = column_lines(remarks.column_uses, verbose)
    notes = [*remarks.repaired, *account_lines(remarks.account), *columns]
    Progress().notify(*(f"note: {line}" for line in notes), *(f"warning: {line}" for line in remarks.warnings))


def exit_if_failed(failed: int, tried: int) -> None:
    """End with the exit code of a partial failure, or with 1 if all failed; the reasons are printed already.

    Raises:
        typer.Exit: some failed.
    """
    if failed:
        raise typer.Exit(SomeFailedError.exit_code if failed < tried else 1)


def refuse_failed(failed: Mapping[str, str], videos: int, out: str) -> None:
    """Report the videos that could not be predicted.

    Raises:
        SomeFailedError: there are some; it gives the reason of the first.
    """
    if not failed:
        return
    first, *others = [f"{video}: {reason}" for video, reason in failed.items()]
    Progress().notify(*(f"failed: {line}" for line in others))
    raise SomeFailedError(
        f"{format_count(len(failed), 'video')} of {videos} could not be predicted; {out} holds the others. {first}"
    )
