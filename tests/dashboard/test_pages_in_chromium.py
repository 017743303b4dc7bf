"""What people do on the pages, in a real browser: with a mouse, with keys alone, on a telephone, and without scripts.

A complaint of the console (a breach of the Content-Security-Policy is one), a dialog, or a request that leaves the
gateway fails each of them.
"""

import re

import openai
import pytest
from playwright.sync_api import Page, expect

from tests.contract.gateway import Gateway
from tests.dashboard.conftest import Open
from tests.dashboard.people import PASSWORD
from tests.dashboard.watched import NARROW, WIDE

EVERY_PAGE = ("", "/keys", "/keys/new", "/calls", "/usage", "/money", "/models", "/health", "/users", "/workspaces")


def call(gateway: Gateway, key: str, text: str = "Say hello") -> str:
    """A call by the official SDK; what it was answered."""
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0) as client:
        message = client.chat.completions.create(model="priced", messages=[{"role": "user", "content": text}])
        return message.choices[0].message.content or ""


def test_a_key_is_made_used_and_revoked(open_page: Open, gateway: Gateway) -> None:
    page = open_page().sign_in()
    page.get_by_role("link", name="Keys").click()
    page.get_by_role("link", name="New key").click()
    page.get_by_label("Name", exact=True).fill("browser's robot")
    page.get_by_label("Budget in USD").fill("2.50")
    page.get_by_role("button", name="Create key").click()
    key = page.get_by_label("Key", exact=True).input_value()
    assert call(gateway, key) == "Say hello"
    page.get_by_role("link", name="I have kept it").click()
    assert key not in page.content()
    page.get_by_role("link", name="browser's robot").click()
    expect(page.get_by_text("of $2.50")).to_be_visible()
    page.get_by_role("link", name="Revoke…").click()
    page.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_role("status")).to_contain_text("revoked")
    with pytest.raises(openai.AuthenticationError) as refused:
        call(gateway, key)
    assert refused.value.status_code == 401


def test_a_key_is_copied_to_the_clipboard(open_page: Open) -> None:
    watched = open_page()
    watched.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = watched.sign_in()
    page.goto("/dashboard/keys/new")
    page.get_by_role("button", name="Create key").click()
    key = page.get_by_label("Key", exact=True).input_value()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == key


def test_credit_is_added_once(open_page: Open) -> None:
    page = open_page().sign_in()
    page.goto("/dashboard/money")
    before = available(page)
    page.get_by_label("USD", exact=True).fill("12.34")
    form = page.get_by_label("Id").input_value()
    page.get_by_role("button", name="Add credit").click()
    expect(page.get_by_role("status")).to_contain_text("in the wallet")
    assert available(page) == before + 12_340_000_000
    page.get_by_label("USD", exact=True).fill("12.34")
    page.get_by_label("Id").fill(form)
    page.get_by_role("button", name="Add credit").click()
    expect(page.get_by_role("status")).to_contain_text("nothing moved")
    assert available(page) == before + 12_340_000_000
    expect(page.get_by_role("region", name="Movements")).to_contain_text("$12.34")


def test_a_call_shows_its_cost_and_its_receipt_verifies(open_page: Open, gateway: Gateway) -> None:
    call(gateway, gateway.key, "ten words that are echoed by the model for money")
    page = open_page().sign_in()
    page.goto("/dashboard/calls?model=priced")
    row = page.get_by_role("row").nth(1)
    expect(row).to_contain_text("ok")
    assert re.search(r"\$0\.00\d+", row.inner_text())
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name="priced")).to_be_visible()
    verify(page)
    expect(page.locator(".checks")).to_contain_text("inclusion")
    page.get_by_text("What it says").click()
    expect(page.locator("pre")).to_contain_text('"charge"')
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename.endswith(".json")


def test_a_refund_is_paid_once(open_page: Open, gateway: Gateway) -> None:
    call(gateway, gateway.key, "give me my money back")
    page = open_page().sign_in()
    page.goto("/dashboard/calls?model=priced")
    page.get_by_role("row").nth(1).get_by_role("link").click()
    page.get_by_role("button", name="Refund").click()
    expect(page.get_by_role("status")).to_contain_text("in the wallet")
    expect(page.get_by_text("Refunded")).to_be_visible()
    expect(page.get_by_role("button", name="Refund")).to_have_count(0)


def test_usage_is_plotted(open_page: Open, gateway: Gateway) -> None:
    call(gateway, gateway.key)
    page = open_page().sign_in()
    page.goto("/dashboard/usage")
    expect(page.locator(".uplot canvas")).to_be_visible()
    expect(page.get_by_role("region", name="By model")).to_contain_text("priced")


