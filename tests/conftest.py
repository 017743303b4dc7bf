"""What every test may lean on: the event loop's back end and how hard Hypothesis tries.

Fixtures of one room live beside that room's tests.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.fixtures.databases"]

# No deadlines: a test machine is shared, and a slow example is not a wrong one.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", settings.get_profile("default"), max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


TOGETHER = frozenset({"contract", "faults", "money", "security"})
"""Rooms whose tests share running gateways and providers. Where several processes run tests, one of them runs all of a
room's, in their order: what one test leaves behind must not depend on how many processes there are.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what belongs together: a room, or else a file."""
    for item in items:
        room = item.path.relative_to(Path(__file__).parent).parts[0]
        item.add_marker(pytest.mark.xdist_group(room if room in TOGETHER else str(item.path)))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run tests marked ``anyio`` on asyncio, the loop the gateway runs on."""
    return "asyncio"
