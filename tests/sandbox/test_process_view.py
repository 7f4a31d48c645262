"""What a process sees and counts in a view of processes, and how both of it end."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from mebench.system import children_of
from tests.helpers.process_views import counts_alone

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not counts_alone(), reason="this system lets no process count its own alone"),
]

EXITING = 4
"""The flag of a process that has begun to end."""
HEAD = """
import json, os, sys, threading, time
from mebench.sandbox.process_view import enter_process_view

def number_of_thread():
    told = []
    thread = threading.Thread(target=lambda: told.append(threading.get_native_id()))
    thread.start()
    thread.join()
    return told[0]

"""


def started(body):
    program = f"{HEAD}\n{textwrap.dedent(body)}"
    return subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def seen(body):
    """What a program answers as JSON."""
    answer, _ = started(body).communicate()
    return json.loads(answer)


SHOWN = """
assert enter_process_view()
print(json.dumps({
    "own": [os.getpid(), os.getppid(), os.readlink("/proc/self")],
    "others": sorted(name for name in os.listdir("/proc") if name.isdigit()),
    "threads": [number_of_thread() for _ in range(3)],
    "user": os.getuid(),
}), flush=True)
"""


def test_enter_process_view_counts_from_the_beginning():
    found = seen(SHOWN)
    assert found == {"own": [2, 0, "2"], "others": ["1", "2"], "threads": [3, 4, 5], "user": os.getuid()}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_enter_process_view_needs_no_privileges():
    """In a user namespace of its own."""
    found = seen(f"os.setgroups([]); os.setgid(65534); os.setuid(65534)\n{SHOWN}")
    assert (found["own"], found["threads"], found["user"]) == ([2, 0, "2"], [3, 4, 5], 65534)


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("sys.exit(7)", 7),
        ("os.kill(os.getpid(), 9)", -signal.SIGKILL),
        ("os.kill(os.getpid(), 15)", -signal.SIGTERM),
        ("os._exit(0)", 0),
    ],
)
def test_enter_process_view_ends_as_the_process_in_it(end, code):
    assert started(f"enter_process_view(); {end}").wait() == code


def test_enter_process_view_ends_with_its_starter():
    """Neither the process nor the first one of its namespace is left where the one is killed that others know."""
    process = started("enter_process_view(); print('in', flush=True); time.sleep(60)")
    assert process.stdout.readline() == "in\n"
    inside = children_of(process.pid)
    assert len(inside) == 2
    process.kill()
    process.communicate()
    ends = time.monotonic() + 20
    while any(is_alive(number) for number in inside) and time.monotonic() < ends:
        time.sleep(0.01)
    assert not any(is_alive(number) for number in inside)


def is_alive(number):
    """Whether a process is there and has not begun to end; whoever started it may take a while to notice that."""
    try:
        facts = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return False
    return not int(facts.rpartition(")")[2].split()[6]) & EXITING


def test_enter_process_view_says_where_it_is_not_possible():
    """Without the small program the process stays what it is."""
    found = seen(
        """
        os.environ["PATH"] = ""
        before = os.getpid()
        print(json.dumps([enter_process_view(), os.getpid() == before]))
        """
    )
    assert found == [False, True]
