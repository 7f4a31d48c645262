"""The addresses of the project in its package: known where REPOSITORY_URL names the repository, as the workflows do."""

import os

from hatchling.metadata.plugin.interface import MetadataHookInterface


class Addresses(MetadataHookInterface):
    """Adds `project.urls`; a build elsewhere leaves them out, since no address is invented."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict) -> None:
        """Name repository, issues, changelog and documentation."""
        repository = os.environ.get("REPOSITORY_URL", "").rstrip("/")
        pages = {
            "Repository": "",
            "Issues": "/issues",
            "Changelog": "/blob/main/CHANGELOG.md",
            "Leaderboard": "/blob/main/leaderboards/tables.md",
        }
        metadata["urls"] = {name: repository + page for name, page in pages.items() if repository}
        if site := os.environ.get("SITE_URL", ""):
            metadata["urls"]["Documentation"] = site
