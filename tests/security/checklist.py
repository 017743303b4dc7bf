"""The checklist: 135 bad inputs and what is right to answer, in their order. Each section has a file."""

from tests.security import (
    rows_bodies,
    rows_credentials,
    rows_fetching,
    rows_framing,
    rows_logs,
    rows_media,
    rows_money,
    rows_paths,
    rows_quantities,
    rows_tenancy,
    rows_uploads,
    rows_window,
)

ROWS = (
    *rows_credentials.ROWS,
    *rows_bodies.ROWS,
    *rows_quantities.ROWS,
    *rows_framing.ROWS,
    *rows_paths.ROWS,
    *rows_fetching.ROWS,
    *rows_uploads.ROWS,
    *rows_tenancy.ROWS,
    *rows_money.ROWS,
    *rows_media.ROWS,
    *rows_window.ROWS,
    *rows_logs.ROWS,
)
NUMBERS = 135
