"""The files beside the pages: style sheets, scripts, a picture. Each is served under a name that holds its digest, so
that a browser may keep it for ever.

They are read once, at the first page. Nothing is fetched from elsewhere: what others wrote lies here as it was
published, see static/VENDORED.toml.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from tallygate.api.door import Reply
from tallygate.dashboard.house import GUARDED
from tallygate.dashboard.urls import ROOT
from tallygate.errors import NotFound

FOLDER: Final = Path(__file__).parent / "static"
TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
DIGEST_SYMBOLS: Final = 16
_FOR_GOOD: Final = ("cache-control", "public, max-age=31536000, immutable")


class Asset(Struct, frozen=True):
    """One file: its bytes, what they are, and where they are served."""

    data: bytes
    content_type: str
    url: str


def load_assets(folder: Path = FOLDER) -> dict[str, Asset]:
    """Every file that is served, by its own name."""
    found: dict[str, Asset] = {}
    for path in sorted(folder.iterdir()):
        if content_type := TYPES.get(path.suffix):
            data = path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()[:DIGEST_SYMBOLS]
            found[path.name] = Asset(data, content_type, f"{ROOT}/static/{digest}-{path.name}")
    return found


def serve_asset(assets: Mapping[str, Asset], name: str) -> Reply:
    """The file of a name with its digest. Raises NotFound, also for a digest of other times."""
    digest, _, plain = name.partition("-")
    asset = assets.get(plain)
    if asset is None or asset.url != f"{ROOT}/static/{digest}-{plain}":
        raise NotFound("There is no such file.")
    return Reply(200, asset.data, (*GUARDED, _FOR_GOOD), asset.content_type)
