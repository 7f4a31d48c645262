"""Words that the command line does not understand, the help of every verb, and what it leaves unimported."""

import shlex
from importlib import import_module

import pytest
from typer import Typer
from typer.main import get_command

from mebench.cli import app
from mebench.cli.verbs import VERBS as LISTED, load_all_verbs


def verbs(command, path=()):
    """Every verb with the words that name it."""
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, sub in command.commands.items():
        if not sub.hidden:  # another name of a group, whose examples are under the first
            yield from verbs(sub, (*path, name))


ALL = load_all_verbs(get_command(app))
VERBS = dict(verbs(ALL))


def test_cli_verbs_have_help_of_whole_sentences():
    for path, command in VERBS.items():
        assert not command.get_short_help_str(60).endswith("..."), path  # the list of verbs shows a whole sentence
        assert not any(part in command.help for part in ("Args:", "Returns:", "Raises:")), path


@pytest.mark.parametrize("width", [30, 45, 60, 100])
def test_cli_lists_verbs_as_their_files_say(width):
    """The list of verbs reads no file, so its lines stand in a table, too."""
    listed = get_command(app).commands
    assert [*listed] == [*LISTED]
    for name, command in ALL.commands.items():
        assert listed[name].get_short_help_str(width) == command.get_short_help_str(width)
        assert listed[name].hidden == command.hidden
        assert hasattr(command, "commands") == LISTED[name].is_group
    in_files = {(verb.file, verb.app) for verb in LISTED.values()}
    for file in {verb.file for verb in LISTED.values()}:
        for app_name, found in vars(import_module(f"mebench.cli.{file}")).items():
            assert not isinstance(found, Typer) or (file, app_name) in in_files


def test_cli_verbs_have_an_example_that_parses():
    for path, command in VERBS.items():
        intro, colon, line = command.epilog.partition(": ")
        assert (intro, colon) == ("Example", ": "), path
        _, *words = shlex.split(line)
        assert tuple(words[: len(path)]) == path
        group = ALL
        rest = words
        context = None
        while hasattr(group, "commands"):
            context = group.make_context(group.name or "mebench", list(rest), parent=context)
            name, group, rest = group.resolve_command(context, [*context._protected_args, *context.args])
        found = group.make_context(name, list(rest), parent=context)  # raises what is wrong with the words
        assert group is not None, path
        assert not found.args, path


@pytest.mark.parametrize(
    "verb",
    [
        "challenge list",
        "challenge info",
        "config show",
        "data summary",
        "features explain",
        "info",
        "list",
        "model list",
        "model info",
    ],
)
def test_cli_examples_that_need_nothing_work(mebench, verb):
    _, *words = shlex.split(VERBS[tuple(verb.split())].epilog.partition(": ")[2])
    code, out, error = mebench(*words)
    assert (code, bool(out)) == (0, True), error


def test_cli_verbs_all_have_json():
    """As docs/reference/commands.md promises."""
    options_of = {" ".join(path): [option for p in verb.params for option in p.opts] for path, verb in VERBS.items()}
    assert [verb for verb, options in options_of.items() if "--json" not in options] == []


def test_cli_arguments_all_have_a_name():
    for path, verb in VERBS.items():
        arguments = [p for p in verb.params if p.param_type_name == "argument"]
        assert all(p.metavar for p in arguments), path


def test_cli_help_shows_the_example(mebench):
    for path, verb in VERBS.items():
        code, out, _ = mebench(*path, "--help")
        assert code == 0, path
        assert " ".join(verb.epilog.split()) in " ".join(out.split()), path


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["rnu"], "unknown verb of mebench 'rnu'. Did you mean 'run'?"),
        (["runs", "shwo", "x"], "unknown verb of mebench runs 'shwo'. Did you mean 'show'?"),
        (["run", "--dry-rnu"], "unknown option of mebench run '--dry-rnu'. Did you mean '--dry-run'?"),
        (
            ["compare", "one"],
            "mebench compare needs RUN, another run or file on the same truth, or a published result as published:htnet2023. "
            "See: mebench compare --help",
        ),
        (["score"], "mebench score needs one file"),
        (
            ["info"],
            "mebench info needs ID, name of a method, dataset, protocol, metric, board, challenge, paper, encoder or setting. See: "
            "mebench info --help",
        ),
        (["runs", "list", "--runs"], "--runs needs a value"),
        (
            ["tune", "method=mean", "trials=2"],
            "'trials=2' is not a setting: trials is an option here, write --trials 2",
        ),
        (["tune", "method=mean", "dataset=synthetic", "words=2"], "unknown key 'words'"),
        (["tune", "--trials", "many"], "--trials of mebench tune: "),
        (["list", "methods", "datasets"], "so 'datasets' is one word too many. See: mebench list --help"),
        (["runs", "show", "abx", "--runs", "."], "unknown run 'abx'."),
        (["info", "fqr"], "Did you mean 'fpr'?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_cli_words_that_are_wrong_give_one_sentence(mebench, monkeypatch, tmp_path, words, sentence):
    monkeypatch.chdir(tmp_path)
    code, out, err = mebench(*words)
    assert (code, out) == (4 if sentence.startswith("unknown run") else 2, "")
    assert err.startswith("error: ")
    assert sentence in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("words", [[], ["runs"], ["data"]])
def test_cli_groups_without_a_verb_show_help(mebench, words):
    code, out, err = mebench(*words)
    assert code == 2
    assert "Usage: mebench" in out + err
    assert "error:" not in out + err
