"""Runs the code blocks of a page, in order, in one process and one empty folder.

The site shows below each block what it printed when the site was built (`hooks.py`), and the tests run the same blocks on small data
(`tests/docs/test_pages.py`), so that no page can be untrue. A block of `python` is run; so is each line of `sh` that begins with
`mebench`, others are for the reader. A block with `title="FILE"` is written to that file instead. Words after the language say more:

    shown      not run; but Python has to compile, and mebench must understand its words
    quiet      what it prints is not shown
    hidden     its code is not shown; on GitHub neither, since it stands in a comment
    markdown   what it prints is Markdown
    fails      it ends with an error, or an exit code other than 0, which is shown
    picture    the pictures that its commands write with -o are shown, too
    written    what it prints also stands below it in the page, for those who read it on GitHub: between `<!-- written -->` and
               `<!-- end -->`. `python docs/blocks.py --write PAGE...` writes it again; a build and the tests compare
"""

from __future__ import annotations

import ast
import base64
import contextlib
import gc
import io
import json
import os
import pkgutil
import re
import shlex
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest import mock

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)(?P<words>[^\n`]*)\n(?P<code>.*?)^(?P=indent)```[ ]*$\n?", re.M | re.S
)
OWN = {"shown", "quiet", "hidden", "markdown", "fails", "picture", "written"}
"""Words that are for this program, not for the one that makes HTML of Markdown."""
WRITTEN = re.compile(r"^<!-- written -->\n.*?^<!-- end -->$", re.M | re.S)
"""Output that stands in a page."""
WIDTH = 100
"""Of what is printed, in characters; tables may be wider."""
WRAPPED = textwrap.TextWrapper(WIDTH, break_long_words=False, break_on_hyphens=False)
FORK = get_context("fork")
USUAL = (
    "mebench._fast_imports:L",
    "cv2",
    "matplotlib.pyplot",
    "mebench.api.run_results",
    "mebench.cli",
    "mebench.reports.scores",
    "mebench.runner.session",
    "mebench.tracking.mlflow",
    "mebench.training",
    "mlflow.store.tracking.sqlalchemy_store",
    "pandas",
    "pyarrow.parquet",
    "scipy.signal",
    "scipy.stats",
)
"""What the blocks of most pages import: modules, and Lightning as the command line imports it."""
HOME = "/home/ann/work"
"""The name of a page's folder in shown output."""


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        language: the first word after the fence.
        words: the others of `OWN`.
        options: the rest, for the highlighter.
        title: the file that it is, or empty.
        code: what stands in it.
    """

    language: str
    words: frozenset[str]
    options: str
    title: str
    code: str

    @classmethod
    def of(cls, found: re.Match[str]) -> Block:
        """The block that `FENCE` found."""
        words = found["words"].split(" ")
        title = re.search(r'title="([^"]+)"', found["words"])
        return cls(
            found["language"],
            frozenset(OWN.intersection(words)),
            " ".join(word for word in words if word not in OWN),
            title[1] if title else "",
            textwrap.dedent(found["code"]),
        )


@dataclass(frozen=True)
class Output:
    """The output of a block: as plain text, as HTML, or as Markdown."""

    form: str
    text: str


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, or of a notebook."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".ipynb":
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        return [Block("python", frozenset(), "", "", "".join(cell["source"])) for cell in cells]
    return [Block.of(found) for found in FENCE.finditer(text)]


def with_written(page: Path, outputs: Sequence[Sequence[Output]]) -> str:
    """The text of a page with the outputs of its `written` blocks as they are now.

    Raises:
        ValueError: a block has no place for its output, or a place has no block.
    """
    texts = [
        "".join(output.text for output in found)
        for block, found in zip(blocks(page), outputs, strict=True)
        if "written" in block.words
    ]
    text = page.read_text(encoding="utf-8")
    if len(WRITTEN.findall(text)) != len(texts):
        raise ValueError(
            f"{page.name}: each block with the word written needs one <!-- written --> and <!-- end --> below it"
        )
    rest = iter(texts)
    return WRITTEN.sub(lambda _: f"<!-- written -->\n\n{next(rest).strip()}\n\n<!-- end -->", text)


def run(page: Path, folder: Path, words: Callable[[list[str]], list[str]] = list) -> Iterator[list[Output]]:
    """The output of each block of a page, one after the other; `folder` is the working folder.

    Args:
        page: the file.
        folder: an empty folder.
        words: changes the words of a command before it is run, to make it smaller.

    Raises:
        RuntimeError: a block did not do what it says.
    """
    names: dict[str, Any] = {"__name__": page.stem}
    with _at(folder):
        for number, block in enumerate(blocks(page), 1):
            try:
                found = list(_run(block, folder, names, words))
            except Exception as error:
                place = f"{page.name}, block {number}"
                raise RuntimeError(f"{place}: {type(error).__name__}: {error}\n\n{block.code}") from error
            yield [] if "quiet" in block.words else [_as_shown(output, block, folder) for output in found]


def _run(
    block: Block, folder: Path, names: dict[str, Any], words: Callable[[list[str]], list[str]]
) -> Iterator[Output]:
    if block.title:
        place = folder / block.title
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(block.code, encoding="utf-8")
    elif block.language == "python":
        code = ast.parse(block.code)
        if "shown" not in block.words:
            yield from _python(code, names, "fails" in block.words)
    elif block.language == "sh":
        for command in _commands(block.code):
            if "shown" in block.words:
                _parse(command)
            else:
                yield Output("text", _mebench(words(command), "fails" in block.words))
                if "picture" in block.words:
                    yield _picture(folder / command[command.index("-o") + 1])


def _python(code: ast.Module, names: dict[str, Any], fails: bool) -> Iterator[Output]:
    """Run it; what it printed, then what its last line is worth."""
    last: Any = code.body.pop() if code.body and isinstance(code.body[-1], ast.Expr) else None
    printed = io.StringIO()
    value: Any = None
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(code, "<page>", "exec"), names)
            if last is not None:
                value = eval(compile(ast.Expression(last.value), "<page>", "eval"), names)
        except Exception as error:
            if not fails:
                raise
            print(f"{type(error).__name__}: {error}")
        else:
            if fails:
                raise AssertionError("it should fail, and does not")
    if printed.getvalue():
        yield Output("text", printed.getvalue())
    if hasattr(value, "savefig"):
        picture = io.BytesIO()
        value.savefig(picture, format="svg", bbox_inches="tight")
        data = base64.b64encode(picture.getvalue()).decode()
        yield Output("html", f'<img alt="" src="data:image/svg+xml;base64,{data}">')
    elif hasattr(value, "_repr_html_"):
        yield Output("html", value._repr_html_())
    elif value is not None:
        yield Output("text", f"{value!r}\n")


def _picture(file: Path) -> Output:
    """A written picture, .png or .svg, within the page."""
    kind = "svg+xml" if file.suffix == ".svg" else "png"
    data = base64.b64encode(file.read_bytes()).decode()
    return Output("html", f'<img alt="{file.name}" src="data:image/{kind};base64,{data}">')


def _commands(code: str) -> Iterator[list[str]]:
    """The words of each line that begins with mebench."""
    for line in code.replace("\\\n", " ").splitlines():
        for part in line.split(" && "):
            words = shlex.split(part, comments=True)
            if words and words[0] == "mebench":
                yield words[1:]


def _mebench(words: Sequence[str], fails: bool) -> str:
    """The output of `mebench WORDS`; the sentence of its error, where it is to fail and prints nothing else."""
    from mebench import cli

    given = [file for word in words for file in _expanded(word)]
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["mebench", *given]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            cli.main()
            code: Any = 0
        except SystemExit as end:
            code = end.code or 0
    if bool(code) != fails:
        raise AssertionError(f"mebench {shlex.join(given)} ended with {code}: {err.getvalue()[-2000:]}")
    return out.getvalue() or (err.getvalue() if fails else "")


def _expanded(word: str) -> list[str]:
    """The files that a word with a star names, as a shell gives them; any other word itself."""
    here = Path.cwd()
    files = here.glob(word) if "*" in word else ()
    return sorted(str(path.relative_to(here)) for path in files) or [word]


def _parse(words: Sequence[str]) -> None:
    """See whether mebench understands the words, without doing what they say."""
    from typer.main import get_command

    from mebench.cli import app

    command: Any = get_command(app)
    context, name, rest = None, "mebench", list(words)
    while hasattr(command, "commands"):
        context = command.make_context(name, rest, parent=context)
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
    command.make_context(name, rest, parent=context)


def _as_shown(output: Output, block: Block, folder: Path) -> Output:
    """An output as its page shows it: under the reader's folder, and with lines that fit."""
    # When the site is built, all pages share one store.
    tracked = os.environ.get("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
    text = output.text.replace(tracked, f"sqlite:///{HOME}/mlflow.db").replace(str(folder), HOME)
    if output.form != "text":
        return Output(output.form, text)
    if "markdown" in block.words:
        return Output("markdown", text)
    lines = []
    for line in text.strip("\n").split("\n"):
        is_table = "  " in line.strip()
        lines.append(line.rstrip() if is_table else WRAPPED.fill(line.rstrip()))
    return Output("text", "\n".join(lines))


@contextlib.contextmanager
def _at(folder: Path) -> Iterator[None]:
    """In that folder, without any file of the user's."""
    alone = {"XDG_CONFIG_HOME": str(folder / ".config"), "COLUMNS": str(WIDTH), "MPLBACKEND": "agg"}
    with contextlib.chdir(folder), mock.patch.dict(os.environ, alone):
        os.environ.pop("MEBENCH_CONFIG", None)
        yield


def outputs_of(page: Path) -> list[list[Output]]:
    """The output of each block of a page, run in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as place:
        return list(run(page.resolve(), Path(place).resolve()))


def serve() -> None:
    """Answer each line of standard input, the place of a page, with a line of JSON: its outputs, or the error.

    Each page is run in a copy of this process, which has imported what most pages need: that takes seconds.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else is printed
    for name in USUAL:
        pkgutil.resolve_name(name)
    gc.freeze()  # or the first collection of a copy would copy all memory
    for line in sys.stdin:
        receiver, sender = FORK.Pipe(duplex=False)
        copy = FORK.Process(target=_send_outputs, args=(Path(line.strip()), sender))
        copy.start()
        sender.close()
        try:
            answer = receiver.recv()
        except EOFError:
            answer = json.dumps({"error": f"{line.strip()} ended the process"})
        copy.join()
        print(answer, file=answers, flush=True)


def _send_outputs(page: Path, sender: Connection) -> None:
    try:
        answer: dict[str, Any] = {"outputs": [[vars(output) for output in found] for found in outputs_of(page)]}
    except RuntimeError as error:
        answer = {"error": str(error)}
    sender.send(json.dumps(answer))


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        from shared_server import share

        from mebench._fast_imports import speed_up_imports
        from mebench.sandbox.process import THREADS

        os.environ.update(THREADS)  # else numeric libraries wait for each other on all cores
        speed_up_imports()  # as the command line does
        share()
        serve()
    elif sys.argv[1] == "--write":
        for page in map(Path, sys.argv[2:]):
            page.write_text(with_written(page, outputs_of(page)), encoding="utf-8", newline="\n")
    else:
        json.dump([[vars(o) for o in found] for found in outputs_of(Path(sys.argv[1]))], sys.stdout)
