"""What the top settings accept by themselves."""

from pathlib import Path

import pytest

from tallygate.config import ConfigError, resolve
from tallygate.media.folder import read_media_url


def test_media_lie_in_the_data_folder_unless_said_otherwise(tmp_path: Path) -> None:
    data = tmp_path / "my data"
    settings = resolve(environ={}, flags={"data": data}, folder=tmp_path).settings
    assert read_media_url(settings.media_url) == data / "media"


@pytest.mark.parametrize("url", ["file:///srv/media", "file://localhost/srv/media", "file:///srv/my%20media"])
def test_media_may_lie_in_any_folder(tmp_path: Path, url: str) -> None:
    assert resolve(environ={"TALLYGATE_MEDIA_URL": url}, folder=tmp_path).settings.media_url == url


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/prefix",
        "/srv/media",
        "file://media",
        "file://host/media",
        "file:///a?b",
        "file:///a#b",
        "file:///%00",
    ],
)
def test_any_other_place_for_media_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match=r"begins with file:/// \(no other kind of store is known here\)"):
        resolve(environ={"TALLYGATE_MEDIA_URL": url}, folder=tmp_path)
