"""Static files: what others wrote is what they published, and a name with a digest may be kept for ever."""

import hashlib
import tomllib
from pathlib import Path

import pytest

from tallygate.dashboard.statics import FOLDER, load_assets, serve_asset
from tallygate.errors import NotFound

VENDORED = tomllib.loads((FOLDER / "VENDORED.toml").read_text())
OWN = {"dashboard.css", "dashboard.js", "tally.svg"}


@pytest.mark.parametrize("name", VENDORED)
def test_what_others_wrote_is_as_they_published_it(name: str) -> None:
    assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == VENDORED[name]["sha256"]


def test_every_file_is_our_own_or_told_of() -> None:
    assert set(load_assets()) == OWN | VENDORED.keys()
    assert {path.name for path in FOLDER.glob("LICENSE.*")} == {"LICENSE.htmx.txt", "LICENSE.uPlot.txt"}


def test_an_asset_is_served_under_its_digest_alone(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    (tmp_path / "notes.txt").write_text("not served")
    assets = load_assets(tmp_path)
    assert set(assets) == {"a.js"}
    name = assets["a.js"].url.removeprefix("/dashboard/static/")
    reply = serve_asset(assets, name)
    assert (reply.status, reply.body, reply.content_type) == (200, b"1", "text/javascript; charset=utf-8")
    assert ("cache-control", "public, max-age=31536000, immutable") in reply.headers
    assert ("x-content-type-options", "nosniff") in reply.headers
    for wrong in ("a.js", "0000000000000000-a.js", f"{name}x", "-a.js", "notes.txt"):
        with pytest.raises(NotFound):
            serve_asset(assets, wrong)


def test_no_file_of_ours_names_another_place() -> None:
    for name in OWN - {"tally.svg"}:
        text = (FOLDER / name).read_text()
        assert "//" not in text.replace("// ", ""), name
