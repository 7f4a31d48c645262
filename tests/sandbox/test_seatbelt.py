"""The sandbox of macOS without a Mac: what a profile says, and what follows from each outcome of a trial."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, strategies as st

from mebench.errors import RunError
from mebench.sandbox.grant import Grant
from mebench.sandbox.seatbelt import SERVICES, SeatbeltTrial, profile_of, read_trial, write_trial
from tests.helpers.other_system.seatbelt_rules import allows, allows_in_order, read_rules

FAKE = Path(__file__).parent.parent / "helpers" / "other_system"
NAMES = st.text(
    st.characters(min_codepoint=32, exclude_characters="/\x7f", exclude_categories=("Cs", "Cc")), min_size=1, max_size=8
).filter(lambda name: name not in (".", ".."))


def answers(profile, operation, subject):
    """What the rules say, whether a wider rule that comes later counts or not."""
    rules = read_rules(profile)
    said = {allows(rules, operation, subject), allows_in_order(rules, operation, subject)}
    assert len(said) == 1, f"it depends on the order of rules: {operation} {subject}"
    return said.pop()


@pytest.fixture
def places(tmp_path):
    """Folders and files, of which a grant opens some."""
    home = Path(os.path.realpath(tmp_path))
    for name in ("python", "methods/mine", "runs/earlier", "scratch"):
        (home / name).mkdir(parents=True)
    for name in ("python/io.py", "methods/mine/method.py", "weights.bin", "runs/earlier/truth.parquet"):
        (home / name).write_bytes(b"")
    return home


@pytest.fixture
def profile(places):
    read = (places / "python", places / "methods/mine", places / "weights.bin", places / "missing")
    return profile_of(Grant(read, (places / "scratch",)))


@pytest.mark.parametrize(
    ("operation", "place", "is_allowed"),
    [
        ("file-read-data", "python/io.py", True),
        ("file-map-executable", "python/io.py", True),
        ("file-read-data", "methods/mine/method.py", True),
        ("file-read-data", "weights.bin", True),
        ("file-read-data", "weights.bin/below", False),
        ("file-read-data", "weights.bin2", False),
        ("file-read-data", "methods", False),
        ("file-read-metadata", "methods", True),
        ("file-read-metadata", "methods/other", False),
        ("file-read-metadata", "runs", False),
        ("file-read-data", "runs/earlier/truth.parquet", False),
        ("file-read-metadata", "runs/earlier/truth.parquet", False),
        ("file-link", "runs/earlier/truth.parquet", False),
        ("file-write-data", "runs/earlier/truth.parquet", False),
        ("file-write-create", "methods/mine/notes", False),
        ("file-write-data", "weights.bin", False),
        ("file-write-create", "scratch/notes", True),
        ("file-read-data", "scratch/notes", True),
        ("file-read-data", "scratches", False),
        ("file-read-data", "missing", False),
    ],
)
def test_profile_of_grant_opens_granted_places_alone(profile, places, operation, place, is_allowed):
    assert answers(profile, operation, str(places / place)) is is_allowed


@pytest.mark.parametrize(
    ("operation", "subject", "is_allowed"),
    [
        ("network-outbound", "('127.0.0.1', 80)", False),
        ("network-bind", "/tmp/socket", False),
        ("signal", "same-sandbox", True),
        ("signal", "others", False),
        ("process-info-pidinfo", "others", False),
        ("process-info-pidinfo", "same-sandbox", True),
        ("lsopen", "", False),
        ("mach-lookup", "com.apple.coreservices.launchservicesd", False),
        ("mach-lookup", "com.apple.pasteboard.1", False),
        ("mach-lookup", SERVICES[0], True),
        ("ipc-posix-sem", "/psm_1", False),
        ("ipc-posix-shm-write-create", "/__KMP_REGISTERED_LIB_1", True),
        ("ipc-sysv-shm", "", False),
        ("file-write-data", "/dev/null", True),
        ("file-read-data", "/dev/urandom", True),
        ("file-read-data", "/", True),
        ("file-read-data", "/Users", False),
        ("sysctl-read", "hw.ncpu", True),
    ],
)
def test_profile_of_grant_closes_other_ways(profile, operation, subject, is_allowed):
    assert answers(profile, operation, subject) is is_allowed


def test_profile_of_grant_without_writing_grants_none(places):
    profile = profile_of(Grant((places / "python",)))
    assert not answers(profile, "file-write-create", str(places / "scratch" / "notes"))
    assert not answers(profile, "file-write-create", "/anywhere")


def test_profile_of_grant_opens_links_and_what_they_lead_to(places):
    (places / "linked").symlink_to(places / "runs")
    profile = profile_of(Grant((places / "linked",)))
    assert answers(profile, "file-read-metadata", str(places / "linked"))
    assert answers(profile, "file-read-data", str(places / "runs" / "earlier"))


def test_profile_of_grant_lets_listed_folders_be_listed(places):
    profile = profile_of(Grant((places / "methods/mine",)), [places / "methods"])
    assert answers(profile, "file-read-data", str(places / "methods"))
    assert not answers(profile, "file-read-data", str(places / "methods/other"))


def test_trial_comes_back_from_its_text():
    grant = Grant((Path("/python"), Path("/a \udcff")), (Path("/scratch"),), modules=(Path("/mine"),), seatbelt=True)
    trial = SeatbeltTrial(grant, Path("/kept/secret"), (("the working folder", Path("/work")),), 80, 7)
    assert read_trial(write_trial(trial)) == trial


def test_profile_of_grant_refuses_control_characters(tmp_path):
    (tmp_path / "two\nlines").mkdir()
    with pytest.raises(RunError, match="control character"):
        profile_of(Grant((tmp_path / "two\nlines",)))


@given(st.lists(st.lists(NAMES, min_size=1, max_size=3), min_size=2, max_size=5), st.data())
def test_profile_of_drawn_grants_opens_them_and_nothing_else(drawn, data):
    """Whatever signs are in names: quotes, backslashes, brackets, letters of other scripts."""
    with TemporaryDirectory() as name:
        root = Path(os.path.realpath(name))
        folders = []
        for names in drawn:
            folder = root.joinpath(*names)
            folder.mkdir(parents=True, exist_ok=True)
            folders.append(folder)
        read = data.draw(st.lists(st.sampled_from(folders), max_size=2))
        write = data.draw(st.lists(st.sampled_from(folders), max_size=1))
        profile = profile_of(Grant(tuple(read), tuple(write)))
        for folder in folders:
            file = folder / 'a "file"'
            may_write = any(file.is_relative_to(place) for place in write)
            may_read = may_write or any(file.is_relative_to(place) for place in read)
            leads_to_one = any(place.is_relative_to(folder) for place in (*read, *write))
            assert answers(profile, "file-read-data", str(file)) is may_read
            assert answers(profile, "file-write-create", str(file)) is may_write
            assert answers(profile, "file-read-metadata", str(folder)) is (may_read or leads_to_one)


TRIED = """
import json
import os
from pathlib import Path
from mebench.sandbox import confinement, seatbelt
from mebench.runs.access_text import describe_isolation

