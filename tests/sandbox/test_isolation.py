"""Work in processes apart: exact answers, exact blame, and nothing of what this process knows by now."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from mebench.core import Prediction, Timing
from mebench.core.history import Epoch
from mebench.core.peaks import Curve
from mebench.errors import DataError
from mebench.features.face_detection import NoFaceError
from mebench.runs import ClipPrediction, FoldResult
from mebench.sandbox import isolation
from tests.helpers.calls import (
    GONE,
    SEEN,
    Bomb,
    Label,
    Nowhere,
    add,
    ask_in_vain,
    be_killed,
    die,
    gpus,
    leave,
    leave_one_at_work,
    leave_somebody,
    look,
    map_open_file,
    send_a_pickle,
    sleep_in_c,
    unpicklable,
)
from tests.helpers.kept_server import OF_MOST, KeptServer, OwnServer

pytestmark = pytest.mark.processes

SCRIPT = """
from mebench.sandbox import isolation

print("begins", flush=True)
server = isolation.ForkServer()
for one in (server, None):
    worker = isolation.Worker(server=one)
    print(worker.call(abs, (-2,)), flush=True)
    worker.close()
server.close()
print("ends", flush=True)
"""


def answer(word, *of):
    if word == "refuse":
        raise DataError("there are no frames")
    return 2 * of[0]


@pytest.fixture(scope="module", autouse=True)
def found(request):
    """What tests define is found by the processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path, os.fspath(request.config.rootpath)])
        yield


def copy(environment=None):
    """A worker that copies the fork server of the tests."""
    server = KeptServer()
    server.warm_up(OF_MOST)
    return isolation.Worker(environment, server)


@pytest.fixture
def worker():
    worker = copy()
    yield worker
    worker.close()


def alone(work, arguments=(), timeout=None):
    """The answer of a process that ends with it."""
    worker = copy()
    try:
        return worker.call(work, arguments, answer, timeout=timeout)
    finally:
        worker.close()


def test_Worker_process_answers_and_the_next_knows_nothing():
    found = [alone(add, (x,)) for x in range(3)]
    assert [f[:3] for f in found] == [[x, 2 * x, [x]] for x in range(3)]
    assert len({pid for *_, pid in found}) == 3
    assert SEEN == []


@pytest.mark.skipif(not hasattr(os, "O_NOATIME"), reason="this system keeps times of reading")
def test_Worker_process_maps_an_open_file_that_keeps_no_time(worker, tmp_path):
    file = tmp_path / "array.bin"
    file.write_bytes(bytes([1, 2, 3]))
    os.utime(file, (0, file.stat().st_mtime))
    mapped = isolation.Mapped(file, 0, (3,), "u1", {})
    assert worker.call(map_open_file, (), lambda word: mapped) == [6, 0.0]
    assert file.stat().st_atime == 0


def test_Worker_process_lacks_what_this_one_has_seen():
    label = Label("disgust")
    label.self = label  # or gc would not know it
    assert look(None) >= 1
    assert alone(look) == 0


@pytest.mark.parametrize(
    ("code", "how"),
    [
        (None, ""),
        (7, " (exit code 7)"),
        (-signal.SIGSEGV, " (SIGSEGV)"),
        (-signal.SIGABRT, " (SIGABRT)"),
        (-99, " (signal 99)"),
    ],
)
def test_death_reason_names_signal_or_exit_code(code, how):
    assert isolation.death_reason(code) == f"its worker process died{how}"


@pytest.mark.parametrize(
    ("work", "arguments", "reason"),
    [
        (ask_in_vain, (), "there are no frames"),
        (die, (3,), "its worker process died (exit code 3)"),
        (be_killed, (), "its worker process was killed, as the system does when memory runs out: use fewer workers=N"),
        (leave, (), "SystemExit: 3"),
        (Nowhere(), (), "ModuleNotFoundError: No module named 'nowhere'"),
        (leave_somebody, (), "its worker process died (exit code 4)"),
        (sleep_in_c, (), "it took longer than fold_timeout=0.3 seconds"),
    ],
)
def test_Worker_process_fails_alone_and_is_replaced(worker, work, arguments, reason):
    failure = worker.call(work, arguments, answer, timeout=0.3 if work is sleep_in_c else None)
    assert isinstance(failure, isolation.Failure)
    assert failure.reason == reason
    assert isinstance(failure.error, DataError) == (work is ask_in_vain)
    assert worker.call(add, (1,), answer)[1] == 2


def test_Worker_refuses_answers_that_are_no_plain_data(worker):
    assert "its answer is not plain data" in worker.call(unpicklable, (), answer).reason


def test_Worker_names_a_call_that_cannot_be_handed_over(worker):
    failure = worker.call(add, (lambda: None,), answer)
    assert failure.reason.startswith("it cannot be handed to a worker process: ")


def test_Worker_never_unpickles_answers(worker):
    """It may send whatever it likes: this is data, or the failure of its fold."""
    failure = worker.call(send_a_pickle, (), answer)
    assert isinstance(failure, isolation.Failure)
    assert "Error" in failure.reason
    assert not GONE
    assert worker.call(add, (1,), answer)[1] == 2


