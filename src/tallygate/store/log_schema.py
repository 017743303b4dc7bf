"""The tables of receipts and of the log that holds them, in SQLAlchemy Core; the others are in `schema`.

A change here comes with a migration of the same effect; a test holds the two together.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from tallygate.store.schema import metadata

# Receipts, written with the posting of their call, and never changed but to erase `body` and `seed`.
receipts = Table(
    "receipts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("workspace_id", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("body", LargeBinary),
    Column("seed", LargeBinary),
    UniqueConstraint("workspace_id", "sequence"),
    CheckConstraint("sequence >= 1", name="sequence"),
)

# Other things that the log vouches for: versions of prices, sets of keys.
log_statements = Table(
    "log_statements",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
)

# One log is active, the others are history. `size` is the tree's; `holder` is the epoch that may add to it and sign.
logs = Table(
    "logs",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("vkey", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("size", BigInteger, nullable=False, server_default="0"),
    Column("checkpoint_size", BigInteger, nullable=False, server_default="0"),
    Column("holder", Text),
    Column("created_at_ns", BigInteger, nullable=False),
    CheckConstraint("status IN ('active', 'frozen')", name="status"),
    CheckConstraint("0 <= checkpoint_size AND checkpoint_size <= size", name="sizes"),
)
Index(
    "uq_logs_active",
    logs.c.status,
    unique=True,
    sqlite_where=text("status = 'active'"),
    postgresql_where=text("status = 'active'"),
)

# What is in a log or waits for its leaf. `seq` is the order of arrival; a transaction that commits late may bring a
# lower one, so whoever takes entries into the tree looks for those without a leaf and never for those behind a number.
log_entries = Table(
    "log_entries",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("log", Text, nullable=False),
    Column("entry", LargeBinary, nullable=False),
    Column("leaf_index", BigInteger),
    CheckConstraint("length(entry) = 32", name="entry"),
    CheckConstraint("leaf_index >= 0", name="leaf_index"),
)
Index(
    "ix_log_entries_waiting",
    log_entries.c.log,
    log_entries.c.seq,
    sqlite_where=text("leaf_index IS NULL"),
    postgresql_where=text("leaf_index IS NULL"),
)
Index(
    "uq_log_entries_leaf",
    log_entries.c.log,
    log_entries.c.leaf_index,
    unique=True,
    sqlite_where=text("leaf_index IS NOT NULL"),
    postgresql_where=text("leaf_index IS NOT NULL"),
)

# The tree: up to 256 hashes of 32 bytes in each tile. A tile only grows at its end.
log_tiles = Table(
    "log_tiles",
    metadata,
    Column("log", Text, primary_key=True),
    Column("level", Integer, primary_key=True),
    Column("tile_index", BigInteger, primary_key=True),
    Column("hashes", LargeBinary, nullable=False),
    CheckConstraint("length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0", name="hashes"),
)

# Every checkpoint ever published, as it was signed.
log_checkpoints = Table(
    "log_checkpoints",
    metadata,
    Column("log", Text, primary_key=True),
    Column("size", BigInteger, primary_key=True),
    Column("note", LargeBinary, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
)
