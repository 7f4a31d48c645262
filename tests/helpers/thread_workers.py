"""Threads in place of the processes of a team."""

import pickle
from typing import ClassVar

from mebench import shared_work


class ThreadWorker:
    """Makes a call in this process; `called` lists the functions of all."""

    called: ClassVar[list[str]] = []

    def call(self, function, arguments, plugins=()):
        """Call it in the thread that asks, with arguments as another process gets them."""
        self.called.append(function.__name__)
        return function(*pickle.loads(pickle.dumps(arguments)))

    def close(self):
        """There is nothing to end."""


def replace_workers(monkeypatch):
    """Let teams have threads; the list of the functions that they call."""
    monkeypatch.setattr(shared_work, "Worker", ThreadWorker)
    monkeypatch.setattr(ThreadWorker, "called", [])
    return ThreadWorker.called
