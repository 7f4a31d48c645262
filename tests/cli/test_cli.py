"""The command line: what it answers, where it writes, and what it does not import."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mebench import __version__, cli
from mebench.cli import complete, doctor
from mebench.errors import RunError
from mebench.metrics.catalogue import METRICS
from mebench.output import json_output, terminal
from mebench.runner.execute import InterruptedRunError
from mebench.runs import RunFolder
from tests.helpers.run_folders import make_run

HEAVY = ["torch", "lightning", "mlflow", "pandas", "scipy", "sklearn", "cv2"]
PARAMS = '''
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Params:
    """How it works.

    Attributes:
        p: threshold, from the mean to the maximum
            of the scores.
        flow: algorithm.

    Nothing else: there is no more to set.
    """

    p: float = 0.5
    flow: Literal["tvl1", "dis"] = "tvl1"
    root: str | None = None
'''
CONFIG = "params: {p: 0.55}\npresets: {short: {flow: dis}, long: {}}\npreset: short\ndatasets: {toy: {p: 0.7}}\n"
LONG = "a_method_whose_name_is_longer_than_any_terminal_is_wide_" + "x" * 80


@pytest.fixture
def root(write_plugin) -> Path:
    write_plugin("dataset", "toy", params=PARAMS)
    write_plugin("method", "lame", code=None)
    write_plugin("method", LONG)
    root = write_plugin("method", "tiny", config=CONFIG, params=PARAMS)
    (root / "methods" / "tiny" / "README.md").write_text("# The card\n\nIt *works*.\n")
    return root


# Lists and cards


def test_list_has_one_line_for_each_plugin_and_never_cuts_an_id(mebench, root):
    code, out, _ = mebench("list", "methods", "--plugins", root)
    lines = dict(line.split("\t", 1) for line in out.splitlines())
    assert code == 0
    assert out.startswith("method\ttasks\tsummary\n")
    assert lines["tiny"] == "spot\tTiny: for tests"
    assert lines[LONG].startswith("spot\t")
    assert "broken: " in lines["lame"]
    assert "no method.py" in lines["lame"]


def test_list_of_everything_names_the_list_on_each_line(mebench, root):
    _, out, _ = mebench("list", "--plugins", root)
    head, *rows = [line.split("\t") for line in out.splitlines()]
    assert head == ["list", "name", "tasks", "meaning"]
    assert {len(row) for row in rows} == {4}
    assert {row[0] for row in rows} == {"methods", "datasets", "protocols", "metrics"}
    assert ["datasets", "toy"] in [row[:2] for row in rows]
    assert [row[1] for row in rows if row[0] == "metrics"] == [metric.name for metric in METRICS.values()]
    assert "loso" in [row[1] for row in rows if row[0] == "protocols"]


def test_info_shows_card_parameters_presets_and_settings(mebench, root):
    code, out, _ = mebench("info", "tiny", "--plugins", root)
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == "method tiny: Tiny"
    assert "# The card" in lines
    assert "method.p\ta float\t0.55\tthreshold, from the mean to the maximum of the scores." in lines
    assert "method.flow\ttvl1|dis\tdis\talgorithm." in lines
    assert "method.root\ttext or null\tnull\t" in lines
    assert "preset short\tflow=dis" in lines
    assert "preset long\t(the defaults)" in lines
    assert "settings for toy\tp=0.7" in lines


def test_info_shows_a_method_and_a_dataset_of_one_name(mebench, root, write_plugin):
    write_plugin("dataset", "tiny")
    _, out, _ = mebench("info", "tiny", "--plugins", root)
    assert "method tiny: Tiny" in out
    assert "dataset tiny: Tiny" in out


def test_info_of_a_broken_plugin_gives_the_reason(mebench, root):
    code, out, _ = mebench("info", "lame", "--plugins", root)
    assert code == 0
    assert "no method.py" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["list", "method"], "unknown list 'method'. Did you mean 'methods'?"),
        (
            ["info", "tinny"],
            "unknown plugin, protocol, metric, board, challenge or setting 'tinny'. Did you mean 'tiny'?",
        ),
        (["config", "show", "method=tinny", "dataset=toy"], "unknown method 'tinny'. Did you mean 'tiny'?"),
        (["config", "show", "method=lame", "dataset=toy"], "method 'lame' is broken: "),
        (["config", "show", "method=tiny"], "no dataset is named"),
        (
            ["config", "show", "method=tiny", "dataset=toy", "method.p=x"],
            "method.p must be a float, not 'x' (command line)",
        ),
    ],
)
def test_mebench_mistakes_are_one_sentence_on_standard_error(mebench, root, words, message):
    code, out, err = mebench(*words, "--plugins", root)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1


def test_print_table_at_a_terminal_has_headers(capsys, monkeypatch):
    monkeypatch.setattr(terminal, "at_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    terminal.print_table(("method", "summary"), [("tiny", "[red]taken as it stands[/red]")], title="methods")
    out = capsys.readouterr().out
    assert out.startswith("methods")
    assert "method " in out
    assert "[red]taken as it stands[/red]" in out


# Configuration


def test_config_show_tells_key_value_and_origin(mebench, root):
    Path("mebench.yaml").write_text(f"plugins: [{root}]\nseed: 4\n")
    code, out, _ = mebench("config", "show", "method=tiny", "dataset=toy", "dataset.root=/data/CAS(ME)^2/raw")
    rows = [tuple(line.split("\t")) for line in out.splitlines()]
    assert code == 0
    assert rows[0] == ("key", "value", "from")
    assert ("seed", "4", "./mebench.yaml") in rows
    assert ("method.p", "0.7", "methods/tiny/config.yaml: datasets.toy") in rows
    assert ("dataset.root", "/data/CAS(ME)^2/raw", "command line") in rows
    assert ("workers", "null", "default") in rows


def test_config_show_verbose_has_meaning_of_each_setting(mebench, root):
    words = ["config", "show", "method=tiny", "dataset=toy", "--plugins", root]
    _, out, _ = mebench(*words, "-v")
    meanings = {key: meaning for key, _, _, meaning in (line.split("\t") for line in out.splitlines())}
    assert meanings["method.p"] == "threshold, from the mean to the maximum of the scores."
    assert meanings["bootstrap"] == "number of draws for a confidence interval; 0 for none."

    _, out, _ = mebench(*words, "-v", "--json", "-")
    assert json.loads(out)["meanings"]["method.p"] == meanings["method.p"]


def test_info_explains_a_setting_of_a_run(mebench):
    code, out, _ = mebench("info", "bootstrap")
    assert code == 0
    assert out.splitlines() == [
        "setting bootstrap: how it is scored",
        "type: an int",
        "default: 1000",
        "meaning: number of draws for a confidence interval; 0 for none.",
        "example: bootstrap=10000",
        "part of a run's key: no",
        "",
    ]


def test_config_show_json_is_alone_on_standard_output(mebench, root, tmp_path):
    words = ["config", "show", "method=tiny", "dataset=toy", "--plugins", root]
    _, out, _ = mebench(*words, "--json", "-")
    shown = json.loads(out)
    assert shown["values"]["method"]["name"] == "tiny"
    assert shown["origins"]["method"] == "command line"

    file = tmp_path / "shown.json"
    _, out, _ = mebench(*words, "--json", file)
    assert json.loads(file.read_text()) == shown
    assert "method\ttiny\tcommand line" in out


def test_write_json_has_no_nan(capsys):
    json_output.write_json({"a": [float("nan"), float("inf"), 1.5]}, "-")
    assert json.loads(capsys.readouterr().out) == {"a": [None, None, 1.5]}


# Doctor


def test_doctor_shows_paths_and_passes_without_optional_packages(mebench, root, tmp_path):
    Path("mebench.yaml").write_text(f"roots: {{toy: {tmp_path}, nobody: /x}}\nruns: results\n")
    code, out, _ = mebench("doctor", "--plugins", root)
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in out.splitlines()}
    assert code == 0
    assert out.startswith("name\twhat\tstate\tdetail\n")
    assert rows["toy"] == ["dataset", "ok", str(tmp_path)]
    assert rows["nobody"][1] == "optional"
    assert rows["runs"][1] == "ok"
    assert str(tmp_path / "work" / "results") in rows["runs"][2]
    assert str(tmp_path / "cache" / "mebench") in rows["cache"][2]
    assert str(tmp_path / "work" / "mlflow.db") in rows["MLflow"][2]
    assert str(tmp_path / "work" / "mebench.yaml") in rows["user's file"][2]
    assert rows["lame"][1] == "optional"
    assert "no method.py" in rows["lame"][2]


def test_doctor_says_how_to_get_a_dataset_that_has_no_folder(mebench, root):
    _, out, _ = mebench("doctor", "--plugins", root, "--json", "-")
    toy = next(f for f in json.loads(out)["findings"] if f["name"] == "toy")
    assert toy["state"] == "optional"
    assert "roots: {toy: FOLDER}" in toy["remedy"]


@pytest.mark.parametrize("broken", ["package", "folder", "file"])
def test_doctor_exits_1_if_something_required_is_missing(mebench, root, monkeypatch, broken):
    if broken == "package":
        monkeypatch.setattr(
            "importlib.metadata.requires", lambda _: ["no-such-thing>=1", "extra-thing; extra == 'dev'"]
        )
    elif broken == "folder":
        monkeypatch.setattr(doctor, "is_writable", lambda _: False)
    else:
        Path("mebench.yaml").write_text("seed: [1")
    code, out, _ = mebench("doctor", "--json", "-")
    missing = {f["name"]: f["remedy"] for f in json.loads(out)["findings"] if f["state"] == "missing"}
    assert code == 1
    assert not json.loads(out)["ok"]
    expected = {"package": "no-such-thing", "folder": "runs", "file": "user's file"}[broken]
    assert missing[expected]
    assert "extra-thing" not in missing


def test_doctor_names_a_place_that_is_a_link_to_nothing(tmp_path):
    (tmp_path / "results").symlink_to("gone")
    found = doctor.check_place("runs", tmp_path / "results")
    assert found.severity == "error"
    assert "results (exists), not writable" in found.message


@pytest.mark.parametrize(("name", "state"), [("points.dat", "ok"), ("gone.dat", "missing")])
def test_doctor_finds_the_landmark_file_of_runs(mebench, monkeypatch, tmp_path, name, state):
    (tmp_path / "points.dat").write_bytes(b"points")
    monkeypatch.setenv("MEBENCH_LANDMARKS", str(tmp_path / name))
    _, out, _ = mebench("doctor", "--json", "-")
    (found,) = (f for f in json.loads(out)["findings"] if f["topic"] == "landmarks")
    assert found["state"] == state
    assert str(tmp_path / name) in found["detail"]


def test_doctor_checks_what_workers_need_of_the_system(mebench, monkeypatch):
    monkeypatch.setattr("mebench.cli.doctor.is_writable", lambda path: str(path) != "/dev/shm")
    monkeypatch.setattr("mebench.cli.doctor.open_many_files", lambda: None)
    monkeypatch.setattr("mebench.cli.doctor.limit_of_open_files", lambda: 24)
    code, out, _ = mebench("doctor", "--json", "-")
    found = {f["name"]: f for f in json.loads(out)["findings"]}
    assert code == 1
    assert found["shared memory"]["state"] == found["open files"]["state"] == "missing"
    assert "ulimit -n 4096" in found["open files"]["remedy"]
    assert "mount it writable" in found["shared memory"]["remedy"]


def test_score_on_a_full_disk_speaks_of_no_folds(mebench, tmp_path, monkeypatch):
    """`/dev/full` fails as a full disk does."""
    (tmp_path / "t.csv").write_text("subject,video,onset,offset\n1,a,1,2\n")
    monkeypatch.chdir(tmp_path)
    words = ("--truth", "t.csv", "--predictions", "t.csv", "--bootstrap", "0", "--json", "/dev/full")
    code, _, err = mebench("score", *words)
    full = "error: /dev/full cannot be written: No space left on device: make room there, or name another place"
    assert code == 3
    assert full in err
    assert "fold" not in err
    assert "resume" not in err


# Failures


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (RunError("it broke"), 4, "error: it broke\n"),
        (KeyboardInterrupt(), 130, "stopped: finished parts are kept, and the same command continues\n"),
        (InterruptedRunError("stopped: 2 of 9 folds are kept"), 130, "stopped: 2 of 9 folds are kept\n"),
        (BrokenPipeError(), 141, ""),  # as a shell tells of a program that SIGPIPE ended
        (
            OSError(28, "No space left on device", "/runs/x"),
            1,
            "error: the disk is full: /runs/x. Free some space: the same command then writes everything again\n",
        ),
        (PermissionError(13, "Permission denied", "/runs"), 1, "error: Permission denied: /runs: check whose it is"),
        (
            OSError(30, "Read-only file system", "/c/x"),
            1,
            "error: Read-only file system: /c/x: nothing can be written there",
        ),
        (OSError(30, "Read-only file system"), 1, "error: nothing can be written at /dev/shm, through which processes"),
        (
            OSError(24, "Too many open files"),
            1,
            "error: Too many open files: allow more open files with ulimit -n 4096",
        ),
        (MemoryError(), 1, "error: memory ran out: end other programs"),
        (ValueError("two\nlines"), 1, "error: unexpected ValueError: two lines. MEBENCH_DEBUG=1 shows where"),
    ],
)
def test_main_turns_every_failure_into_sentence_and_exit_code(mebench, monkeypatch, error, code, message):
    def fail(*_):
        raise error

    monkeypatch.setattr("mebench.config.sources.more_plugins", fail)
    got, out, err = mebench("list")
    assert (got, out) == (code, "")
    assert err.startswith(message)
    assert "Traceback" not in err


def test_main_shows_the_traceback_on_request(monkeypatch):
    def fail(*_):
        raise RunError("it broke")

    monkeypatch.setattr("mebench.config.sources.more_plugins", fail)
    monkeypatch.setattr(sys, "argv", ["mebench", "list"])
    monkeypatch.setenv("MEBENCH_DEBUG", "1")
    with pytest.raises(RunError):
        cli.main()


def test_main_ends_quietly_if_the_reader_goes_away():
    words = [sys.executable, "-m", "mebench", "list", "metrics"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.wait()


def test_run_suggests_a_sweep_for_several_values(mebench, tmp_path):
    (tmp_path / "my plugins/methods").mkdir(parents=True)
    (tmp_path / "more.yaml").write_text("bootstrap: 0\n")
    given = ("-c", tmp_path / "more.yaml", "--plugins", tmp_path / "my plugins")
    code, _, errors = mebench("run", *given, "method=majority", "dataset=synthetic", "seed=0..1")
    assert code == 2
    assert shlex.split(errors.partition("is a sweep: ")[2]) == [
        *("mebench", "run", "-m", *map(str, given)),
        *("method=majority", "dataset=synthetic", "seed=0..1"),
    ]


@pytest.mark.parametrize("code_page", ["cp932", "cp437", "ascii"])
def test_list_prints_escapes_where_the_code_page_lacks_a_sign(code_page):
    environment = {**os.environ, "PYTHONIOENCODING": code_page}
    command = [sys.executable, "-m", "mebench", "list", "methods"]

    listed = subprocess.run(command, env=environment, capture_output=True, encoding=code_page, check=True)

    assert "lbp_top" in listed.stdout
    assert listed.stdout.count("Pietik\\xe4inen") == (code_page != "cp437")
    assert listed.stderr == ""


def test_mebench_has_version_and_usage(mebench):
    assert mebench("--version") == (0, f"mebench {__version__}\n", "")
    code, _, err = mebench("lits")
    assert code == 2
    assert "Did you mean 'list'?" in err


# Speed, as imports


PROGRAM = """
import contextlib, functools, json, os, sys
import typer.main
from mebench.cli import app, main
from mebench.cli.verbs import VERBS, load_verb

