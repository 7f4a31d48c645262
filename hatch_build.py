"""What the package says of itself: its page on PyPI, made from README, and the addresses of the project.

The addresses are known where REPOSITORY_URL names the repository, as the workflows do; a build elsewhere leaves them out, since no
address is invented.
"""

import os
import re
from pathlib import Path
from urllib.parse import urljoin

from hatchling.metadata.plugin.interface import MetadataHookInterface

IN_A_CLONE = re.compile(r"<!-- in a clone -->.*?<!-- end -->\n", re.DOTALL)
"""The parts of README that concern a clone alone."""
COMMANDS = {
    "pip install -c constraints.txt -e .\nmebench run -c examples/first_run.yaml": (
        "pip install mebench\nmebench run --example first_run"
    ),
    "in a fresh virtual environment and a clone of this repository (`git clone` with its address)": (
        "in a fresh virtual environment"
    ),
}
"""README's words for a clone, with those for the package."""
PICTURE = re.compile(r"!\[(?P<text>[^]]*)]\((?P<target>[^)\s]+)\)")
LINK = re.compile(r"(?<!!)\[(?P<text>(?:!\[[^]]*]\([^)]*\)|[^]])*)]\((?P<target>[^)\s]+)\)")


class PackagePage(MetadataHookInterface):
    """Adds `project.readme` and `project.urls`."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict) -> None:
        """Name repository, issues, changelog and documentation, and write the page."""
        repository = os.environ.get("REPOSITORY_URL", "").rstrip("/")
        pages = {
            "Repository": "",
            "Issues": "/issues",
            "Changelog": "/blob/main/CHANGELOG.md",
            "Leaderboard": "/blob/main/leaderboards/README.md",
        }
        metadata["urls"] = {name: repository + page for name, page in pages.items() if repository}
        if site := os.environ.get("SITE_URL", ""):
            metadata["urls"]["Documentation"] = site
        readme = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": page_of(readme, repository)}


def page_of(readme: str, repository: str) -> str:
    """README as PyPI shows it: the commands of the package, and no link that is relative.

    Args:
        readme: text of README.
        repository: address of the repository; without one, links are text and pictures are left out.

    Raises:
        ValueError: README no longer has a sentence that is replaced.
    """
    page = IN_A_CLONE.sub("\n", readme)
    for of_clone, of_package in COMMANDS.items():
        if of_clone not in page:
            raise ValueError(f"README.md no longer says {of_clone!r}: change COMMANDS in hatch_build.py with it")
        page = page.replace(of_clone, of_package)
    page = PICTURE.sub(lambda found: _absolute_picture(found, repository), page)
    return LINK.sub(lambda found: _absolute_link(found, repository), page)


def _absolute_picture(found: re.Match, repository: str) -> str:
    """A picture with the address of its file; nothing without a repository."""
    target = found["target"]
    if _is_absolute(target):
        return found[0]
    if not repository:
        return ""
    return f"![{found['text']}]({_address(target, repository, 'raw')})"


def _absolute_link(found: re.Match, repository: str) -> str:
    """A link with an absolute address; its text without a repository."""
    target = found["target"]
    if _is_absolute(target) or target.startswith("#"):
        return found[0]
    if not repository:
        return found["text"]
    return f"[{found['text']}]({_address(target, repository, 'blob')})"


def _address(target: str, repository: str, kind: str) -> str:
    """Address of a file of the repository, or of a page of it (`../../actions/...`, as GitHub resolves it)."""
    return urljoin(f"{repository}/{kind}/main/", target)


def _is_absolute(target: str) -> bool:
    return target.startswith(("https:", "http:", "mailto:"))
