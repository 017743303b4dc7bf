"""The keys of receipts: made at the first start into a file for the operator's user alone, and read at every later one.

All replicas of a gateway have the same file. It belongs into the backup, apart from the database: without it nobody can
sign for the log again.
"""

from pathlib import Path

from tallygate.access.secret_file import BadSecret, read_or_create
from tallygate.genai.secret import Secret
from tallygate.receipts.key_file import BadKeyFile, LogKeys, make_key_file, read_key_file
from tallygate.receipts.note import BadKey


def load_or_create_receipt_keys(
    path: Path, now_ms: int, *, log: str | None = None, origin: str = "", issuer: str = ""
) -> LogKeys:
    """The keys in the file, which is made where it is missing and the database has no `log` yet. `origin` and `issuer`,
    where they are given, must be those of the file. Raises BadSecret.
    """
    if log is not None and not path.exists():
        raise BadSecret(
            f"The file {path} is missing, and the database holds the log {log}, which nobody can sign without it.\n"
            "Put back the file that stood there when this database was first used, or name another database."
        )
    try:
        keys = read_key_file(Secret(read_or_create(path, lambda: make_key_file(now_ms, origin=origin, issuer=issuer))))
    except (BadKeyFile, BadKey) as error:
        raise BadSecret(f"The file {path} cannot be used: {error}.") from None
    for name, wanted, found in (("origin", origin, keys.origin), ("issuer", issuer, keys.issuer)):
        if wanted not in ("", found):
            raise BadSecret(
                f"The setting receipts.{name} is {wanted!r}, and the keys in {path} are for {found!r}.\n"
                "A log keeps its name for good: take the setting back, or start with a new database and new keys."
            )
    return keys
