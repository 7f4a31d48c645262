"""The public films of a list: which they are, where they come from, and whether they are there unchanged."""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mebench.errors import DataError
from mebench.grouping import group_by

LISTS = {
    "public": Path(__file__).with_name("public_films.csv"),
    "training": Path(__file__).with_name("training_films.csv"),
}
"""The file of each list, by the name that `dataset.films` takes: films to test on, and those that the included model learnt from."""


@dataclass(frozen=True)
class PublicFilm:
    """A film in a public repository.

    Attributes:
        person: who is seen, by number.
        repository: `owner/name` at GitHub.
        commit: commit that holds the film.
        path: path in the repository.
        blob: Git's hash of its content.
    """

    person: str
    repository: str
    commit: str
    path: str
    blob: str

    @property
    def clone(self) -> str:
        """The folder of the repository's clone below the root."""
        return self.repository.partition("/")[2]

    def find_below(self, root: Path) -> Path:
        """The place of the film below the folder of clones."""
        return root / self.clone / self.path


def read_list(name: str) -> list[PublicFilm]:
    """The films of a list."""
    with LISTS[name].open(encoding="utf-8", newline="") as file:
        return [PublicFilm(**row) for row in csv.DictReader(file)]


def find_public_films(name: str, root: Path) -> dict[tuple[str, str], Path]:
    """The file of each film of a list, by person and name.

    Raises:
        DataError: a film is missing, with the commands that bring it, or holds other bytes than the list says.
    """
    films = read_list(name)
    missing = [film for film in films if not film.find_below(root).is_file()]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(films)} films of the list {name} are not below dataset.root={root}: "
            f"{'; '.join(_commands_for(missing, root))}"
        )
    for film in films:
        blob = hash_as_git(film.find_below(root))
        if blob != film.blob:
            raise DataError(
                f"{film.find_below(root)} has the content {blob[:10]}, not {film.blob[:10]} as the list {name} says: "
                f"check out {film.commit[:10]} of {film.repository}"
            )
    return {(film.person, PurePosixPath(film.path).stem): film.find_below(root) for film in films}


def _commands_for(films: Sequence[PublicFilm], root: Path) -> list[str]:
    """The commands that clone what is missing."""
    commands = []
    for (repository, commit), of_clone in group_by(films, key=lambda film: (film.repository, film.commit)).items():
        place = root / of_clone[0].clone
        url = f"https://github.com/{repository}"
        commands.append(f"git clone {url} {place} && git -C {place} checkout {commit[:10]}")
    return commands


def hash_as_git(path: Path) -> str:
    """Git's hash of a file's content."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