BOMBS = {
    "a question or an answer": Bomb(),
    "a list": [Bomb()],
    "a map": {"note": Bomb()},
    "a key": {Bomb(): 1},
    "an array of objects": np.array([Bomb()], object),
    "a video's name": Prediction(Bomb(), "micro", 1, 2, 3, 0.5),
    "a confidence": Prediction("v", "micro", 1, 2, 3, Bomb()),
    "an emotion": Prediction("v", "micro", 1, 2, 3, 0.5, emotion=Bomb()),
    "probabilities": ClipPrediction("v", 1, 2, "fear", (Bomb(),)),
    "frame scores": FoldResult("k", [], [], {"v": np.array([Bomb()], object)}, {}, 1, {}),
    "a timing": FoldResult("k", [], [], {}, {"d": Timing(30.0, Bomb(), {})}, 1, {}),
    "a cost": FoldResult("k", [], [], {}, {}, 1, {"parameters": Bomb()}),
    "a model": FoldResult("k", [], [], {}, {}, 1, {}, Bomb()),
    "a history": FoldResult("k", [], [], {}, {}, 1, {}, b"", [Epoch("fit", 0, "train", Bomb(), None)]),
    "a threshold": FoldResult("k", [], [], {}, {}, 1, {}, b"", [], {"threshold": Bomb()}),
    "looks": FoldResult("k", [], [], {}, {}, 1, {}, b"", [], {}, [[("v", 1, 2, (Bomb(),))]]),
    "a curve": FoldResult(
        "k", [], [], {}, {}, 1, {}, curves={"v": {"micro": Curve(0, np.array([Bomb()], object), 0.1)}}
    ),
}


@pytest.mark.parametrize("place", BOMBS)
def test_encode_refuses_objects_in_fields_of_a_method(place):
    with pytest.raises(TypeError):
        isolation.encode(BOMBS[place])
    assert not GONE


@pytest.mark.parametrize(
    "crafted",
    [
        {"made of": ["object", "os.system", "true"]},
        {"made of": ["object", "mebench.config.registry.add_paths", ["/"]]},
        {"made of": ["array", 1, "|O", [1]]},
        {"made of": ["call", "print"]},
        {"made of": []},
    ],
)
def test_decode_refuses_messages_of_other_types(crafted):
    with pytest.raises((KeyError, ValueError, TypeError, IndexError)):
        isolation.decode([json.dumps(crafted).encode(), pickle.dumps(Bomb())])
    assert not GONE


def test_Worker_ends_what_its_process_left_running():
    left = alone(leave_one_at_work)
    ends = time.monotonic() + 10
    while Path(f"/proc/{left}").exists() and "Z" not in Path(f"/proc/{left}/stat").read_text().split()[2]:
        assert time.monotonic() < ends, "it goes on"
        time.sleep(0.01)


def test_Worker_servers_end_by_themselves():
    """Two runs in one program: neither that one warms up for something else nor that it ends harms the other's processes."""
    other = OwnServer()
    worker = copy()
    try:
        parent = worker.call(os.getppid, ())
        other.warm_up(["mebench.core", "wave"])
        theirs = isolation.Worker(server=other)
        assert theirs.call(os.getppid, ()) != parent
        theirs.close()
        other.close()
        assert worker.call(os.getppid, ()) == parent
    finally:
        worker.close()
        other.close()


def test_Worker_names_its_gpu_before_anything_asks():
    """The fork server has imported PyTorch and has not touched CUDA, which reads the variable when it is first touched."""
    worker = copy({"CUDA_VISIBLE_DEVICES": "3"})
    try:
        assert worker.call(gpus, ()) == ["3", False, False]
    finally:
        worker.close()


def test_Worker_runs_no_user_script_again(tmp_path):
    """Without `if __name__ == "__main__"` too, as in a notebook."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["begins", "2", "2", "ends"], done.stderr


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(PLAIN)
def test_encode_and_decode_keep_plain_data(value):
    assert repr(isolation.decode(isolation.encode(value))) == repr(value)


def test_encode_and_decode_keep_arrays_errors_and_results():
    scores = {"v": np.array([[0.1, np.nan], [-0.0, np.inf]])}
    clips = [ClipPrediction("v", 1, 2, "fear", (np.float32(0.1), 0.9))]
    result = FoldResult("k", [Prediction("v", "micro", 1, 2, 3, 0.5)], clips, scores, {"d": Timing(30.0, 3, {})}, 1, {})
    again = isolation.decode(isolation.encode(result))
    assert again.predictions == result.predictions
    assert again.clips == clips
    assert again.timings == result.timings
    assert again.frame_scores["v"].tobytes() == scores["v"].tobytes()
    assert again.frame_scores["v"].flags.writeable
    error = isolation.decode(isolation.encode(NoFaceError("no face")))
    assert type(error) is NoFaceError
    assert str(error) == "no face"

    class OwnError(NoFaceError):
        """Known to its plugin alone."""

    assert type(isolation.decode(isolation.encode(OwnError("no face")))) is NoFaceError
