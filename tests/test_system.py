"""What differs between operating systems: on Linux, and as programs of macOS and Windows see it."""

import ast
import ctypes
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from mebench.sandbox.confinement import find_isolation
from mebench.system import JobBasics, JobLimits, JobTransfers, join_words, mounted_systems
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
        "from pathlib import Path\nfrom mebench.atomic import put_in_place, replace_file, synced_file, whole_folder\n"
        "from mebench.system import sync_folder\n"
        "with synced_file(Path('a.txt')) as file:\n    file.write_text('x')\n"
        "for _ in range(2):\n    with whole_folder(Path('made')) as made:\n        replace_file(made / 'b', 'y')\n"
        "    put_in_place(Path('made'), Path('place'))\n"
        "sync_folder(Path('place'))\nprint(sorted(path.name for path in Path('place').iterdir()))"
    )
    code, out = on_system(program)
    assert (code, out) == (0, "['b']\n")


def test_fetch_builds_an_entry_whose_lock_cannot_be_removed(on_system):
    """Windows removes no file that is open, and the lock of an entry is."""
    program = (
        "import numpy as np\nfrom mebench.features.store import Draft, FeatureStore, Key\n"
        "key = Key('flow', 'casme2', '1', 'casme2/s1/v1', 'frames', 'steps', '4')\nrows = np.arange(6.0).reshape(3, 2)\n"
        "build = lambda: Draft(rows.shape, rows.dtype, (row[None] for row in rows), {})\n"
        "print(FeatureStore('stored').fetch(key, build).array.sum())\n"
        "print(FeatureStore('stored').read(key).array.sum())\n"
        "print(FeatureStore('stored').files(key).remove(), FeatureStore('stored').read(key))"
    )
    assert on_system(program) == (0, "15.0\n15.0\nTrue None\n")


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


def test_doctor_names_what_isolates_methods(on_system):
    code, out = on_system(MAIN, "doctor", "--json", "-")
    assert code == 0, out
    (found,) = [finding for finding in json.loads(out)["findings"] if finding["name"] == "sandbox"]
    lacking = "methods are not isolated from files, processes, network, privileges"
    expected = {"darwin": f"{lacking} (Seatbelt: this system has no sandbox_init)", "win32": lacking}
    if on_system.name == "linux":
        isolation = find_isolation()
        assert isolation.lacks or found["detail"] == f"{isolation.by} isolates methods"
    else:
        assert (found["state"], found["detail"]) == ("optional", expected[on_system.name])


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
    code, out = on_system(
        "from mebench.sandbox.confinement import SANDBOX_PARTS, missing_sentence\nprint(missing_sentence(SANDBOX_PARTS))"
    )
    assert code == 0, out
    way = {"linux": "a kernel with Landlock", "darwin": "a container with Linux", "win32": "WSL 2, which is a Linux,"}
    assert f"not stopped; {way[on_system.name]}" in out


def test_Worker_keeps_needed_variables(on_system, tmp_path, monkeypatch):
    """A process that takes over little still has what its system needs, and lives as long as its call."""
    monkeypatch.setenv("SYSTEMROOT", "C:/Windows")
    monkeypatch.setenv("DATA", "/data/smic")
    program = (
        "import json, os\nfrom pathlib import Path\nfrom mebench.sandbox import confinement, isolation\n"
        "grant = confinement.grant_access((), [])._replace(write=(Path.cwd(),), lacks=confinement.missing_parts())\n"
        "worker = isolation.Worker(modules=['json'])\n"
        "names = ('SYSTEMROOT', 'HOME', 'OMP_NUM_THREADS', 'DATA')\n"
        "print([worker.call(os.getenv, (name,), grant=grant) for name in names])\nworker.close()"
    )
    code, out = on_system(program)
    assert code == 0, out
    assert ast.literal_eval(out) == ["C:/Windows", os.fspath(tmp_path), "1", None]


def test_job_structures_have_the_sizes_of_64_bits():
    """As Microsoft's headers lay them out; a wrong size would be refused, a wrong place would set another limit."""
    assert [ctypes.sizeof(kind) for kind in (JobBasics, JobTransfers, JobLimits)] == [64, 48, 144]
    assert JobBasics.flags.offset == 16
    assert [JobLimits.transfers.offset, JobLimits.process_memory.offset] == [64, 112]


