"""What a profile of Seatbelt says of an operation, read from its text alone.

A rule of the operation itself decides before one of a wider operation (`file-read-data`, `file-read*`, `file*`, `default`), and of the
rules of one operation the last that fits.
"""

import re

TOKEN = re.compile(r'\s*([()]|"(?:\\.|[^"\\])*"|[^\s()"]+)')
WIDER = {
    "file-read-data": "file-read*",
    "file-read-metadata": "file-read*",
    "file-read-xattr": "file-read*",
    "file-write-data": "file-write*",
    "file-write-create": "file-write*",
    "file-write-unlink": "file-write*",
    "file-read*": "file*",
    "file-write*": "file*",
    "file-map-executable": "file*",
    "file-ioctl": "file*",
    "file-link": "file*",
    "network-outbound": "network*",
    "network-bind": "network*",
    "network-inbound": "network*",
    "process-info-pidinfo": "process-info*",
    "ipc-posix-shm-write-create": "ipc-posix*",
    "ipc-posix-sem": "ipc-posix*",
    "ipc-sysv-shm": "ipc-sysv*",
}
OPERATIONS = {*WIDER, *WIDER.values(), "default", "signal", "mach-lookup", "lsopen", "sysctl-read"}


def read_rules(profile):
    """The rules of a profile as nested lists, of which strings are marked by a quote before them."""
    stack = [[]]
    position = 0
    while profile[position:].strip():
        found = TOKEN.match(profile, position)
        if found is None:
            raise ValueError(f"no token at {profile[position : position + 20]!r}")
        position = found.end()
        token = found[1]
        if token == "(":
            stack.append([])
        elif token == ")":
            ended = stack.pop()
            stack[-1].append(ended)
        elif token.startswith('"'):
            stack[-1].append('"' + re.sub(r"\\(.)", r"\1", token[1:-1]))
        else:
            stack[-1].append(token)
    if len(stack) != 1:
        raise ValueError("a bracket is missing")
    version, *rules = stack[0]
    if version != ["version", "1"]:
        raise ValueError("it does not begin with its version")
    for effect, *rest in rules:
        operations = [part for part in rest if isinstance(part, str)]
        unknown = set(operations) - OPERATIONS
        if effect not in ("allow", "deny") or unknown or not operations:
            raise ValueError(f"unbound variable: {unknown or effect}")
    return rules


def fits(filters, subject):
    """Whether one of a rule's filters fits a subject: a path, a name, or the target of a signal."""
    for kind, argument in filters:
        value = argument.removeprefix('"')
        if kind == "literal" and subject == value:
            return True
        if kind == "subpath" and (subject == value or subject.startswith(f"{value}/")):
            return True
        if kind in ("global-name", "target") and subject == value:
            return True
        if kind == "ipc-posix-name-prefix" and subject.startswith(value):
            return True
    return not filters


def allows(rules, operation, subject):
    """Whether the rules allow an operation on a subject."""
    asked = operation
    while asked is not None:
        for effect, *rest in reversed(rules):
            operations = [part for part in rest if isinstance(part, str)]
            filters = [part for part in rest if isinstance(part, list)]
            if asked in operations and fits(filters, subject):
                return effect == "allow"
        asked = WIDER.get(asked, None if asked == "default" else "default")
    raise ValueError(f"no rule decides {operation}")


def allows_in_order(rules, operation, subject):
    """The same, as if the last rule of all that fits decided, however wide its operation is."""
    names = {"default"}
    asked = operation
    while asked is not None:
        names.add(asked)
        asked = WIDER.get(asked)
    for effect, *rest in reversed(rules):
        operations = {part for part in rest if isinstance(part, str)}
        filters = [part for part in rest if isinstance(part, list)]
        if operations & names and fits(filters, subject):
            return effect == "allow"
    raise ValueError(f"no rule decides {operation}")
