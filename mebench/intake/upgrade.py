"""Bring records over to this version of scoring: their answers stay, and their former scores are kept."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mebench.atomic import replace_file
from mebench.errors import ConfigError, unknown
from mebench.intake.accept import find_records
from mebench.intake.checking import reason_for_refusal
from mebench.intake.export import record_text
from mebench.intake.integrity import check_scores
from mebench.metrics.own_metrics import without_own
from mebench.records import schema
from mebench.records.record_files import own_hash, rescore_record
from mebench.records.schema import RECORD
from mebench.runs.folder import RunFolder
from mebench.runs.scoring import FIRST_SCORER, SCORER, add_lacking_scores, lacks_scores


def upgrade_records(records: Path, ids: Sequence[str], dry_run: bool = False) -> list[dict[str, Any]]:
    """Write the scores of this version of scoring into records, beside their former scores.

    Only `record.json` changes: predictions, truths and all other files keep their hashes, and `former` keeps the summary
    and the hash that the record had. A record without differences stays unchanged.

    Args:
        records: folder of the records.
        ids: beginnings of their ids; by default all.
        dry_run: write nothing.

    Returns:
        For each record with other scores `record`, `made_by` and `now`, versions of scoring; `scores`, what differs; and
        `reason`, why it stays, or empty.

    Raises:
        ConfigError: no record has this beginning.
        RunError: there is no record.
    """
    folders = find_records(records)
    for id_ in ids:
        if not any(folder.id.startswith(id_) for folder in folders):
            raise ConfigError(unknown(f"record in {records}", id_, [folder.id for folder in folders]))
    rows = []
    for folder in folders:
        if not ids or folder.id.startswith(tuple(ids)):
            row = _upgrade_record(folder, records, dry_run)
            if row:
                rows.append(row)
    return rows


def _upgrade_record(folder: RunFolder, records: Path, dry_run: bool) -> dict[str, Any]:
    """The row of one record, after its `record.json` was written again; empty if it has the scores of this version."""
    reason = reason_for_refusal(folder, records)
    if reason:
        return {"record": folder.id, "made_by": None, "now": SCORER, "scores": "", "reason": reason}
    stored = schema.read_record_file(folder, RECORD)
    summary = stored["summary"]
    made_by = summary.get("scorer", FIRST_SCORER)
    if made_by == SCORER and not lacks_scores(summary, with_own=False):
        return {}
    scores = check_scores(folder).describe()
    if not dry_run:
        replace_file(
            folder.path / RECORD, record_text(_with_current_scores(stored, without_own(rescore_record(folder))))
        )
    return {"record": folder.id, "made_by": made_by, "now": SCORER, "scores": scores, "reason": ""}


def _with_current_scores(stored: Mapping[str, Any], rescored: Mapping[str, Any]) -> dict[str, Any]:
    """The content of `record.json` with this version's scores, its own kept beside them."""
    summary = stored["summary"]
    made_here = summary.get("scorer", FIRST_SCORER) == SCORER
    new = {**stored, "summary": add_lacking_scores(summary, rescored) if made_here else rescored}
    new["former"] = [*stored.get("former", ()), {"summary": summary, "sha256": stored["sha256"]}]
    return {**new, "sha256": own_hash(new)}
