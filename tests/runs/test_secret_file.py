"""A secret is for one user's eyes."""

import os
import stat

import pytest

from mebench.runs.secret_file import read_secret, user_folder

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")


def modes_of(file):
    return [stat.S_IMODE(place.stat().st_mode) for place in (file, file.parent)]


def test_read_secret_makes_one_for_this_user_alone(tmp_path, capsys):
    file = tmp_path / "mine" / "runs.secret"
    before = os.umask(0)
    try:
        secret = read_secret(file)
    finally:
        os.umask(before)
    assert modes_of(file) == [0o600, 0o700]
    assert len(bytes.fromhex(secret)) == 32
    assert read_secret(file) == secret
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("mode", "of_folder"), [(0o644, 0o700), (0o600, 0o755), (0o640, 0o700)])
def test_read_secret_replaces_a_readable_one_and_says_so(tmp_path, capsys, mode, of_folder):
    file = tmp_path / "mine" / "names.secret"
    file.parent.mkdir()
    file.write_text("a" * 64)
    file.chmod(mode)
    file.parent.chmod(of_folder)
    secret = read_secret(file)
    assert secret != "a" * 64
    assert modes_of(file) == [0o600, 0o700]
    assert f"others could read {file}" in capsys.readouterr().err
    assert read_secret(file) == secret


def test_user_folder_is_of_one_user(tmp_path):
    assert user_folder(tmp_path).name == f"secrets-{os.getuid()}"
