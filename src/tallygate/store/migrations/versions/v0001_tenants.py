"""The first schema: workspaces, users, keys, the audit log, and facts about the database.

A migration is history: it never imports `schema`, which moves on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all five tables."""
    _create_workspaces_and_users()
    _create_keys()
    op.create_table(
        "audit_log",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("workspace_id", sa.Text),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_workspace_id_seq", "audit_log", ["workspace_id", "seq"])
    op.create_table(
        "meta",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_meta"),
    )


def _create_workspaces_and_users() -> None:
    op.create_table(
        "workspaces",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("disabled_at_ns", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_workspaces"),
        sa.UniqueConstraint("name", name="uq_workspaces_name"),
        sa.CheckConstraint("status IN ('active', 'disabled')", name="ck_workspaces_status"),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("disabled_at_ns", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_users_workspace_id"),
        sa.UniqueConstraint("workspace_id", "name", name="uq_users_workspace_id_name"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_users_workspace_id_id"),
        sa.CheckConstraint("status IN ('active', 'disabled')", name="ck_users_status"),
    )


def _create_keys() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("last4", sa.Text, nullable=False),
        sa.Column("key_class", sa.Text, nullable=False),
        sa.Column("permissions", sa.Text, nullable=False),
        sa.Column("models", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("expires_at_ns", sa.BigInteger),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("revoked_at_ns", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_keys"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"], ["users.workspace_id", "users.id"], name="fk_keys_workspace_id_user_id"
        ),
        sa.UniqueConstraint("digest", name="uq_keys_digest"),
        sa.CheckConstraint("status IN ('active', 'revoked')", name="ck_keys_status"),
        sa.CheckConstraint("length(digest) = 32", name="ck_keys_digest"),
        sa.CheckConstraint("version >= 1", name="ck_keys_version"),
    )
    live_and_named = sa.text("status = 'active' AND name <> ''")
    op.create_index(
        "uq_keys_live_name",
        "keys",
        ["workspace_id", "name"],
        unique=True,
        sqlite_where=live_and_named,
        postgresql_where=live_and_named,
    )
    op.create_index("ix_keys_workspace_id_user_id", "keys", ["workspace_id", "user_id"])