for verb in VERBS:
    load_verb(verb)
typer.main.get_command = functools.cache(typer.main.get_command)
typer.main.get_command(app)  # with which each command begins
with contextlib.suppress(ImportError):
    import typer._adapters  # which each command loads, where Typer has it
for line in sys.stdin:
    words, environment, folder, files = json.loads(line)
    if (command := os.fork()) == 0:
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        for number, file in enumerate([os.devnull, *files]):
            os.dup2(os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC), number)
        sys.argv = ["mebench", *words]
        try:
            main()
        finally:
            sys.stdout.flush()
            print(*sys.modules, file=sys.stderr, flush=True)
            os._exit(0)
    os.waitpid(command, 0)
    print(flush=True)
"""


@pytest.fixture(scope="module")
def program():
    """A program that has imported the command line and nothing else, to copy for each command."""
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    with subprocess.Popen([sys.executable, "-c", PROGRAM], **pipes) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def imported(program, tmp_path):
    """The modules that a command imports, and what it prints."""

    def run(*words, **env):
        files = [str(tmp_path / name) for name in ("said", "modules")]
        print(json.dumps([words, {**os.environ, **env}, str(Path.cwd()), files]), file=program.stdin, flush=True)
        assert program.stdout.readline() == "\n"
        printed, modules = (Path(file).read_text() for file in files)
        return set(modules.split()), printed

    return run


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--help"], "leaderboard"),
        (["run", "--help"], "--dry-run"),
        (["list"], "tiny"),
        (["list", "methods"], "tiny"),
        (["info", "tiny"], "tiny"),
        (["config", "show", "method=tiny", "dataset=toy"], "tiny"),
        (["doctor"], "torch"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_list_info_and_config_import_nothing_heavy(root, imported, words, answer):
    Path("mebench.yaml").write_text(f"plugins: [{root}]")
    modules, out = imported(*words)
    assert answer in out
    assert "mebench.cli" in modules
    assert not modules & set(HEAVY)


def test_help_imports_no_numpy(imported):
    modules, _ = imported("--help")
    assert not modules & {"numpy", "mebench.api.run_results", "mebench.config.settings", "mebench.exchange.shapes"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run", "se"], ["seed="]),
        (["run", "method=ti"], ["method=tiny"]),
        (["run", "method", "=", "ti"], ["tiny"]),
        (["run", "protocol", "=", "lo"], ["lodo", "loso", "loso_named", "lovo"]),
        (["run", "method", "=", "tiny", "method.ro"], ["method.root="]),
        (["run", "method", "=", "tiny", "method.flow", "=", "d"], ["dis"]),
        (["info", "tin"], ["tiny"]),
        (["list", "met"], ["methods", "metrics"]),
        (["config", "show", "method=tiny", "see"], ["seed="]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_complete_imports_nothing_heavy(root, imported, words, expected):
    Path("mebench.yaml").write_text(f"plugins: [{root}]")
    line = "\n".join(["mebench", *words])
    modules, out = imported(_MEBENCH_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words)))
    assert out.split() == expected
    assert not modules & set(HEAVY)


# Completion


def test_complete_word_offers_keys_once_plugins_are_known(root):
    before = complete.complete_word([], "", [str(root)])
    after = complete.complete_word(["method=tiny", "dataset=toy"], "", [str(root)])
    assert {"method=", "dataset=", "protocol=", "seed="} <= set(before)
    assert set(after) - set(before) == {
        *("method.p=", "method.flow=", "method.root=", "method.preset="),
        *("dataset.p=", "dataset.flow=", "dataset.root=", "dataset.preset="),
    }


@pytest.mark.parametrize(
    ("given", "incomplete", "expected"),
    [
        (["method=tiny"], "method.preset=", ["method.preset=short", "method.preset=long"]),
        (["method=tiny"], "method.flow=t", ["method.flow=tvl1"]),
        (["method=tiny"], "method.fl", ["method.flow=tvl1", "method.flow=dis"]),
        (["method", "=", "tiny", "method.preset", "="], "s", ["short"]),
        (["dataset.root", "=", "/a", "=", "b", "method", "=", "tiny", "method.preset", "="], "s", ["short"]),
        ([], "accelerator=c", ["accelerator=cpu", "accelerator=cuda"]),
        ([], "seed=", []),
        ([], "method=lam", []),
        (["method=lame"], "method.", []),
        (["method=nobody"], "method.", []),
        ([], "nonsense=", []),
    ],
)
def test_complete_word_offers_values_where_there_are_few(root, given, incomplete, expected):
    assert complete.complete_word(given, incomplete, [str(root)]) == expected


def test_complete_word_never_complains(root):
    assert complete.complete_word([], "method=", ["/nowhere"]) == complete.complete_plugin("t", ["/nowhere"]) == []


# Where runs are


@pytest.mark.parametrize("words", [["leaderboard", "build"], ["leaderboard", "export", "a_run"]], ids=" ".join)
def test_runs_are_read_where_words_or_settings_say(mebench, monkeypatch, tmp_path, words):
    asked, tracked = [], []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mebench.api.boards.collect_finished_runs", lambda runs, say: asked.append(str(runs)) or [])
    monkeypatch.setattr(
        "mebench.tracking.mlflow_store.database_remarks", lambda tracking, *_: tracked.append(tracking) or []
    )
    monkeypatch.setattr(RunFolder, "open_finished", lambda runs, run: asked.append(runs) or sys.exit())
    monkeypatch.setenv("MEBENCH_CONFIG", str(tmp_path / "mine.yaml"))
    (tmp_path / "mine.yaml").write_text("{}")
    mebench(*words)
    (tmp_path / "mine.yaml").write_text("runs: /data/runs\ntracking: sqlite:////data/mlflow.db\n")
    mebench(*words)
    mebench(*words, "--runs", "here")
    assert asked == ["runs", "/data/runs", "here"]
    assert tracked == ([None, *["sqlite:////data/mlflow.db"] * 2] if "build" in words else [])


@pytest.mark.parametrize(
    ("words", "absent"),
    [
        (["runs", "list"], {"pandas", "mlflow", "torch", "scipy", "matplotlib"}),
        (
            ["score", "--predictions", "mine.csv", "--truth", "truth.csv"],
            {"torch", "matplotlib", "scipy.stats", "sklearn", "cv2", "mlflow", "lightning", "skimage"},
        ),
        (["spot", "nothere.mp4"], {"torch", "pandas", "cv2", "scipy", "lightning"}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_cli_verbs_load_only_what_they_use(monkeypatch, tmp_path, imported, words, absent):
    """A dry run is in `tests/test_fast_imports.py`."""
    monkeypatch.chdir(tmp_path)
    Path("truth.csv").write_text("subject,video,onset,offset\ns1,a,10,20\ns2,b,5,15\n")
    Path("mine.csv").write_text("subject,video,onset,offset\ns1,a,11,20\ns2,b,5,14\n")
    make_run(tmp_path / "runs", "one")
    modules, _ = imported(*words)
    assert "mebench.cli" in modules
    assert not modules & absent
