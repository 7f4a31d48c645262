"""Options that several verbs share."""

from typing import Annotated

import typer


def complete_words(ctx: typer.Context, incomplete: str) -> list[str]:
    """What the `key=value` word at the cursor may become."""
    from mebench.commands.complete import complete_word

    return complete_word(ctx.params.get("words") or (), incomplete, ctx.params.get("plugins") or ())


DatasetWords = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY=VALUE ...]",
        help="The dataset, such as dataset=casme2 dataset.root=/data/CASME2.",
        autocompletion=complete_words,
    ),
]
Files = Annotated[
    list[str] | None, typer.Option("-c", "--config", metavar="FILE", help="YAML file of settings; repeatable.")
]
Plugins = Annotated[
    list[str] | None,
    typer.Option("--plugins", metavar="PATH", help="Folder with more methods and datasets; repeatable."),
]
Json = Annotated[
    str | None, typer.Option("--json", metavar="FILE", help="Write the result there; - for standard output.")
]
