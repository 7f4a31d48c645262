"""A dataset looked at before anything is run on it: what it holds, whether this copy is sound, and what it looks like."""

from mebench.inspection.annotation_checks import Finding
from mebench.inspection.summary import Summary, check_needs, open_members, summarise, together
from mebench.inspection.verify import Verification, verify

__all__ = ["Finding", "Summary", "Verification", "check_needs", "open_members", "summarise", "together", "verify"]
