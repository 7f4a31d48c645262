"""Each way of looking for labels: what is kept in training, and where it is looked in the test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mebench.core import ClipView, LabelledVideo

from . import counted, facts, files, held, host, left, marks, memory, processes

if TYPE_CHECKING:
    from .method import Cheat

    Keep = Callable[[Cheat, Sequence[LabelledVideo]], None]
    Look = Callable[[Cheat, ClipView], Mapping[str, int]]


def keep_nothing(cheat: Cheat, train: Sequence[LabelledVideo]) -> None:
    """The tested people's folds find nothing that this one left."""


def look_nowhere(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """No label is known."""
    return {}


@dataclass(frozen=True)
class Way:
    """A way of looking for labels.

    Attributes:
        look: gives labels by the key of the video, for a clip that is tested.
        keep: leaves the labels of the training clips where another fold may find them.
    """

    look: Look
    keep: Keep = keep_nothing


MEMORY = {
    "module": Way(memory.labels_of_module, memory.keep_in_module),
    "class": Way(memory.labels_of_class, memory.keep_in_class),
    "views kept": Way(memory.labels_of_kept_views, memory.keep_views),
    "training view": Way(memory.labels_found_in_training, memory.look_at_job_of_training),
    "tested view": Way(memory.labels_of_job),
    "dataset": Way(memory.labels_of_dataset),
    "task": Way(memory.labels_reached_from_task),
    "frames": Way(memory.labels_in_callers),
    "closures": Way(memory.labels_reached_from_view),
    "garbage": Way(memory.labels_of_all_objects),
    "planning": Way(memory.labels_from_planning),
    "asking": Way(memory.labels_by_scores),
}
"""Ways through memory."""
FILES = {
    "file": Way(files.labels_of_notes, files.keep_in_notes),
    "folders": Way(files.labels_by_folder),
    "truth": Way(files.labels_of_other_runs),
    "notes": Way(files.label_by_kept_picture, files.keep_pictures),
    "pictures": Way(files.label_by_picture),
    "secret": Way(files.labels_by_drawn_names),
    "attributes": Way(files.label_by_attribute, files.keep_in_attributes),
}
"""Ways through files, in `place`."""
PROCESSES = {
    "command line": Way(processes.label_by_command_lines),
    "environments": Way(processes.label_by_environments),
    "memory": Way(processes.label_by_memory_of_host),
    "shared memory": Way(processes.label_by_shared_memory, processes.keep_in_shared_memory),
    "descriptors": Way(processes.label_by_open_files),
    "signals": Way(processes.send_signal),
}
"""Ways through other processes, and what outlives one."""
FACTS = {
    "facts": Way(facts.label_by_existing_file),
    "words of the host": Way(facts.label_by_words_of_host),
    "streams": Way(facts.label_by_descriptors),
    "log": Way(facts.label_by_log, facts.keep_in_log),
    "beside code": Way(facts.label_beside_code, facts.keep_beside_code),
}
"""Ways through facts about files and about the host, and through what a fold might leave beside code."""
LEFT = {
    "semaphores": Way(left.label_by_semaphore, left.keep_in_semaphores),
    "queues": Way(left.label_by_queue, left.keep_in_queues),
    "sockets": Way(left.label_by_socket, left.keep_behind_socket),
    "tracing": Way(left.label_by_tracing),
    "start of programs": Way(left.label_at_start_of_programs, left.keep_at_start_of_programs),
    "beside training": Way(left.label_beside_training, left.keep_beside_training),
}
"""Ways through what a fold might leave for others: in the kernel, in folders of code, and where its training is kept."""
MARKS = {
    name: Way(marks.label_by_marks(mark), marks.keep_marks(mark))
    for name, mark in (
        ("chattr", marks.CHATTR),
        ("fcntl hint", marks.FCNTL_HINT),
        ("atime", marks.ATIME),
        ("pages", marks.PAGES),
        ("locks", marks.LOCKS),
        ("locks of open files", marks.OPEN_LOCKS),
        ("mode", marks.MODE),
        ("attribute", marks.XATTR),
        ("links", marks.LINKS),
        ("waiting at a file", marks.WAITING),
    )
}
"""Ways through marks at files that folds may read alone."""
COUNTED = {
    name: Way(number.label, number.keep)
    for name, number in (
        ("cookies", counted.Counted(counted.cookie)),
        ("files in memory", counted.Counted(counted.number_of_memory_file)),
        ("numbers of processes", counted.Counted(counted.thread_number, digits=3)),
        ("numbers of pipes", counted.Counted(counted.number_of_pipe)),
        ("numbers of sockets", counted.Counted(counted.number_of_socket)),
        ("numbers of links", counted.Counted(counted.number_of_link)),
        ("descriptors of processes", counted.Counted(counted.number_of_process, digits=3)),
        ("shared memory in maps", counted.Counted(counted.number_of_shared_memory)),
        ("numbers of files", counted.Counted(counted.number_of_file, digits=3)),
    )
}
"""Ways through numbers that the kernel counts for all."""
HELD = {
    name: Way(number.label, number.keep)
    for name, number in (
        ("signals not taken", held.Held(held.hold_signal, held.count_signals)),
        ("descriptors on their way", held.Held(held.hold_descriptor_on_its_way, held.count_descriptors_on_their_way)),
    )
}
"""Ways through what the kernel counts for a user, between two folds at once."""
REMAINING = {"time of reading": Way(marks.label_by_marks(marks.TIME, own=False), marks.keep_marks(marks.TIME))}
"""Ways that the sandbox does not close, see `docs/understand/guard.md`."""
REST = {
    "for others": Way(host.answer_for_others),
    "watching": Way(host.label_by_opened_folder),
    "question": Way(host.send_object),
    "word": Way(host.send_text_object),
    "note": Way(look_nowhere, host.note_object),
    "names": Way(host.labels_by_name),
    "order": Way(look_nowhere),  # see `Cheat.classify`
    "timing": Way(host.label_by_time),
    "import": Way(files.label_by_picture_read_at_import),
    "store": Way(files.labels_of_store),
    "network": Way(host.open_connection),
}
"""Code that would run in the host; names and order of clips; the time that the host takes; code that is run when the plugin is
imported; the store of features; the network.
"""
WAYS = {
    "none": Way(look_nowhere),
    "host": Way(host.labels_of_host),
    "told": Way(files.label_told_by_host),
    **MEMORY,
    **FILES,
    **PROCESSES,
    **FACTS,
    **LEFT,
    **MARKS,
    **COUNTED,
    **HELD,
    **REMAINING,
    **REST,
}
