"""Weights from files that lie here."""

from __future__ import annotations

import hashlib

import pytest

import tour
from tour.utils.model_zoo import load_url
from tour.utils.safetensors import save_file

WEIGHTS = {"weight": tour.arange(6.0).reshape(2, 3)}


def test_paths_and_addresses_of_files(tmp_path):
    path = tmp_path / "my net.pt"
    tour.save(WEIGHTS, path)
    for given in (path, str(path), path.as_uri()):
        assert tour.equal(load_url(given)["weight"], WEIGHTS["weight"])
    save_file(WEIGHTS, tmp_path / "net.safetensors")
    assert tour.equal(load_url(tmp_path / "net.safetensors", map_location="cpu")["weight"], WEIGHTS["weight"])
    with pytest.raises(FileNotFoundError, match=r"no file .*none\.pt"):
        load_url(tmp_path / "none.pt")


def test_files_that_were_downloaded_before(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    url = "https://example.org/a/net.pt"
    with pytest.raises(FileNotFoundError, match="downloads nothing"):
        load_url(url)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    tour.save(WEIGHTS, folder / "net.pt")
    assert tour.equal(load_url(url)["weight"], WEIGHTS["weight"])
    (folder / "net.pt").rename(folder / "other.pt")
    assert tour.equal(load_url(url, file_name="other.pt")["weight"], WEIGHTS["weight"])
    monkeypatch.delenv("TORCH_HOME")
    assert tour.equal(load_url(url, model_dir=folder, file_name="other.pt")["weight"], WEIGHTS["weight"])


def test_a_hash_in_the_name_is_compared(tmp_path):
    tour.save(WEIGHTS, tmp_path / "net.pt")
    digits = hashlib.sha256((tmp_path / "net.pt").read_bytes()).hexdigest()[:8]
    good = (tmp_path / "net.pt").rename(tmp_path / f"net-{digits}.pt")
    assert load_url(good, check_hash=True).keys() == WEIGHTS.keys()
    bad = good.rename(tmp_path / "net-00000000.pt")
    with pytest.raises(RuntimeError, match=digits):
        load_url(bad, check_hash=True)
    plain = bad.rename(tmp_path / "net.pt")
    with pytest.raises(RuntimeError, match="no digits"):
        load_url(plain, check_hash=True)
