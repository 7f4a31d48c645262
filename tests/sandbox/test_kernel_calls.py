"""What the kernel hears of a confined process, by the filter itself; `test_confinement.py` tries it."""

import json
import re
import struct
from pathlib import Path

import pytest

from mebench.sandbox.kernel_calls import HEARD, LIMITS, MACHINES, PRETENDED, REFUSED, filter_program

SEEN = json.loads(Path("benchmarks/kernel_calls.json").read_text())
"""Calls and values that confined folds of all methods were seen to make, see `benchmarks/kernel_calls.py`."""
HEADERS = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
ALLOW, KILL, FAIL = 0x7FFF0000, 0x80000000, 0x00050000


def answer_of(program, machine, number, *arguments):
    """What a filter answers, by the rules of the kernel's own interpreter (classic BPF)."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, MACHINES[machine], 0, *padded)
    held, place = 0, 0
    while True:
        code, if_true, if_false, value = program[place]
        place += 1
        if code == 0x20:
            (held,) = struct.unpack_from("<I", data, value)
        elif code == 0x54:
            held &= value
        elif code == 0x06:
            return value
        else:
            holds = held == value if code == 0x15 else held >= value
            place += if_true if holds else if_false


@pytest.mark.parametrize("machine", MACHINES)
def test_filter_program_knows_what_is_listed_alone(machine):
    """Of a thousand numbers, and of their 32-bit twins."""
    program = filter_program(machine)
    place = list(MACHINES).index(machine)
    listed = {
        numbers[place]: (name, verdict)
        for calls, verdict in ((HEARD, ALLOW), (PRETENDED, FAIL), (REFUSED, FAIL | 1))
        for name, numbers in calls.items()
        if numbers[place] is not None
    }
    assert len(listed) == sum(numbers[place] is not None for numbers in {**HEARD, **PRETENDED, **REFUSED}.values())
    for number in range(1000):
        name, verdict = listed.get(number, ("", FAIL | 38))
        if name not in LIMITS:
            assert answer_of(program, machine, number) == verdict, number
    if machine == "x86_64":
        assert answer_of(program, machine, 0x40000000) == KILL
    assert len(program) < 4096
    assert max(max(line[1:3]) for line in program) < 256


@pytest.mark.parametrize("machine", MACHINES)
def test_filter_program_hears_listed_values_alone(machine):
    program = filter_program(machine)
    place = list(MACHINES).index(machine)
    for name, limit in LIMITS.items():
        number = HEARD[name][place]
        if number is None:
            continue
        values = {*limit.values, *limit.pretended, *range(64), 0x4021, 0x6602, 0x40086602, 1036, 1 << 31}
        for value in values:
            heard = value in limit.values or (limit.flags is not None and not value & ~limit.flags)
            heard = heard and not (limit.never and value & limit.never == limit.never)
            expected = ALLOW if heard else FAIL if value in limit.pretended else FAIL | limit.error
            arguments = [0] * limit.argument + [value]
            assert answer_of(program, machine, number, *arguments) == expected, (name, value)


def test_filter_program_lets_gpu_drivers_command():
    commands = {
        0xC00846D6: ALLOW,
        37: ALLOW,
        0xC0106407: ALLOW,
        0x40086602: FAIL | 25,
        0x5412: FAIL | 25,
        0x401C5820: FAIL | 25,
    }
    program = filter_program("x86_64", has_gpu=True)
    assert {command: answer_of(program, "x86_64", 16, 0, command) for command in commands} == commands


@pytest.mark.skipif(not HEADERS.is_file(), reason="the headers of Linux are not installed")
def test_numbers_of_calls_are_those_of_linux():
    named = dict(re.findall(r"#define __NR_(\w+) (\d+)", HEADERS.read_text()))
    ours = {name: numbers[0] for name, numbers in {**HEARD, **PRETENDED, **REFUSED}.items()}
    assert {name: int(named[name]) for name, number in ours.items() if number is not None and name in named} == {
        name: number for name, number in ours.items() if number is not None and name in named
    }


def test_seen_calls_are_heard():
    """All that folds of the methods were seen to ask for, but what is pretended or refused on purpose.

    They were watched when the kernel still heard them ask for pipes, which are named ones since.
    """
    assert {*SEEN["calls"]} - {"pipe2"} <= {*HEARD, *PRETENDED}
    for name, values in SEEN["values"].items():
        limit = LIMITS[name]
        for value in values:
            is_flag = limit.flags is not None and not value & ~limit.flags
            assert value in (*limit.values, *limit.pretended) or is_flag, (name, hex(value))
    assert SEEN["methods"] == sorted(config.parent.name for config in Path("methods").glob("*/config.yaml"))