def describe(isolation):
    by = {"by": isolation.by} if isolation.by else {}
    return describe_isolation({"lacks": isolation.lacks, "view": False, "reason": isolation.reason, **by})

found = {}
patience = seatbelt.TRIAL_SECONDS
for kind in KINDS:
    os.environ["FAKED_SEATBELT"] = kind
    seatbelt.TRIAL_SECONDS = 2 if kind == "hangs" else patience
    own_grant = confinement.grant_access((), [Path.cwd() / kind])  # each grant is tried once
    isolation = confinement.find_isolation(own_grant)
    found[kind] = isolation, describe(isolation)
print(json.dumps(found))
"""
REFUSALS = {
    "refuses": "Seatbelt cannot isolate a method: sandbox_init refuses the profile: unbound variable: lsopen",
    "crashes": "its trial broke off (exit code -11)",
    "hangs": "its trial took longer than 2 seconds",
    "lets file-read-data": "a fold could read a file outside the grants in it",
    "lets file-read-metadata": "a fold could ask a file outside the grants for its size in it",
    "lets file-link": "a fold could link a file outside the grants in it",
    "lets file-write-create": "a fold could write a file outside the grants in it",
    "lets network-outbound": "a fold could reach the network in it",
    "lets signal": "a fold could signal another process in it",
    "lets privileges": "a fold could gain privileges in it",
    "starves": "a fold could not work in it (PermissionError: Operation not permitted",
}
"""What `sandbox_init` does, and how the reason begins for which it isolates nothing."""
NOT_ISOLATED = "not isolated from files, processes, network, privileges"


@pytest.fixture
def mac_home():
    """An empty folder where a Mac may have one: `tmp_path` may lie in `/dev/shm`, which no Mac has."""
    with TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture(scope="module")
def tried():
    """What is found on a Mac, and what the row says, for each way in which `sandbox_init` may behave. One process tries all."""
    with TemporaryDirectory() as home:
        return try_kinds(["holds", *REFUSALS], home)


def try_kinds(kinds, home):
    """What is found on a Mac whose `sandbox_init` behaves in each of some ways, and what the row says."""
    return json.loads(on_a_mac(kinds[0], home, f"KINDS = {kinds!r}\n{TRIED}"))


def on_a_mac(kind, folder, program):
    """What a program prints on a Mac whose `sandbox_init` behaves in some way."""
    faked = {"PYTHONPATH": str(FAKE), "FAKED_SYSTEM": "darwin", "FAKED_SEATBELT": kind, "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", **faked},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.processes
def test_find_isolation_names_seatbelt_where_its_trial_holds(tried):
    (by, lacks, reason), said = tried["holds"]
    assert (by, lacks, reason) == ("Seatbelt", [], "")
    assert said == (
        "isolated from the content of files, from processes and the network by Seatbelt, but could see whether files exist, and how "
        "other programs were started"
    )


@pytest.mark.processes
@pytest.mark.parametrize("kind", REFUSALS)
def test_find_isolation_says_why_seatbelt_does_not_isolate(tried, kind):
    (by, lacks, reason), said = tried[kind]
    assert (by, lacks) == ("", ["files", "processes", "network", "privileges"])
    assert reason.startswith(REFUSALS[kind])
    assert said.startswith(f"{NOT_ISOLATED} (Seatbelt: {REFUSALS[kind]}")


@pytest.mark.processes
def test_find_isolation_names_no_seatbelt_where_none_is(mac_home):
    (by, lacks, reason), said = try_kinds([""], mac_home)[""]
    assert (by, lacks, reason) == (
        "",
        ["files", "processes", "network", "privileges"],
        "this system has no sandbox_init",
    )
    assert said == f"{NOT_ISOLATED} (Seatbelt: this system has no sandbox_init)"


@pytest.mark.processes
def test_make_plan_isolates_no_gpu_by_seatbelt(mac_home):
    """Nobody tried it: such runs go on as they did, without a trial."""
    program = (
        "from mebench.config import resolve\nfrom mebench.runner import make_plan\n"
        "words = ['method=random', 'dataset=synthetic', 'dataset.subjects=2', 'dataset.videos=1', 'cache=cache']\n"
        "plan = make_plan(resolve([*words, 'accelerator=mps']))\n"
        "print(plan.access.isolation.reason, plan.grant.seatbelt, len(plan.grant.lacks))"
    )
    done = on_a_mac("crashes", mac_home, program)
    assert done == "nobody tried Seatbelt with a GPU or with Dask False 4\n"
