"""Rows 120 to 131: the pages of the dashboard, tried with a browser and with what no browser would send."""

from tests.security.row import Row, ask

HOUSE = "tests/dashboard/test_house.py::"
SIGNING = "tests/dashboard/test_pages_signing.py::"
PAYLOADS = "tests/dashboard/test_pages_payloads.py::"
PAGES = "tests/security/test_pages.py::"
FORM = "application/x-www-form-urlencoded"

ROWS = (
    Row(
        120,
        "a form of another site",
        tuple(
            ask(
                "POST",
                "/dashboard/sign-out",
                403,
                415,
                key="",
                body=b"form_token=x",
                headers=(
                    ("Content-Type", sent_as),
                    ("Origin", "https://evil.example"),
                    ("Sec-Fetch-Site", "cross-site"),
                    ("Cookie", "__Host-tallygate=x"),
                ),
            )
            for sent_as in (FORM, "text/plain", "multipart/form-data; boundary=x")
        ),
        proofs=(
            f"{HOUSE}test_a_form_of_another_site_is_refused",
            f"{HOUSE}test_a_form_without_the_sessions_token_is_refused",
            f"{HOUSE}test_a_token_of_another_session_is_refused",
        ),
    ),
    Row(
        121,
        "a change from an unknown origin",
        (ask("POST", "/dashboard/sign-out", 403, key="", body=b"", headers=(("Content-Type", FORM),)),),
        proofs=(f"{HOUSE}test_a_form_of_another_site_is_refused",),
    ),
    Row(
        122,
        "a session that was there before the sign-in",
        proofs=(f"{SIGNING}test_a_session_that_was_set_before_is_replaced_and_ended",),
    ),
    Row(123, "what a cookie may", proofs=(f"{SIGNING}test_the_cookie_is_for_this_host_and_for_no_script",)),
    Row(124, "a page in a frame", proofs=(f"{HOUSE}test_every_page_says_what_the_browser_may_do",)),
    Row(
        125,
        "scripts in every field that is shown",
        proofs=(
            f"{PAYLOADS}test_lists_show_texts",
            f"{PAYLOADS}test_pages_of_one_thing_show_its_texts",
            f"{PAYLOADS}test_refusals_show_texts",
        ),
    ),
    Row(126, "what a page may load", proofs=(f"{HOUSE}test_every_page_says_what_the_browser_may_do",)),
    Row(
        127,
        "passwords, guessed and odd",
        proofs=(
            f"{SIGNING}test_what_does_not_fit_gets_the_same_words",
            f"{SIGNING}test_a_password_above_a_kibibyte_is_refused_unseen",
            "tests/access/test_guesses.py::test_too_many_wrong_guesses_under_one_name",
        ),
    ),
    Row(128, "a way back that leads elsewhere", proofs=(f"{SIGNING}test_after_the_sign_in_nobody_is_sent_elsewhere",)),
    Row(
        129,
        "a key for a session, a session for a key",
        (ask("GET", "/dashboard/keys", 401, key="<ADMIN>"), ask("GET", "/dashboard/keys", 401)),
        proofs=(
            f"{SIGNING}test_an_api_key_is_no_session_and_a_session_no_api_key",
            f"{SIGNING}test_an_api_key_does_not_sign_in",
        ),
    ),
    Row(130, "formulas in tables", proofs=(f"{PAYLOADS}test_the_export_is_safe_in_a_spreadsheet",)),
    Row(131, "secrets on pages", proofs=(f"{PAGES}test_no_page_tells_a_key",)),
)
