"""Workers without processes."""

from __future__ import annotations

from contextlib import contextmanager

from mebench.errors import MebenchError
from mebench.runner.pool import Failure


class Here:
    """Does each task at once, in this process."""

    size = 1

    def start(self, most):
        pass

    def stop(self):
        pass

    def run(self, tasks, tick=None):
        for task in tasks:
            yield task, _answer(task)


def _answer(task):
    try:
        return task.function(*task.arguments)
    except Exception as error:
        own = error if isinstance(error, MebenchError) else None
        return Failure(str(error), str(error), own, raised=True)


@contextmanager
def hired(config):
    yield Here()
