"""The way out is tried on both event loops: the gateway runs on uvloop where there is one, else on Python's own."""

import pytest


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Each test of this room on each loop."""
    return "asyncio", {"use_uvloop": request.param}
