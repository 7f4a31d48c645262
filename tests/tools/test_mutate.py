"""Broken lines: which ones there are, which are drawn, and what a small project's tests make of them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.nightly import nightly
from tools.importers import Importers
from tools.mutants import draw, mutants, sound

ROOT = Path(__file__).parents[2]


def broken(text):
    """All that a source becomes, sorted; each is another program."""
    source = text.encode()
    found = mutants("a.py", source)
    assert all(sound(m, source) for m in found)
    return sorted(m.apply(source).decode() for m in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 7", ["x = 8"]),
        ("x = 0, 1", ["x = 0, 0", "x = 1, 1"]),
        ("x = a[-1]", ["x = a[-0]"]),
        ("x = 0.5", ["x = 1.5"]),
        ("x = a < b <= c", ["x = a < b < c", "x = a <= b <= c"]),
        ("x = (a) not  in b", ["x = (a) in b"]),
        ("x = a is not None", ["x = a is None"]),
        ("x = (a +  # a - b\n b)", ["x = (a -  # a - b\n b)"]),
        ("x -= a / b", ["x += a / b", "x -= a * b"]),
        ("x = (a or b) and c", ["x = (a and b) and c", "x = (a or b) or c"]),
        ("x = not a", ["x = a"]),
        ("x = not(a)", ["x = (a)"]),
        ("x = sorted(a for a in b)", ["x = list((a for a in b))"]),
        ("x = sorted(a, key=len)", ["x = list(a)"]),
        ("a.sort(key=len)", ["pass"]),
        ("x = a.sort_values('b').c", ["x = a.c"]),
        ("x = f(a, sort=True)", ["x = f(a, sort=False)"]),
        ("np.random.seed(s)", ["pass"]),
        ("x = f(a, seed=s, b=c)", ["x = f(a, b=c)"]),
        ("x = f(a, random_state=s)", ["x = f(a)"]),
        ("x = np.random.default_rng(s)", ["x = np.random.default_rng()"]),
        ("x = torch.Generator().manual_seed(s)", ["x = torch.Generator()"]),
        ("x = min(a, b.argmax())", ["x = max(a, b.argmax())", "x = min(a, b.argmin())"]),
        ("x = 'ä' if a == b else c", ["x = 'ä' if a != b else c"]),
        ("def f(a: A[1] = b) -> B[1]:\n    '''1 + 1'''", []),
        ("if TYPE_CHECKING:\n    x = 1\nelse:\n    x = 2", ["if TYPE_CHECKING:\n    x = 1\nelse:\n    x = 3"]),
        ("x: A[1] = True, f'{a + b}', 'a' + b, a / 'b', [a] * n", []),
    ],
)
def test_mutants_break_what_can_be_broken(text, expected):
    assert broken(text) == sorted(expected)


def test_mutant_knows_line_and_function():
    text = "a = 2\n\n\n@b(3)\ndef f(c=4):\n    def g():\n        return 5\n    return 6\n"
    found = {m.old: (m.line, m.function) for m in mutants("a.py", text.encode())}
    assert found == {"2": (1, None), "3": (4, None), "4": (5, None), "5": (7, 6), "6": (8, 4)}


def test_mutants_of_a_seed_are_one_draw():
    every = mutants("a.py", "\n".join(f"x = {n} + y < z" for n in range(50)).encode())
    drawn = draw(every, 20, 3)
    assert drawn == draw(every[::-1], 20, 3) != draw(every, 20, 4)
    assert len({m.line for m in drawn}) == len(drawn) == 20
    assert {m.operator for m in drawn} == {"number", "comparison", "arithmetic"}
    assert len(draw(every, 99, 0)) == 50


PROJECT = {
    "mebench/__init__.py": "",
    "mebench/sums.py": '''
def total(numbers, start=0):
    """The sum.

    >>> total([1, 2])
    3
    """
    for number in numbers:
        start += number
    return start


def tested(numbers):
    """No test, though its name begins like one."""
    return numbers
''',
    "mebench/means.py": """
from mebench.sums import total

DIGITS = 9


def mean(numbers):
    if not numbers:
        return 0
    return round(total(numbers) / len(numbers), DIGITS)


def countdown(n):
    while n:
        n -= 1
    return n
""",
    "mebench/loops.py": "import numba\n\n\n@numba.njit\ndef double(n):\n    return n * 2\n",
    "tests/test_sums.py": "def test_nothing():\n    pass\n",
    "tests/test_ends.py": """
from mebench import loops, means


def test_loops():
    assert loops.double(4) == 8


def test_mean():
    assert means.mean([1, 2]) == 1.5


def test_end():
    assert means.countdown(3) == 0
""",
    "tests/test_fails.py": "from mebench import sums\n\n\ndef test_wrong():\n    assert sums.total([]) == 7\n",
    "tests/test_other.py": "",
    "pyproject.toml": "[tool.pytest.ini_options]\n",
}


@pytest.fixture
def project(tmp_path):
    for name, text in PROJECT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_nearest_tests_of_a_file(project):
    graph = Importers(project)
    assert graph.distances("mebench/sums.py") == {
        "mebench/sums.py": 0,
        "tests/test_sums.py": 0,  # its mirror
        "tests/test_fails.py": 1,
        "tests/test_ends.py": 2,
    }
    assert graph.distances("mebench/means.py") == {"tests/test_ends.py": 1}


def test_Importers_take_own_scripts_for_no_libraries(project):
    """What a library imports is shared by all mutants: a script would bring an unbroken mebench."""
    (project / "tools").mkdir()
    (project / "tools" / "check.py").write_text("import mebench\n")
    (project / "tests" / "test_check.py").write_text("import numpy\nfrom check import mebench\n")
    assert {name.partition(".")[0] for name in Importers(project).foreign} == {"numba", "numpy"}


@nightly("what can be broken, what is drawn and which tests are near, above")
@pytest.mark.processes
@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_mutate_shows_what_no_test_notices(project):
    """The example sees a broken sum, tests see a broken mean and a compiled loop; nobody sees the digits and the mean of nothing."""
    shutil.copytree(ROOT / "tools", project / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    before = {path: path.read_bytes() for path in project.rglob("*.*") if ".git" not in path.parts}
    command = [sys.executable, "tools/mutate.py", "--json", "out.json", "--timeout", "2"]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"}

    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = json.loads((project / "out.json").read_text())["0"]
    found = {row["diff"][0].strip("- "): row["by"] if row["outcome"] == "caught" else row["outcome"] for row in rows}
    assert found == {
        "def total(numbers, start=0):": "mebench/sums.py::mebench.sums.total",
        "start += number": "mebench/sums.py::mebench.sums.total",
        "DIGITS = 9": "survived",
        "if not numbers:": "tests/test_ends.py::test_mean",
        "return 0": "survived",
        "return round(total(numbers) / len(numbers), DIGITS)": "tests/test_ends.py::test_mean",
        "n -= 1": "timeout",
        "return n * 2": "tests/test_ends.py::test_loops",
    }
    left_out = [line for line in done.stdout.splitlines() if line.endswith("is left out")]
    assert left_out == ["tests/test_fails.py::test_wrong fails without any change and is left out"]
    assert "-DIGITS = 9\n+DIGITS = 10" in done.stdout
    assert "8 lines, 5 caught, 1 by time, 2 survived" in done.stdout

    (project / "out.json").unlink()
    after = {path: path.read_bytes() for path in project.rglob("*.*") if ".git" not in path.parts}
    assert after == before