def test_a_user_signs_in_and_sees_their_own(open_page: Open) -> None:
    watched = open_page()
    page = watched.page
    watched.expected.append("error: Failed to load resource: the server responded with a status of 401")
    page.goto("/dashboard/keys")
    page.get_by_label("Workspace").fill("default")
    page.get_by_label("User").fill("mia")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/dashboard/keys")
    expect(page.get_by_role("link", name="Users")).to_have_count(0)
    page.get_by_role("link", name="New key").first.click()
    expect(page.get_by_label("User", exact=True)).to_have_count(0)
    page.get_by_label("Name", exact=True).fill("mia's own")
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_text("mia", exact=True).first).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/dashboard/sign-in")
    page.goto("/dashboard/keys")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_everything_goes_with_keys_alone(open_page: Open) -> None:
    page = open_page().page
    page.goto("/dashboard/sign-in")
    press = page.keyboard.press
    for _ in range(6):
        press("Tab")
    expect(page.get_by_label("Admin key")).to_be_focused()
    page.keyboard.type("an-admin-key-that-is-long-enough-1")
    press("Enter")
    page.wait_for_url("**/dashboard")
    press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.goto("/dashboard/keys/new")
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.type("by keys alone")
    press("Enter")
    expect(page.get_by_label("Key", exact=True)).to_be_visible()
    outline = page.evaluate(
        "() => { document.querySelector('main a').focus();"
        " return getComputedStyle(document.activeElement).outlineStyle }"
    )
    assert outline == "solid"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_no_page_is_wider_than_its_window(open_page: Open, size: tuple[int, int], scheme: str) -> None:
    page = open_page(size, scheme=scheme).sign_in()
    for path in EVERY_PAGE:
        page.goto(f"/dashboard{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path
        assert contrast(page) >= 4.5, path


def test_a_narrow_window_shows_where_one_is_and_what_a_call_came_to(open_page: Open, gateway: Gateway) -> None:
    call(gateway, gateway.key)
    page = open_page(NARROW).sign_in()
    page.goto("/dashboard/workspaces")
    expect(page.locator("nav [aria-current]")).to_be_in_viewport(ratio=1)
    page.goto("/dashboard/calls")
    state = page.locator("tbody .badge").first.bounding_box()
    assert state is not None
    assert state["x"] + state["width"] <= NARROW[0]


def test_a_long_word_in_an_error_breaks(open_page: Open) -> None:
    watched = open_page(NARROW)
    watched.expected.append("error: Failed to load resource: the server responded with a status of 404")
    page = watched.sign_in()
    page.goto("/dashboard/keys?workspace=" + "w" * 90)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]


def test_every_field_has_a_label_and_every_table_heads(open_page: Open) -> None:
    page = open_page().sign_in()
    for path in EVERY_PAGE:
        page.goto(f"/dashboard{path}")
        assert page.evaluate(NAMELESS) == [], path
        assert (
            page.evaluate(
                "[...document.querySelectorAll('main table:not(.u-legend)')].filter((one) => !one.tHead).length"
            )
            == 0
        )
        assert page.evaluate("document.querySelectorAll('h1').length") == 1, path
        assert (
            page.evaluate("document.querySelectorAll(':not(.uplot, .uplot *)[style], [onclick], style').length") == 0
        ), path


def test_the_pages_work_without_scripts(open_page: Open, gateway: Gateway) -> None:
    call(gateway, gateway.key)
    page = open_page(scripts=False).sign_in()
    page.goto("/dashboard/keys/new")
    page.get_by_label("Name", exact=True).fill("without scripts")
    page.get_by_role("button", name="Create key").click()
    assert page.get_by_label("Key", exact=True).input_value().startswith("lx-k_")
    page.goto("/dashboard/calls?model=priced")
    page.get_by_role("row").nth(1).get_by_role("link").click()
    verify(page)


def test_a_target_that_fails_shows_on_the_page_of_health(open_page: Open, gateway: Gateway) -> None:
    for _ in range(2):
        reply = gateway.chat({"model": "mock/fail-500", "messages": [{"role": "user", "content": "x"}]})
        assert reply.status == 502, reply.body
    page = open_page().sign_in()
    page.goto("/dashboard/health")
    expect(page.get_by_role("row", name="mock/fail-500")).to_contain_text("provider_error")


def available(page: Page) -> int:
    """The balance that the page shows, in nano-USD."""
    whole, _, rest = page.locator(".tile .usd").first.inner_text().lstrip("$").replace(",", "").partition(".")
    return int(whole + rest.ljust(9, "0"))


def verify(page: Page) -> None:
    """Ask for the verdict until a checkpoint covers the receipt."""
    verdict = page.locator("#verdict .note")
    for _ in range(20):
        page.get_by_role("button", name="Verify").click()
        expect(verdict).to_contain_text(re.compile("Verified|checkpoint"))
        if "Verified" in verdict.inner_text():
            return
        page.wait_for_timeout(250)
    raise AssertionError("no checkpoint covered the receipt")


def contrast(page: Page) -> float:
    """How well the text of the page stands out from what is behind it (WCAG 2.2, 1.4.3)."""
    return page.evaluate(
        """() => {
          const light = (text) => {
            const parts = text.match(/[0-9.]+/g).slice(0, 3).map((one) => one / 255)
              .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
            return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
          };
          const style = getComputedStyle(document.documentElement);
          const behind = light(style.backgroundColor);
          const inks = [...document.querySelectorAll('main p, main td, main h1, main .muted, main .hint')]
            .filter((one) => !one.closest('.note, .badge, .button')).map((one) => light(getComputedStyle(one).color));
          return Math.min(21, ...inks.map((ink) => (Math.max(ink, behind) + 0.05) / (Math.min(ink, behind) + 0.05)));
        }"""
    )


NAMELESS = """[...document.querySelectorAll('input:not([type=hidden], [hidden]), select, textarea')]
  .filter((one) => one.labels.length === 0 && !one.getAttribute('aria-label')).map((one) => one.outerHTML)"""
