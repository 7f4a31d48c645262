"""What a confined process can no longer do, tried in processes of their own."""

import json
import os
import platform
import pty
import resource
import signal
import subprocess
import sys
import textwrap
import traceback
from pathlib import Path

import pytest

from mebench.config import resolve
from mebench.runner import make_plan
from mebench.sandbox import confinement

pytestmark = pytest.mark.processes

needs_all = pytest.mark.skipif(
    bool(confinement.missing_parts()), reason=f"this kernel lacks {', '.join(confinement.missing_parts())}"
)

HEAD = """
import json, os, sys
from pathlib import Path
from mebench.sandbox.grant import Grant
from mebench.sandbox.confinement import confine_process, python_files

def tried(action):
    try:
        return action()
    except OSError as error:
        return type(error).__name__

folder = Path(sys.argv[1])
without = confine_process(Grant(read=(*python_files(), folder / "granted"), write=(folder / "scratch",)))
assert without == (), without
"""


def confined(folder, body, *arguments):
    """What a program answers as JSON after it confined itself."""
    program = HEAD + textwrap.dedent(body)
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder), *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(folder / "scratch")},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def forked(program, *arguments):
    """What a program prints in a copy of this process, which has loaded PyTorch as a fold's server has."""
    answers, sent = os.pipe()
    if (copy := os.fork()) == 0:
        try:
            os.dup2(sent, 1)
            sys.argv = ["-c", *map(str, arguments)]
            sys.stdout = os.fdopen(1, "w", closefd=False)
            exec(textwrap.dedent(program), {})
            sys.stdout.flush()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(sent)
    with os.fdopen(answers) as lines:
        found = lines.read()
    os.waitpid(copy, 0)
    return found


