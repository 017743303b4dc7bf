"""More than sixty texts that would run as programs, in every field that a page shows: they stay texts.

Each page is opened in Chromium. A dialog, an error, a breach of the Content-Security-Policy or a request to elsewhere
fails the test, and so does any element or attribute that came of a text.
"""

import json
from collections.abc import Generator
from urllib.parse import quote

import pytest
from playwright.sync_api import Page

from tests.contract.gateway import Gateway, clean_env, start_gateway
from tests.dashboard.conftest import Open
from tests.dashboard.payloads import PAYLOADS
from tests.dashboard.people import ADMIN_KEY, Admin
from tests.dashboard.visitor import Visitor
from tests.dashboard.watched import Watched

STRANGE = """[...document.querySelectorAll('*')].filter((one) => !one.closest('.uplot')).filter((one) =>
    [...one.attributes].some((name) => name.name.startsWith('on')
      || name.name === 'style' || /evil/.test(name.name)
      || (/^(src|href|action|data|formaction|hx-(get|post))$/.test(name.name) && !name.value.startsWith('/dashboard')
          && name.value !== '#main'))
    || /^(iframe|object|embed|svg|math|video|audio|base|style|marquee|template|x)$/i.test(one.localName)
    || (one.localName === 'script' && !one.src)
    || (one.localName === 'img' && !one.getAttribute('src').startsWith('/dashboard/static/'))
  ).map((one) => one.outerHTML)"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Generator[Gateway]:
    """A gateway in which models, workspaces, users, keys and movements bear these names."""
    folder = tmp_path_factory.mktemp("payloads")
    models = "".join(f'[models.{json.dumps(name)}]\ntargets = ["mock/echo"]\nprice = "free"\n' for name in PAYLOADS)
    config = folder / "tallygate.toml"
    config.write_text(models, encoding="utf-8")
    env = clean_env(folder, TALLYGATE_ADMIN_KEY=ADMIN_KEY)
    with start_gateway(env, "--config", str(config), "--demo") as running:
        fill(running)
        yield running


def fill(gateway: Gateway) -> None:
    """One of everything for each text, and a call of each model with each key by each user."""
    admin = Admin(gateway)
    for place, text in enumerate(PAYLOADS):
        admin.post("/v1/admin/workspaces", {"name": text})
        admin.post("/v1/admin/users", {"workspace": "default", "name": text})
        key = admin.post("/v1/admin/keys", {"workspace": "default", "user": text, "name": text, "models": [text]})
        movement = text.replace(" ", "_").replace("/", "|")  # an id holds neither
        if movement.isascii():
            admin.post("/v1/admin/credit", {"workspace": "default", "usd": "0.01", "id": f"{place}{movement}"})
        sent = [("Content-Type", "application/json"), ("User-Agent", text.encode("ascii", "replace").decode())]
        body = json.dumps({"model": text, "messages": [{"role": "user", "content": text}]}).encode()
        assert gateway.ask("POST", "/v1/chat/completions", body, sent, key=key["key"]).status == 200


@pytest.fixture
def watched(open_page: Open) -> Watched:
    """Somebody who sees everything."""
    opened = open_page()
    opened.sign_in()
    return opened


def look(page: Page, path: str) -> None:
    """Open a page, and see that nothing came of any text."""
    page.goto(path, wait_until="domcontentloaded")
    assert page.evaluate(STRANGE) == [], path
    assert page.evaluate("window.pwned") is None, path


@pytest.mark.parametrize(
    "path", ["", "/keys", "/keys/new", "/users", "/workspaces", "/calls", "/usage", "/models", "/money", "/health"]
)
def test_lists_show_texts(watched: Watched, path: str) -> None:
    look(watched.page, f"/dashboard{path}")


def test_the_second_page_of_calls_shows_texts_too(watched: Watched) -> None:
    look(watched.page, "/dashboard/calls")
    watched.page.get_by_role("link", name="Older").click()
    watched.page.get_by_role("link", name="Newest").wait_for()
    assert watched.page.evaluate(STRANGE) == []


@pytest.mark.parametrize("path", ["keys", "users", "calls"])
def test_pages_of_one_thing_show_its_texts(watched: Watched, path: str) -> None:
    page = watched.page
    page.goto(f"/dashboard/{path}")
    links = page.evaluate("[...document.querySelectorAll('tbody a')].map((one) => one.getAttribute('href'))")
    assert len(links) >= 50
    for link in links:
        look(page, link)


def test_what_was_asked_for_is_shown_as_a_text(watched: Watched) -> None:
    for text in PAYLOADS:
        look(watched.page, f"/dashboard/models?q={quote(text, safe='')}")
        assert watched.page.get_by_label("Name has").input_value() == text


def test_a_text_is_seen_as_it_is(watched: Watched) -> None:
    watched.page.goto("/dashboard/models")
    shown = watched.page.locator("main").inner_text()
    assert [text for text in PAYLOADS if " ".join(text.split()) not in " ".join(shown.split())] == []


def test_refusals_show_texts(open_page: Open, gateway: Gateway) -> None:
    watched = open_page()
    watched.expected.append("error: Failed to load resource")
    page = watched.page
    for text in PAYLOADS[::8]:
        page.goto("/dashboard/sign-in")
        page.get_by_label("Workspace").fill(text)
        page.get_by_label("User").fill(text)
        page.get_by_label("Password").fill("wrong password!")
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.get_by_role("alert").wait_for()
        assert page.evaluate(STRANGE) == []
        assert page.get_by_label("User").input_value() == text
    watched.sign_in()
    for text in PAYLOADS[::8]:
        page.goto("/dashboard/workspaces")
        page.get_by_label("New workspace").fill(text)
        page.get_by_role("button", name="Create").click()
        assert "already" in page.get_by_role("alert").inner_text()
        assert page.evaluate(STRANGE) == []


def test_the_export_is_safe_in_a_spreadsheet(gateway: Gateway) -> None:
    visitor = Visitor(gateway)
    visitor.sign_in_as_admin(ADMIN_KEY)
    lines = visitor.get("/dashboard/usage.csv").text.splitlines()
    assert len(lines) == len(PAYLOADS) + 1
    assert not [line for line in lines if line.split(",")[1].lstrip('"').startswith(("=", "+", "-", "@"))]
