"""What differs between operating systems: on Linux, and as programs of macOS and Windows see it."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.nightly import nightly

ROOT = Path(__file__).parent.parent
FAKE = Path(__file__).parent / "helpers" / "other_system"
SYSTEMS = ["linux", "darwin", "win32"]


@pytest.fixture(params=SYSTEMS)
def on_system(request, tmp_path):
    """A function that runs a program of mebench on a system, and returns its exit code and all that it prints."""

    def run(program, *words):
        home = {"HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
        faked = {} if request.param == "linux" else {"PYTHONPATH": str(FAKE), "FAKED_SYSTEM": request.param}
        # A program inherits the peak memory of the process that starts it: of a small shell, not of the tests.
        ran = subprocess.run(
            ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", program, *words],
            cwd=tmp_path,
            env={**os.environ, **home, **faked},
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        return ran.returncode, ran.stdout + ran.stderr

    run.name = request.param
    return run


MAIN = "from mebench.cli import main; main()"


def test_peak_memory_counts_mebibytes(on_system):
    program = (
        "import mebench.system, resource\n"
        "print(mebench.system.peak_memory(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    code, out = on_system(program)
    assert code == 0, out
    told, counted = map(float, out.split())
    assert told == pytest.approx(counted, rel=0.05)


def test_open_many_files_takes_what_the_system_gives(on_system):
    code, out = on_system("import mebench.system as s; s.open_many_files(); print(s.limit_of_open_files())")
    assert code == 0, out
    highest = {"darwin": "10240", "win32": "None"}
    assert on_system.name == "linux" or out.strip() == highest[on_system.name]


def test_lock_folder_keeps_others_out(on_system, tmp_path):
    (tmp_path / "room").mkdir()
    program = (
        "from pathlib import Path\nfrom mebench.system import lock_folder\nroom = Path('room')\n"
        "with lock_folder(room):\n    try:\n        with lock_folder(room):\n            print('both')\n"
        "    except OSError:\n        print('one')\n"
        "with lock_folder(room):\n    print('next')"
    )
    assert on_system(program) == (0, "one\nnext\n")
    assert [path.name for path in tmp_path.iterdir() if "room" in path.name] == ["room"]


def test_sync_to_disk_takes_files_and_folders(on_system):
    program = (
        "from pathlib import Path\nfrom mebench.atomic import put_in_place, replace_file, whole_file, whole_folder\n"
        "from mebench.system import sync_folder\n"
        "with whole_file(Path('a.txt'), synced=True) as file:\n    file.write_text('x')\n"
        "for _ in range(2):\n    with whole_folder(Path('made')) as made:\n        replace_file(made / 'b', 'y')\n"
        "    put_in_place(Path('made'), Path('place'))\n"
        "sync_folder(Path('place'))\nprint(sorted(path.name for path in Path('place').iterdir()))"
    )
    code, out = on_system(program)
    assert (code, out) == (0, "['b']\n")


def test_limited_data_ends_what_takes_too_much(on_system):
    program = (
        "from mebench.system import limited_data\nblocks = []\n"
        "with limited_data(1 << 26):\n    blocks.append(bytearray(1 << 20))\nprint('little')\n"
        "try:\n    with limited_data(1 << 26):\n"
        "        for _ in range(1 << 11):\n            blocks.append(b'x' * (1 << 20))\n"
        "except MemoryError:\n    print('too much', len(blocks) < 1 << 10)"
    )
    assert on_system(program) == (0, "little\ntoo much True\n")


def test_limited_seconds_end_what_takes_too_long(on_system):
    program = (
        "import time\nfrom mebench.system import limited_seconds\nclass TooLong(BaseException): ...\n"
        "with limited_seconds(5, TooLong):\n    print('short')\n"
        "try:\n    with limited_seconds(0.2, TooLong):\n"
        "        while time.process_time() < 20: sum(range(1000))\n"
        "except TooLong:\n    print('too long')\n"
        "with limited_seconds(0, TooLong):\n    print('no limit')"
    )
    assert on_system(program) == (0, "short\ntoo long\nno limit\n")


@pytest.mark.parametrize("words", [["--help"], ["doctor"]], ids=["help", "doctor"])
def test_main_starts_on_each_system(on_system, words):
    code, out = on_system(MAIN, *words)
    assert code == 0, out


def test_join_words_quotes_for_each_shell(on_system):
    code, out = on_system(
        "from mebench.system import join_words\nprint(join_words(['mebench', 'spot', 'my film.mp4']))"
    )
    assert code == 0, out
    assert out == {"win32": 'mebench spot "my film.mp4"\n'}.get(on_system.name, "mebench spot 'my film.mp4'\n")


def test_spot_refuses_cameras_that_nobody_tried(on_system):
    code, out = on_system(MAIN, "spot", "--live", "camera:99")
    assert code != 0
    expected = {"linux": "there is no camera /dev/video99"}.get(on_system.name, "mebench reads cameras on Linux alone")
    assert expected in " ".join(out.split())


def test_missing_sentence_names_a_way_of_each_system(on_system):
    code, out = on_system("from mebench.runner.sandbox import PARTS, missing_sentence\nprint(missing_sentence(PARTS))")
    assert code == 0, out
    way = {"linux": "a kernel with Landlock", "darwin": "a container with Linux", "win32": "WSL 2, which is a Linux,"}
    assert f"not stopped; {way[on_system.name]}" in out


def test_Worker_keeps_needed_variables(on_system, tmp_path, monkeypatch):
    """A process that takes over little still has what its system needs, and lives as long as its call."""
    monkeypatch.setenv("SYSTEMROOT", "C:/Windows")
    monkeypatch.setenv("DATA", "/data/smic")
    program = (
        "import json, os\nfrom pathlib import Path\nfrom mebench.runner import isolation, sandbox\n"
        "grant = sandbox.grant_access((), [])._replace(write=(Path.cwd(),), lacks=sandbox.missing_parts())\n"
        "worker = isolation.Worker(modules=['json'])\n"
        "names = ('SYSTEMROOT', 'HOME', 'OMP_NUM_THREADS', 'DATA')\n"
        "print([worker.call(os.getenv, (name,), grant=grant) for name in names])\nworker.close()"
    )
    code, out = on_system(program)
    assert code == 0, out
    assert ast.literal_eval(out) == ["C:/Windows", os.fspath(tmp_path), "1", None]


@nightly("test_main_starts_on_each_system")
def test_run_finishes_on_each_system(on_system):
    words = ["dataset=synthetic", "dataset.subjects=3", "dataset.videos=1", "dataset.frames=60", "dataset.size=96"]
    code, out = on_system(MAIN, "run", "method=random", *words, "tracking=off", "workers=1")
    assert code == 0, out
    assert on_system(MAIN, "report", "random")[0] == 0


@nightly("test_main_starts_on_each_system")
def test_walk_ends_as_it_should_on_each_system(on_system, tmp_path):
    """All steps of the walk that workflows take on real machines."""
    code, out = on_system(
        f"import runpy; runpy.run_path({str(ROOT / 'tools' / 'walk.py')!r}, run_name='__main__')", str(tmp_path)
    )
    assert code == 0, out


ASKS = {"fcntl", "resource", "msvcrt", "_winapi"}
ASKERS = {"mebench/system.py", "mebench/runner/sandbox.py", "mebench/runner/file_view.py"}


def test_system_alone_asks_for_the_platform():
    """The sandbox, which Linux alone has, asks for Linux' own calls."""
    asking = set()
    for file in (ROOT / "mebench").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            imported = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            is_platform = isinstance(node, ast.Attribute) and ast.unparse(node) in (
                "sys.platform",
                "os.name",
                "ctypes.CDLL",
            )
            if imported & ASKS or is_platform:
                asking.add(file.relative_to(ROOT).as_posix())
    assert asking <= ASKERS