@pytest.fixture
def folder(tmp_path):
    for name in ("granted", "scratch", "secret"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.txt").write_text(name)
    return tmp_path


@needs_all
def test_sandbox_reads_what_is_granted_alone(folder):
    found = confined(
        folder,
        """
        print(json.dumps({
            "granted": tried(lambda: (folder / "granted/file.txt").read_text()),
            "writes there": tried(lambda: (folder / "granted/file.txt").write_text("x")),
            "secret": tried(lambda: (folder / "secret/file.txt").read_text()),
            "names": tried(lambda: os.listdir(folder / "secret")),
            "names beside": tried(lambda: os.listdir(folder)),
            "by a link": tried(lambda: os.symlink(folder / "secret", folder / "scratch/link") or os.listdir(folder / "scratch/link")),
            "scratch": tried(lambda: (folder / "scratch/new.txt").write_text("x")),
            "moved": tried(lambda: os.rename(folder / "secret/file.txt", folder / "scratch/moved.txt")),
            "linked": tried(lambda: os.link(folder / "secret/file.txt", folder / "scratch/linked.txt")),
            "by a program": os.system(f"cat {folder}/secret/file.txt > /dev/null 2>&1") != 0,
        }))
        """,
    )

    denied = "PermissionError"
    assert found == {
        "granted": "granted",
        "writes there": denied,
        "secret": denied,
        "names": denied,
        "names beside": denied,
        "by a link": denied,
        "scratch": 1,
        "moved": denied,
        "linked": "OSError",  # no hard link leaves its folder
        "by a program": True,
    }


@needs_all
def test_sandbox_closes_memory_and_environment_of_others(folder):
    """Root or not; the process outside is this test's."""
    found = confined(
        folder,
        """
        pid = sys.argv[2]
        names = ("mem", "environ", "cmdline", "maps")
        print(json.dumps({name: tried(lambda: open(f"/proc/{pid}/{name}", "rb").read(1)) for name in names}))
        """,
        os.getpid(),
    )
    assert set(found.values()) == {"PermissionError"}


@needs_all
def test_sandbox_traces_signals_and_connects_nobody(folder):
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        found = confined(
            folder,
            """
            import ctypes, socket
            libc, pid = ctypes.CDLL(None, use_errno=True), int(sys.argv[2])
            print(json.dumps({
                "ptrace": libc.ptrace(16, pid, None, None),
                "kill": tried(lambda: os.kill(pid, 9)),
                "tcp": tried(lambda: socket.socket().close()),
                "unix": tried(lambda: socket.socket(socket.AF_UNIX).close()),
                "udp": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()),
            }))
            """,
            other.pid,
        )
        assert found["ptrace"] == -1
        assert {found["tcp"], found["unix"], found["udp"]} == {"PermissionError"}
        if confinement.landlock_version() >= 6:
            assert found["kill"] == "PermissionError"
            assert other.poll() is None
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()


@needs_all
def test_sandbox_confines_children_without_privileges(folder):
    found = confined(
        folder,
        """
        status = Path("/proc/self/status").read_text()
        lines = dict(line.split(":", 1) for line in status.splitlines())
        child = os.popen(f"cat {folder}/secret/file.txt 2>&1").read()
        print(json.dumps({"child": child, "caps": lines["CapEff"].strip(), "new": lines["NoNewPrivs"].strip()}))
        """,
    )
    assert "Permission denied" in found["child"]
    assert int(found["caps"], 16) == 0
    assert found["new"] == "1"


@needs_all
def test_sandbox_leaves_no_traces_for_later_processes(folder):
    """Neither in what outlives a process nor in the attributes of files that it may read: these are set in pretence."""
    file = folder / "granted" / "file.txt"
    before = file.stat()

    found = confined(
        folder,
        """
        import ctypes
        libc, file = ctypes.CDLL(None, use_errno=True), folder / "granted/file.txt"
        file.chmod(0o777)
        os.utime(file, (1, 1))
        os.setxattr(file, "user.label", b"1")
        try:
            os.getxattr(file, "user.label")
            kept = True
        except OSError:
            kept = False
        print(json.dumps([kept, libc.shmget(4711, 4096, 0o1600), libc.msgget(4711, 0o1600), libc.semget(4711, 1, 0o1600)]))
        """,
    )
    assert found == [False, -1, -1, -1]

    after = file.stat()
    assert (after.st_mode, after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_mode,
        before.st_mtime_ns,
        before.st_ctime_ns,
    )


@needs_all
@pytest.mark.skipif(platform.machine() != "x86_64", reason="it makes calls by their numbers")
def test_sandbox_leaves_no_mark_on_a_file_that_it_reads(folder):
    """By flags, hints, locks, or what is in memory; nor can it ask whether pages are in memory."""
    file = folder / "granted" / "file.txt"
    found = confined(
        folder,
        """
        import ctypes, errno, fcntl, mmap, struct
        libc = ctypes.CDLL(None, use_errno=True)
        opened = os.open(folder / "granted/file.txt", os.O_RDONLY)

        def error(result):
            return errno.errorcode[ctypes.get_errno()] if result == -1 else result

        def failed(action):
            try:
                return action()
            except OSError as problem:
                return errno.errorcode[problem.errno]

        buffer = ctypes.create_string_buffer(64)
        vector = ctypes.create_string_buffer(struct.pack("PN", ctypes.addressof(buffer), 8))
        libc.mmap.restype = ctypes.c_ssize_t
        print(json.dumps({
            "flags": failed(lambda: fcntl.ioctl(opened, 0x40086602, struct.pack("l", 0x80))),
            "attributes": failed(lambda: fcntl.ioctl(opened, 0x401C5820, bytes(28))),
            "version": failed(lambda: fcntl.ioctl(opened, 0x40087602, struct.pack("l", 7))),
            "hint": failed(lambda: fcntl.fcntl(opened, 1036, struct.pack("q", 3))),
            "hint read": failed(lambda: fcntl.fcntl(opened, 1035, bytes(8))),
            "lease": failed(lambda: fcntl.fcntl(opened, 1024, 0)),
            "lock": failed(lambda: fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)),
            "who locks": failed(lambda: fcntl.fcntl(opened, 5, bytes(32))),
            "without waiting": error(libc.syscall(327, opened, vector, 1, 0, 0, 8)),
            "without keeping": error(libc.syscall(327, opened, vector, 1, 0, 0, 128)),
            "plain": error(libc.syscall(327, opened, vector, 1, 0, 0, 0)),
            "mincore": error(libc.syscall(27, None, 0, buffer)),
            "cachestat": error(libc.syscall(451, opened, buffer, buffer, 0)),
            "statfs": failed(lambda: os.statvfs(folder / "granted")),
            "what is in memory": error(libc.mmap(None, 4096, 1, 0x18002, opened, 0)),
            "directly": failed(lambda: os.open(folder / "granted/file.txt", os.O_RDONLY | os.O_DIRECT)),
            "dropped": failed(lambda: os.posix_fadvise(opened, 0, 0, os.POSIX_FADV_DONTNEED)),
            "paged out": error(libc.madvise(None, 0, 21)),
            "namespace": error(libc.syscall(272, 0x10000000)),
            "clone3": error(libc.syscall(435, None, 0)),
            "who is told": failed(lambda: fcntl.fcntl(opened, 8, os.getpid())),
            "signal": failed(lambda: fcntl.fcntl(opened, 10, 35)),
            "told of names": failed(lambda: fcntl.fcntl(opened, 1026, 2)),
            "size of pipe": failed(lambda: fcntl.fcntl(os.pipe()[0], 1031, 1 << 20)),
            "room of pipe": failed(lambda: fcntl.fcntl(os.pipe()[0], 1032)),
            "other flags": failed(lambda: fcntl.fcntl(opened, fcntl.F_SETFL, os.O_NONBLOCK)),
            "descriptor of a process": error(libc.syscall(56, 0x1000 | 17, None, buffer, None, None)),
            "machine": error(libc.sysinfo(buffer)),
            "room on the disk": error(libc.fallocate(opened, 0, ctypes.c_long(0), ctypes.c_long(1))),
            "pipe of the kernel": error(libc.pipe(buffer)),
            "one more named pipe": failed(lambda: os.mkfifo(folder / "scratch/pipe")),
            "shared without a file": error(libc.mmap(None, 4096, 3, 0x21, -1, 0)),
            "zeros to write": failed(lambda: os.open("/dev/zero", os.O_RDWR)),
            "zeros": failed(lambda: os.read(os.open("/dev/zero", os.O_RDONLY), 2)) == bytes(2),
            "waiting for many": error(libc.epoll_create1(0)),
            "on its way": error(libc.sendmsg(1, buffer, 0)),
            "handle": error(libc.syscall(303, -100, b"x", buffer, buffer, 0)),
            "key": error(libc.syscall(248, b"user", b"a", b"b", 1, -4)),
            "faults": error(libc.syscall(323, 0)),
            "memory file": failed(lambda: os.memfd_create("x")),
            "name": failed(lambda: os.link(folder / "granted/file.txt", folder / "granted/again.txt")),
            "terminal": os.isatty(opened),
        }))
        """,
    )
    assert found == {
        **dict.fromkeys(("flags", "attributes", "version"), "ENOTTY"),
        **dict.fromkeys(("hint", "hint read", "lease", "who locks", "directly"), "EINVAL"),
        **dict.fromkeys(("who is told", "signal", "told of names", "size of pipe", "room of pipe"), "EINVAL"),
        **dict.fromkeys(("other flags", "descriptor of a process"), "EINVAL"),
        **dict.fromkeys(("without waiting", "without keeping", "what is in memory"), "ENOTSUP"),
        **dict.fromkeys(
            ("mincore", "cachestat", "statfs", "namespace", "clone3", "handle", "faults", "memory file"), "ENOSYS"
        ),
        **dict.fromkeys(("shared without a file",), "ENOTSUP"),
        **dict.fromkeys(("zeros to write",), "EACCES"),
        "zeros": True,
        **dict.fromkeys(("machine", "room on the disk", "pipe of the kernel"), "ENOSYS"),
        **dict.fromkeys(("one more named pipe", "waiting for many", "on its way"), "ENOSYS"),
        **dict.fromkeys(("lock", "dropped"), None),
        **dict.fromkeys(("key",), "EPERM"),
        "name": "EACCES",
        "plain": len(file.read_bytes()),
        "paged out": 0,
        "terminal": False,
    }


COUNTERS = (
    *("stat", "vmstat", "interrupts", "softirqs", "diskstats", "meminfo", "loadavg", "uptime", "locks", "schedstat"),
    *(
        "slabinfo",
        "buddyinfo",
        "pressure/io",
        "key-users",
        "sysvipc/shm",
        "sys/fs/file-nr",
        "sys/fs/inode-nr",
        "sys/fs/aio-nr",
    ),
    *(
        "sys/kernel/ns_last_pid",
        "sys/kernel/core_pattern",
        "sys/kernel/random/boot_id",
        "self/net/unix",
        "self/mountinfo",
    ),
    *("self/io", "self/smaps", "self/sched", "self/cgroup", "self/fdinfo/0", "self/oom_score_adj", "self/task"),
    *("self/fd", "self/map_files"),
)
"""Files of `/proc` that tell what else the machine did."""


@needs_all
def test_sandbox_asks_nothing_of_other_processes(folder):
    """Neither what the kernel counts for all, nor clocks, groups or sessions of others, nor a number that it gives to sockets."""
    found = confined(
        folder,
        """
        import socket, time
        parent = os.getppid()
        clock = ~parent << 3 | 2
        print(json.dumps({
            "files": sorted({tried(lambda: open("/proc/" + name).read(1)) for name in sys.argv[2:]}),
            "cgroups": tried(lambda: os.listdir("/sys/fs/cgroup")),
            "clock": tried(lambda: time.clock_gettime(clock)),
            "resolution": tried(lambda: time.clock_getres(clock)),
            "session": tried(lambda: os.getsid(parent)),
            "group": tried(lambda: os.getpgid(parent)),
            "handle": tried(lambda: os.pidfd_open(parent)),
            "sockets": tried(lambda: socket.socketpair()),
            "own": os.getsid(0) >= 0 and time.process_time() > 0 and time.clock_gettime(-6) > 0,
        }))
        """,
        *COUNTERS,
    )
    assert set(found.pop("files")) <= {"PermissionError", "FileNotFoundError"}  # some kernels lack some of them
    # the number of a session that began outside a container is 0 within
    assert found == {
        "cgroups": "PermissionError",
        **dict.fromkeys(("clock", "resolution", "handle"), "OSError"),
        **dict.fromkeys(("session", "group", "sockets"), "PermissionError"),
        "own": True,
    }


@needs_all
def test_sandbox_hides_events_and_keeps_limits_of_others(folder):
    """Events would name the folders of the classes; limits and priorities of a process that stays are a place for notes."""
    host = os.getpid()
    before = os.getpriority(os.PRIO_PROCESS, host), resource.prlimit(host, resource.RLIMIT_CORE)
    found = confined(
        folder,
        """
        import ctypes, resource
        libc, host = ctypes.CDLL(None, use_errno=True), int(sys.argv[2])
        print(json.dumps([
            libc.inotify_init1(0),
            tried(lambda: resource.prlimit(host, resource.RLIMIT_CORE, (0, 0))),
            tried(lambda: resource.prlimit(0, resource.RLIMIT_CORE, (0, 0))) is not None,
            tried(lambda: os.setpriority(os.PRIO_PROCESS, host, 19)),
        ]))
        """,
        host,
    )
    assert found == [-1, "PermissionError", True, None]
    assert (os.getpriority(os.PRIO_PROCESS, host), resource.prlimit(host, resource.RLIMIT_CORE)) == before


AT_TERMINAL = """
import fcntl, json, os, sys, termios
from pathlib import Path
from mebench.sandbox import confinement

folder = Path(sys.argv[1])
report = os.open(folder / "scratch" / "found.json", os.O_WRONLY | os.O_CREAT)
confinement.enter_sandbox(confinement.Grant(read=confinement.python_files(), write=(folder / "scratch",)))

def tried(action):
    try:
        return action()
    except OSError as error:
        return type(error).__name__

found = [
    tried(lambda: fcntl.ioctl(1, termios.TIOCSTI, b"x")),
    [tried(lambda: os.read(stream, 1)) for stream in (0, 1, 2)],
    tried(lambda: open("/dev/tty", "rb", 0).read(1)),
    tried(lambda: os.write(1, b"said") == 4),
]
os.write(report, json.dumps(found).encode())
"""


@needs_all
def test_sandbox_writes_to_the_terminal_alone(folder):
    """What a terminal shows it also tells, where its cursor is; and what is typed there the user's shell obeys after the run."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", AT_TERMINAL, str(folder)])
    try:
        os.write(terminal, b"typed\n")
        os.waitpid(pid, 0)
        shown = os.read(terminal, 1 << 12)
    finally:
        os.close(terminal)
    denied = "PermissionError"
    found = json.loads((folder / "scratch" / "found.json").read_text())
    assert found == ["OSError", ["OSError"] * 3, denied, True]
    assert b"said" in shown


def test_sandbox_grants_gpus_where_one_trains(tmp_path):
    for name in ("nvidia0", "nvidiactl", "nvidia-uvm", "dri", "kfd", "dxg", "tty", "sda", "kvm"):
        (tmp_path / name).touch()
    found = [place.name for place in confinement.gpu_devices(tmp_path)]
    assert found == ["dri", "dxg", "kfd", "nvidia-uvm", "nvidia0", "nvidiactl"]
    words = ["method=random", "dataset=synthetic", f"cache={tmp_path}"]
    plans = [make_plan(resolve([*words, f"accelerator={name}"])) for name in ("cpu", "gpu")]
    assert [plan.grant.devices for plan in plans] == [(), confinement.gpu_devices()]
    for place in ("/proc/driver/nvidia", "/proc/devices", "/proc/self", "/sys/devices", "/sys/bus/pci", "/sys/module"):
        assert Path(place) in plans[1].grant.read


@needs_all
def test_hide_memory_closes_another_confined_process(folder):
    """Another fold that is at work knows labels of the people whom this one tests."""
    sleeper = "from mebench.sandbox.confinement import hide_memory; hide_memory(); print(1, flush=True); import time; time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", sleeper], stdout=subprocess.PIPE)
    try:
        other.stdout.readline()
        unprivileged = (
            "import ctypes; from mebench.sandbox import confinement; confinement.drop_privileges(ctypes.CDLL(None))"
        )
        program = f"{unprivileged}; open('/proc/{other.pid}/mem', 'rb')"  # as where the kernel has no Landlock
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert "PermissionError" in done.stderr
    finally:
        other.kill()
        other.wait()


@needs_all
def test_sandbox_compiles_loops_without_locks(folder):
    """As in a fold of a method that nobody has run on this machine."""
    code = "def double(x):\n    return 2 * x\n"
    (folder / "granted" / "loops_of_mine.py").write_text(code)
    program = f"""
import json, sys
from pathlib import Path
sys.path.insert(0, {str(folder / "granted")!r})
import loops_of_mine
from mebench.features.loops import once
from mebench.sandbox import confinement
folder = Path({str(folder)!r})
confinement.enter_sandbox(confinement.Grant(read=(*confinement.python_files(), folder / "granted"), write=(folder / "scratch",)))
print(once(loops_of_mine.double, lambda f: f(1), "mine", "a loop")(21))
import joblib  # as scikit-learn does; without a lock it would warn
"""
    kept = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=kept)
    assert (done.stdout, done.returncode) == ("42\n", 0), done.stderr
    assert "joblib" not in done.stderr, done.stderr


@needs_all
def test_sandbox_leaves_numbers_the_same(folder):
    program = (
        "import torch; x = torch.randn(64, 64, generator=torch.Generator().manual_seed(0)); y = float((x @ x).sum())"
    )
    exec(program, free := {})
    assert forked(f"{HEAD}\n{program}; print(y.hex())", folder).strip() == free["y"].hex()


FORBIDS = """
import ctypes, struct, sys
from pathlib import Path
from mebench.config import resolve
from mebench.errors import MebenchError
from mebench.sandbox import confinement
from mebench.runner.guard import find_run_warnings
from mebench.runner.plan import make_plan

forbidden = [int(number) for number in sys.argv[2:]]
whole = confinement.Grant((), (Path("."),), lacks=confinement.missing_parts())
libc = ctypes.CDLL(None, use_errno=True)
jumps = [(0x15, len(forbidden) - n, 0, call) for n, call in enumerate(forbidden)]
lines = [(0x20, 0, 0, 0), *jumps, (6, 0, 0, 0x7FFF0000), (6, 0, 0, 0x00050001)]
code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *line) for line in lines))
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, struct.pack("@HP", len(lines), ctypes.addressof(code)), 0, 0) == 0

