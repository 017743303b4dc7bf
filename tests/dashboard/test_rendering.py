"""Values on a page: escaped, exact, and nothing hidden in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from tallygate.dashboard.rendering import TEMPLATES, Renderer, shorten, show_count, show_moment, show_usd, unveil
from tallygate.dashboard.statics import load_assets
from tallygate.ledger.money import print_usd


@pytest.mark.parametrize(
    ("amount_nusd", "shown"),
    [
        (0, "$0.00"),
        (12_340_000_000, "$12.34"),
        (1_234_567_000_000_000, "$1,234,567.00"),
        (-5_000_000_000, "\N{MINUS SIGN}$5.00"),
        (1, '$0.00<span class="fine">0000001</span>'),
    ],
)
def test_an_amount_is_exact(amount_nusd: int, shown: str) -> None:
    assert show_usd(amount_nusd) == f'<span class="usd">{shown}</span>'


@given(st.integers(0, 2**63 - 1))
def test_an_amount_says_what_was_counted(amount_nusd: int) -> None:
    plain = Markup(show_usd(amount_nusd)).striptags().lstrip("$").replace(",", "").replace(" ", "")
    assert plain == print_usd(amount_nusd)


def test_a_moment_has_its_full_form_as_a_title() -> None:
    shown = show_moment(1_800_000_000_000_000_001)
    assert 'datetime="2027-01-15T08:00:00Z"' in shown
    assert ">2027-01-15 08:00:00<" in shown
    assert show_moment(None, "<never>") == "&lt;never&gt;"


def test_numbers_and_ids() -> None:
    assert show_count(1_234_567) == "1,234,567"
    assert show_count(None) == "\N{EN DASH}"
    assert (shorten("call_0123456789abcdef"), shorten("short")) == ("call_012345678…", "short")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\x1b]0;x\x07", "\\u001b]0;x\\u0007"),
        ("two\nlines", "two\nlines"),
        ("plain", "plain"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text: str, shown: str) -> None:
    assert unveil(text) == shown


@given(st.text())
def test_no_text_leaves_its_place(text: str) -> None:
    renderer = Renderer(load_assets(), "1")
    values = {"status": 400, "message": text, "request_id": text, "person": None, "root": "/dashboard", "at": str}
    page = renderer.render("error.html", values).decode()
    assert page.count("<script") == 2
    assert str(escape(unveil(text))).encode("utf-8", "replace").decode() in page


def test_no_template_trusts_a_value_or_brings_a_script_or_style_along() -> None:
    for path in TEMPLATES.glob("*.html"):
        text = path.read_text()
        for banned in ("|safe", "| safe", "autoescape false", "style=", "<style", "onclick", "hx-on", "javascript:"):
            assert banned not in text, f"{path.name}: {banned}"
        assert "<script>" not in text
        assert "http://" not in text.replace("<code>http://", ""), path.name
