"""`mebench doctor`: print what was found."""

from collections.abc import Sequence

from mebench import console, doctor


def doctor_command(plugins: Sequence[str], json: str | None) -> int:
    """Print the findings and return the exit code: 1 if something required is missing, else 0."""
    findings = doctor.examine(plugins)
    report = doctor.as_json(findings)
    if json is not None:
        console.write_json(report, json)
    if json != "-":
        rows = [
            (f.name, f.topic, f.state, f.detail if f.state == "ok" or not f.remedy else f"{f.detail}: {f.remedy}")
            for f in findings
        ]
        console.print_table(("name", "what", "state", "detail"), rows)
    return 0 if report["ok"] else 1
