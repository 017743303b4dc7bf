"""One gateway and one Chromium for all tests of the pages, and people who may sign in there."""

import shutil
from collections.abc import Callable, Generator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.contract.gateway import Gateway, clean_env, start_gateway
from tests.dashboard.people import ADMIN_KEY, MODELS, PEOPLE, Admin, set_password
from tests.dashboard.visitor import Visitor
from tests.dashboard.watched import Watched


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Generator[Gateway]:
    """A gateway with test models, one of which costs something, and everybody of PEOPLE in its first workspace."""
    folder = tmp_path_factory.mktemp("window")
    config = folder / "tallygate.toml"
    config.write_text(MODELS)
    env = clean_env(
        folder,
        TALLYGATE_ADMIN_KEY=ADMIN_KEY,
        TALLYGATE_OPENING_CREDIT_USD="5.00",
        TALLYGATE_ROUTER__CIRCUITS="true",
    )
    with start_gateway(env, "--config", str(config), "--demo") as running:
        admin = Admin(running)
        for name, role in PEOPLE.items():
            if name != "owner":
                admin.post("/v1/admin/users", {"workspace": "default", "name": name, "role": role})
            set_password(env, name)
        yield running


@pytest.fixture
def admin(gateway: Gateway) -> Admin:
    """The admin API of the gateway."""
    return Admin(gateway)


@pytest.fixture
def visitor(gateway: Gateway) -> Visitor:
    """Somebody new."""
    return Visitor(gateway)


@pytest.fixture
def operator(gateway: Gateway) -> Visitor:
    """Somebody who has signed in with the admin key."""
    visitor = Visitor(gateway)
    assert visitor.sign_in_as_admin(ADMIN_KEY).status == 303
    visitor.get("/dashboard")
    return visitor


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """The system's Chromium, without a window. It goes with its file: while it runs, no other event loop can."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    assert found, "Chromium is missing: scripts/ensure-chromium installs it"
    # The sandbox needs rights that a test machine's container often has not; the pages are our own.
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield running
        running.close()


Open = Callable[..., Watched]


@pytest.fixture
def open_page(browser: Browser, gateway: Gateway) -> Generator[Open]:
    """Opens watched pages; what they have noted is judged at the end of the test."""
    opened: list[Watched] = []

    def open_one(*args: Any, **options: Any) -> Watched:
        opened.append(Watched(browser, f"http://127.0.0.1:{gateway.port}", *args, **options))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()