IN_JOB = r"""
import os, subprocess, sys, sitecustomize
from mebench.system import end_with_this_process
sleeper = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(600)'])
end = end_with_this_process(sleeper.pid)
print(*sitecustomize.CALLS, sep='\n')
sitecustomize.CALLS.clear()
end()
print('end', *sitecustomize.CALLS)
sitecustomize.CALLS or sleeper.kill()
print(sleeper.wait())
"""
CREATED = "('CreateJobObjectW', None, None)"
SET = f"('SetInformationJobObject', {(1 << 40) + 4}, 9, '0x2000', 144)"
OPENED = "('OpenProcess', '0x101', False)"
ASSIGNED = f"('AssignProcessToJobObject', {(1 << 40) + 4})"
CLOSED = "('CloseHandle', 'process')"
ENDED = "('CloseHandle', 'job')"
CALLS_BY_FAILURE = {
    "": [CREATED, SET, OPENED, ASSIGNED, CLOSED, f"end {ENDED}"],
    "CreateJobObjectW": [CREATED, "end"],
    "SetInformationJobObject": [CREATED, SET, ENDED, "end"],
    "OpenProcess": [CREATED, SET, OPENED, ENDED, "end"],
    "AssignProcessToJobObject": [CREATED, SET, OPENED, ASSIGNED, CLOSED, ENDED, "end"],
}


@pytest.mark.parametrize("on_system", ["win32"], indirect=True)
@pytest.mark.parametrize("failing", CALLS_BY_FAILURE)
def test_end_with_this_process_makes_a_job_object(on_system, failing, monkeypatch):
    """The handle of the job stays open until the end, that of the process does not; where a call fails, none stays open."""
    monkeypatch.setenv("FAKED_FAILURE", failing)
    code, out = on_system(IN_JOB)
    assert code == 0, out
    assert out.splitlines() == [*CALLS_BY_FAILURE[failing], "-9"]


@pytest.mark.parametrize("on_system", ["linux", "darwin"], indirect=True)
def test_end_with_this_process_is_for_windows_alone(on_system):
    program = "from mebench.system import end_with_this_process\nprint(end_with_this_process(1)())"
    assert on_system(program) == (0, "None\n")


@pytest.mark.parametrize("on_system", ["win32"], indirect=True)
def test_Worker_ends_the_job_of_its_process(on_system):
    program = (
        "import os, sitecustomize\nfrom mebench.sandbox.isolation import Worker\nworker = Worker()\n"
        "number = worker.call(os.getpid, ())\nprint(sitecustomize.IN_JOB == [number])\n"
        "print(('CloseHandle', 'job') in sitecustomize.CALLS)\nworker.close()\n"
        "print(sitecustomize.CALLS.count(('CloseHandle', 'job')))"
    )
    assert on_system(program) == (0, "True\nFalse\n1\n")


@nightly("tests/runner/test_seatbelt.py")
@pytest.mark.parametrize("on_system", ["darwin"], indirect=True)
def test_run_finishes_in_seatbelt(on_system, monkeypatch, tmp_path):
    """Under the rules of its profile, as far as Python tells of what is opened."""
    monkeypatch.setenv("FAKED_SEATBELT", "holds")
    words = ["dataset=synthetic", "dataset.subjects=3", "dataset.videos=1", "dataset.frames=60", "dataset.size=96"]
    training = ["method.epochs_spot=1", "method.epochs_recognition=1", "protocol.folds=3"]
    more = ["tracking=off", "workers=1", "sandbox=on"]
    code, out = on_system(MAIN, "run", "--example", "first_run", *words, *training, *more)
    assert code == 0, out
    assert "methods of this run are isolated by Seatbelt" in out
    (run,) = (tmp_path / "runs").iterdir()
    assert '"by": "Seatbelt"' in (run / "sandbox.json").read_text()


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
ASKERS = {
    "mebench/system.py",
    "mebench/runs/secret_file.py",
    "mebench/sandbox/confinement.py",
    "mebench/sandbox/file_view.py",
    "mebench/sandbox/process_view.py",
}


def test_system_alone_asks_for_the_platform():
    """The sandbox, which has a file for each system, asks for its own calls."""
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


@pytest.mark.parametrize("word", ["a\nb", "a'b\\c\td\x1b[2J", "my run", "ü", ""])
def test_join_words_gives_back_every_word_to_the_shell(word):
    """A line feed in the name of a folder, too: such a command can be copied."""
    if shutil.which("bash") is None:
        pytest.skip("needs bash")
    printed = subprocess.run(
        ["bash", "-c", f"printf %s {join_words([word])}"], capture_output=True, text=True, check=True
    )
    assert printed.stdout == word
    assert join_words([word]).isprintable()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not list their mounts in a file")
def test_mounted_systems_are_those_of_psutil():
    mounted = {(Path(part.mountpoint), part.fstype) for part in psutil.disk_partitions(all=True)}
    assert mounted
    assert mounted <= set(mounted_systems())  # which has those without a device, too
