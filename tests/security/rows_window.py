"""Rows 120 to 131: the pages of the dashboard."""

from tests.security.row import Row

ROWS = tuple(
    Row(number, title, later="dashboard")
    for number, title in (
        (120, "a form of another site"),
        (121, "a change from an unknown origin"),
        (122, "a session that was there before the sign-in"),
        (123, "what a cookie may"),
        (124, "a page in a frame"),
        (125, "scripts in every field that is shown"),
        (126, "what a page may load"),
        (127, "passwords, guessed and odd"),
        (128, "a way back that leads elsewhere"),
        (129, "a key for a session, a session for a key"),
        (130, "formulas in tables"),
        (131, "secrets on pages"),
    )
)