print(*confinement.missing_parts())
words = ["method=random", "dataset=synthetic", "dataset.subjects=2", "dataset.videos=1", f"cache={sys.argv[1]}"]
plan = make_plan(resolve(words))
print(find_run_warnings(plan.data, plan.access)[0])
try:
    make_plan(resolve([*words, "sandbox=on"]))
except MebenchError as error:
    print(error)
try:
    confinement.enter_sandbox(whole)
except MebenchError as error:
    print(error)
"""


@needs_all
def test_sandbox_without_landlock_is_one_sentence(folder):
    """As old ones do: the calls are answered with EPERM."""
    lacks, warning, refused, elsewhere = forked(FORBIDS, folder, "444", "445", "446").splitlines()
    assert lacks == "files"
    assert "does not isolate methods from files (Landlock, Linux 5.13)" in warning
    assert "a container that allows its calls" in warning
    assert "sandbox=on needs a full sandbox, but this system lacks files: sandbox=auto" in refused
    assert "a worker cannot isolate a method from files" in elsewhere
    assert "sandbox=off" in elsewhere


def test_missing_sentence_names_lacking_parts_of_a_kernel():
    assert confinement.missing_sentence(()) == ""
    sentence = confinement.missing_sentence(("files", "network"))
    assert sentence.count(".") == 1
    assert "Landlock, Linux 5.13" in sentence
    assert "the network (seccomp)" in sentence
