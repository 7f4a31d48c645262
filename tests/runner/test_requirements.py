"""What a dry run refuses before a run would: folders, a GPU, files of weights."""

import pytest
import torch

from mebench.config import resolve
from mebench.errors import ConfigError, DataError
from mebench.runner.execute import worker_pool
from mebench.runner.requirements import check_requirements


@pytest.fixture
def words(tmp_path):
    return ["method=ststnet", "dataset=synthetic", f"runs={tmp_path / 'runs'}", f"cache={tmp_path / 'cache'}"]


def test_check_requirements_leaves_nothing_behind(words, tmp_path):
    check_requirements(resolve(words))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["runs", "cache"])
def test_check_requirements_refuses_folder_below_a_file(words, tmp_path, key):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=f"{key}=.*file/below cannot be written: .*name another folder with {key}=DIR"):
        check_requirements(resolve([*words, f"{key}={tmp_path / 'file' / 'below'}"]))


@pytest.mark.parametrize("key", ["runs", "cache"])
def test_worker_pool_refuses_places_that_a_dry_run_refuses(words, tmp_path, key):
    """Before a plan is made, and with the same sentence."""
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(DataError, match=f"{key}=.* cannot be written"),
        worker_pool(resolve([*words, f"{key}={tmp_path / 'file' / 'below'}"])),
    ):
        pass


@pytest.mark.skipif(torch.cuda.is_available() or torch.backends.mps.is_available(), reason="this machine has a GPU")
def test_check_requirements_refuses_missing_gpu(words):
    with pytest.raises(ConfigError, match="needs a GPU"):
        check_requirements(resolve([*words, "accelerator=gpu"]))


def test_check_requirements_reads_weights(words, tmp_path):
    with pytest.raises(ConfigError, match="nowhere does not exist: name the file, or the folder, of the weights"):
        check_requirements(resolve([*words, f"method.weights={tmp_path / 'nowhere'}"]))
    folder = tmp_path / "weights"
    folder.mkdir()
    torch.save({"layer.weight": torch.zeros(2)}, folder / "s01.pth")
    check_requirements(resolve([*words, f"method.weights={folder}"]))
    (folder / "s02.pth").write_bytes(b"no weights")
    with pytest.raises(DataError, match=r"the weights .*s02\.pth cannot be read"):
        check_requirements(resolve([*words, f"method.weights={folder}"]))
