"""From the URIs of an editor to places on disk, and back."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codecontext.lsp.folders import Folders, path_of

SHOP = ("file:///srv/ann/shop", "shop")
API = ("file:///srv/ann/shop/api", "api")
NAMES = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="/\0"), min_size=1).filter(
    lambda name: name not in (".", "..")
)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///srv/ann/a.py", "/srv/ann/a.py"),
        ("file:///srv/ann/my%20shop/", "/srv/ann/my shop"),
        ("file:///srv/ann/caf%C3%A9", "/srv/ann/café"),
        ("file:///srv/ann/café", "/srv/ann/café"),
        ("file:///srv/ann/100%25", "/srv/ann/100%"),
        ("file:///srv/ann/c%23/a%3Fb", "/srv/ann/c#/a?b"),
        ("file:///srv/ann/../bob/./a.py", "/srv/bob/a.py"),
        ("file:///srv//ann", "/srv/ann"),
        ("file:////srv/ann", "/srv/ann"),
        ("file://localhost/srv/ann", "/srv/ann"),
        ("FILE://LOCALHOST/srv/%61nn", "/srv/ann"),
        ("file:/srv/ann", "/srv/ann"),
        ("file:///srv/ann%2Fshop", "/srv/ann/shop"),
        ("file:///srv/caf%c3%a9", "/srv/café"),
        ("file:///srv/%zz", "/srv/%zz"),
    ],
)
def test_a_place_on_disk(uri: str, path: str) -> None:
    assert path_of(uri) == Path(path)


@pytest.mark.parametrize(
    "uri",
    [
        "untitled:Untitled-1",
        "vscode-remote://ssh/srv/ann",
        "git:/srv/ann/a.py?ref=HEAD",
        "/srv/ann/a.py",
        "a.py",
        "",
        "file:",
        "file://",
        "file:///srv/%00",
        "file://[broken/a.py",
        "file://server/share/a.py",
        "file://localhost",
    ],
)
def test_no_place_on_disk(uri: str) -> None:
    assert path_of(uri) is None


@given(st.lists(NAMES, min_size=1, max_size=3))
def test_every_path_survives_the_way_there_and_back(names: list[str]) -> None:
    (folder,) = Folders([SHOP])
    uri = folder.uri_of("/".join(names))
    assert path_of(uri) == folder.path.joinpath(*names)
    assert Folders([SHOP]).holding(folder.path.joinpath(*names)) == (folder, "/".join(names))


def test_a_file_belongs_to_the_innermost_folder() -> None:
    folders = Folders([SHOP, API])
    shop, api = folders
    assert folders.holding(Path("/srv/ann/shop/api/routes/a.py")) == (api, "routes/a.py")
    assert folders.holding(Path("/srv/ann/shop/apis/a.py")) == (shop, "apis/a.py")
    assert folders.holding(Path("/srv/ann/shop")) == (shop, ".")
    assert folders.holding(Path("/srv/ann/shopping/a.py")) is None


def test_one_place_is_one_folder_however_it_is_spelled() -> None:
    folders = Folders([SHOP, ("file:///srv/ann/shop/", "again"), ("file:///srv/bob/../ann/sh%6Fp", "")])
    assert [(folder.uri, folder.name) for folder in folders] == [SHOP]
    assert len(folders) == 1


def test_a_folder_is_found_by_its_key_and_by_any_spelling_of_its_uri() -> None:
    folders = Folders([("file:///srv/ann/my%20shop", "")])
    (folder,) = folders
    assert folder.name == "my shop"
    assert folders.by_key(folder.key) is folder
    for uri in (folder.uri, unquote(folder.uri), folder.uri + "/"):
        assert folders.by_uri(uri) is folder
    assert folders.by_uri("file:///srv/ann") is None
    assert folders.by_uri("untitled:1") is None
    assert folders.by_key("") is None


def test_folders_elsewhere_are_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        folders = Folders([("vscode-vfs://github/ann/shop", "shop"), SHOP])
    assert [folder.uri for folder in folders] == [SHOP[0]]
    assert "vscode-vfs://github/ann/shop is not on this machine" in caplog.text


@pytest.mark.skipif(os.name != "posix", reason="names of POSIX are bytes")
def test_a_name_that_is_no_text_survives_the_way_there_and_back() -> None:
    (folder,) = Folders([SHOP])
    path = path_of(folder.uri + "/caf%E9.py")
    assert path is not None
    assert os.fsencode(path) == b"/srv/ann/shop/caf\xe9.py"
    assert folder.uri_of(folder.relative(path)) == folder.uri + "/caf%E9.py"


def test_a_folder_and_a_link_to_it_are_one_place_of_two_names(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    folders = Folders([(link.as_uri(), "link"), (real.as_uri(), "real")])
    assert [folder.name for folder in folders] == ["link", "real"]
    assert [folder.name for folder in folders.places()] == ["link"]
    assert {folder.key for folder in folders} == {str(real)}
    for path, name in ((link, "link"), (real, "real")):
        held = folders.holding(path / "a.py")
        assert held is not None
        assert (held[0].name, held[1]) == (name, "a.py")
