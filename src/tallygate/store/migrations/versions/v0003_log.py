"""Receipts and the log that holds them: entries, the tree's tiles, checkpoints, and whose turn it is.

A migration is history: it never imports `schema`, which moves on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables of the log."""
    _create_bodies()
    _create_logs()
    _create_entries()
    _create_tree()


def _create_bodies() -> None:
    op.create_table(
        "receipts",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("id", "workspace_id")),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("seed", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_receipts"),
        sa.UniqueConstraint("workspace_id", "sequence", name="uq_receipts_workspace_id_sequence"),
        sa.CheckConstraint("sequence >= 1", name="ck_receipts_sequence"),
    )
    op.create_table(
        "log_statements",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("id", "kind")),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_log_statements"),
    )


def _create_logs() -> None:
    op.create_table(
        "logs",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("origin", "vkey", "status")),
        sa.Column("size", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("checkpoint_size", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("holder", sa.Text),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("origin", name="pk_logs"),
        sa.CheckConstraint("status IN ('active', 'frozen')", name="ck_logs_status"),
        sa.CheckConstraint("0 <= checkpoint_size AND checkpoint_size <= size", name="ck_logs_sizes"),
    )
    _create_partial_index("uq_logs_active", "logs", ["status"], "status = 'active'", unique=True)


def _create_entries() -> None:
    op.create_table(
        "log_entries",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("id", "log")),
        sa.Column("entry", sa.LargeBinary, nullable=False),
        sa.Column("leaf_index", sa.BigInteger),
        sa.PrimaryKeyConstraint("seq", name="pk_log_entries"),
        sa.UniqueConstraint("id", name="uq_log_entries_id"),
        sa.CheckConstraint("length(entry) = 32", name="ck_log_entries_entry"),
        sa.CheckConstraint("leaf_index >= 0", name="ck_log_entries_leaf_index"),
    )
    _create_partial_index("ix_log_entries_waiting", "log_entries", ["log", "seq"], "leaf_index IS NULL")
    _create_partial_index(
        "uq_log_entries_leaf", "log_entries", ["log", "leaf_index"], "leaf_index IS NOT NULL", unique=True
    )


def _create_tree() -> None:
    op.create_table(
        "log_tiles",
        sa.Column("log", sa.Text, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("tile_index", sa.BigInteger, nullable=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("log", "level", "tile_index", name="pk_log_tiles"),
        sa.CheckConstraint(
            "length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0", name="ck_log_tiles_hashes"
        ),
    )
    op.create_table(
        "log_checkpoints",
        sa.Column("log", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("log", "size", name="pk_log_checkpoints"),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Hashes do not compress, and a tile that grows is written anew each time: trying would cost more than it saves.
        op.execute("ALTER TABLE log_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL")


def _create_partial_index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
