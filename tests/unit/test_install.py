"""`make run` and `make test` install by requirements/install.py: what it asks uv and pip for."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def install():
    spec = importlib.util.spec_from_file_location("install", ROOT / "requirements" / "install.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_uv_takes_the_build_of_torch_that_fits_the_machine(install):
    asked = install.torch_options({}, {}, "linux")

    assert asked[-2:] == ["--torch-backend", "auto"]
    assert install.torch_options({"TORCH_BACKEND": "cpu"}, {}, "linux")[-1] == "cpu"
    assert "--torch-backend" not in install.torch_options({}, {}, "darwin")


def test_an_index_that_is_named_goes_before_what_was_found(install):
    asked = install.torch_options({"TORCH_INDEX": "https://lab/torch"}, {}, "linux")

    assert asked[-4:-2] == ["--index", "https://lab/torch"]
    assert "--torch-backend" not in asked


def test_whoever_told_pip_of_a_mirror_gets_torch_from_there(install):
    told = {"index-url": "https://lab/simple"}

    assert "--torch-backend" not in install.torch_options({}, told, "linux")


def test_pip_takes_torch_from_its_index_and_from_one_that_is_named(install):
    assert install.pip_torch_options({})[-1].endswith("torch.txt")
    assert install.pip_torch_options({"TORCH_INDEX": "https://lab/torch"})[-2:] == [
        "--extra-index-url",
        "https://lab/torch",
    ]


def test_uv_is_told_what_pip_was_told(install, monkeypatch):
    monkeypatch.delenv("UV_FIND_LINKS", raising=False)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://mine")
    told = {"index-url": "https://lab/simple", "find-links": "/a /b"}

    assert install.uv_settings(told) == {"UV_FIND_LINKS": "/a,/b"}  # its own index stays


def test_settings_of_pip_are_read_from_its_files_and_environment(install, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels")

    assert install.pip_settings()["find-links"] == "/wheels"


@pytest.mark.parametrize("version", [(3, 10, 9), (3, 15, 0)])
def test_other_pythons_are_refused_with_a_sentence(install, monkeypatch, capsys, version):
    monkeypatch.setattr(install.sys, "version_info", version)

    assert install.main("run") == 1
    said = capsys.readouterr().err
    assert "runs on Python 3.11 to 3.14" in said
    assert "make PYTHON=" in said
