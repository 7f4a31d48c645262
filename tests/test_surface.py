"""What users and plugin authors hold on to: verbs and their options, the Python API, what plugins import and build on.

`tests/surface.json` is what stands today. A change of it is a promise that changes: add freely, and let what goes go through a deprecation.
`python tests/test_surface.py` writes it again.
"""

import ast
import inspect
import json
import re
import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import typer.main

import mebench
from mebench.cli import app
from mebench.cli.verbs import load_all_verbs

ROOT = Path(__file__).parent.parent
SURFACE = Path(__file__).with_name("surface.json")
PLUGINS = ("methods", "datasets", "examples")


def verbs(command, path="mebench"):
    """Every verb with the words that its help shows: options, and the names of its arguments."""
    if hasattr(command, "commands"):
        return {
            key: value for name, sub in command.commands.items() for key, value in verbs(sub, f"{path} {name}").items()
        }
    return {path: sorted(word for p in command.params for word in (*p.opts, *p.secondary_opts))}


def api():
    """The public names of `import mebench`: parameters of functions and of the public methods of classes."""
    found = {}
    for name in sorted(mebench.__all__):
        thing = getattr(mebench, name)
        if inspect.isclass(thing):
            ours = {own for base in thing.__mro__ if base.__module__.startswith("mebench.") for own in vars(base)}
            for own, member in inspect.getmembers(thing):
                if own in ours and not own.startswith("_"):
                    found[f"{name}.{own}"] = (
                        list(inspect.signature(member).parameters) if inspect.isfunction(member) else []
                    )
        elif inspect.isfunction(thing):
            found[name] = list(inspect.signature(thing).parameters)
    return found


@cache
def trees_of_plugins():
    """The parsed files of the plugins and examples of this repository."""
    files = [file for folder in PLUGINS for file in sorted((ROOT / folder).rglob("*.py"))]
    return [ast.parse(file.read_text(encoding="utf-8")) for file in files]


def imported_by_plugins():
    """`module: names` of all that the plugins and examples of this repository import of mebench."""
    found = {}
    for tree in trees_of_plugins():
        for node in ast.walk(tree):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            if re.match(r"mebench(\.(?!methods|datasets)|$)", module):
                found.setdefault(module, set()).update(alias.name for alias in node.names)
    return {module: sorted(names) for module, names in sorted(found.items())}


def bases_of_plugins():
    """The public names of classes of mebench from which plugins and examples of this repository derive their own."""
    found = {}
    for tree in trees_of_plugins():
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        module_of = {alias.asname or alias.name: node.module or "" for node in imports for alias in node.names}
        for node in ast.walk(tree):
            bases = node.bases if isinstance(node, ast.ClassDef) else []
            for base in map(ast.unparse, bases):
                if module_of.get(base, "").startswith("mebench."):
                    found[base] = getattr(import_module(module_of[base]), base)
    return {f"{base.__module__}.{name}": public_names(base) for name, base in sorted(found.items())}


def public_names(base):
    """What a class and its bases in mebench define, attributes without a default too."""
    ours = [one for one in base.__mro__ if one.__module__.startswith("mebench.")]
    return sorted(
        {name for one in ours for name in (*vars(one), *vars(one).get("__annotations__", ())) if name[0] != "_"}
    )


def today():
    return {
        "verbs": verbs(load_all_verbs(typer.main.get_command(app))),
        "api": api(),
        "plugins": imported_by_plugins(),
        "bases": bases_of_plugins(),
    }


def kept():
    return json.loads(SURFACE.read_text(encoding="utf-8"))


def test_surface_keeps_options_of_verbs():
    found = today()["verbs"]
    gone = {verb: {*options} - {*found.get(verb, ())} for verb, options in kept()["verbs"].items()}
    assert [f"{verb} {sorted(options)}" for verb, options in gone.items() if options] == []


def test_surface_keeps_python_api():
    found = today()["api"]
    gone = {name: {*words} - {*found.get(name, ())} for name, words in kept()["api"].items()}
    assert [f"{name} {sorted(words)}" for name, words in gone.items() if words] == []
    assert kept()["api"].keys() <= found.keys()


def test_surface_keeps_imports_of_plugins():
    gone = [
        f"{module}.{name}"
        for module, names in kept()["plugins"].items()
        for name in names
        if not hasattr(import_module(module), name) and find_spec(f"{module}.{name}") is None
    ]
    assert gone == []


def test_surface_keeps_names_of_bases():
    found = today()["bases"]
    gone = {base: {*names} - {*found.get(base, ())} for base, names in kept()["bases"].items()}
    assert [f"{base} {sorted(names)}" for base, names in gone.items() if names] == []


if __name__ == "__main__":
    SURFACE.write_text(json.dumps(today(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.exit()
