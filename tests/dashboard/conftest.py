"""One gateway and one Chromium for all tests of the pages, and people who may sign in there."""

from collections.abc import Generator

import pytest

from tests.contract.gateway import Gateway, clean_env, start_gateway
from tests.dashboard.people import ADMIN_KEY, MODELS, PEOPLE, Admin, set_password
from tests.dashboard.visitor import Visitor


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Generator[Gateway]:
    """A gateway with test models, one of which costs something, and everybody of PEOPLE in its first workspace."""
    folder = tmp_path_factory.mktemp("window")
    config = folder / "tallygate.toml"
    config.write_text(MODELS)
    env = clean_env(folder, TALLYGATE_ADMIN_KEY=ADMIN_KEY, TALLYGATE_OPENING_CREDIT_USD="5.00")
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
