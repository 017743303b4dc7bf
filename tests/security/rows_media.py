"""Rows 113 to 119: addresses of objects that are signed. There are none yet."""

from tests.security.row import Row

ROWS = tuple(
    Row(number, title, later="presigned media")
    for number, title in (
        (113, "a signature that is not this object's"),
        (114, "another time of expiry"),
        (115, "parameters and headers beside the signed ones"),
        (116, "other methods"),
        (117, "paths that lead out of the folder"),
        (118, "when its time is over, or the object or the key is gone"),
        (119, "a signature by another kind of key"),
    )
)
