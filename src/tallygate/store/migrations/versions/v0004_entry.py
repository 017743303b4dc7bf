"""Entry: roles and passwords of users, networks and rotation of keys, rates, and sessions of the pages.

A migration is history: it never imports `schema`, which moves on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Widen users, keys and holds; make the tables of rates and sessions."""
    _widen()
    _create_rates()
    _create_sessions()


def _widen() -> None:
    # Spelled out: alembic cannot add a column together with its constraint on SQLite.
    roles = "CHECK (role IN ('operator', 'admin', 'member', 'viewer'))"
    tokens = "CONSTRAINT ck_holds_rate_tokens CHECK (rate_tokens >= 0)"
    for column in (
        f"users ADD COLUMN role TEXT NOT NULL DEFAULT 'member' CONSTRAINT ck_users_role {roles}",
        "users ADD COLUMN password TEXT",
        "keys ADD COLUMN networks TEXT",
        "keys ADD COLUMN replaced_by TEXT",
        "holds ADD COLUMN rate_ids TEXT NOT NULL DEFAULT ''",
        f"holds ADD COLUMN rate_tokens BIGINT NOT NULL DEFAULT 0 {tokens}",
    ):
        op.execute(f"ALTER TABLE {column}")
    # Whoever was first in a workspace has been its owner in all but name.
    op.execute("UPDATE users SET role = 'admin' WHERE name = 'owner'")
    # A member's keys see no more than their own user's calls: whoever has one that sees all was more than a member.
    op.execute(
        "UPDATE users SET role = 'admin' WHERE id IN"
        " (SELECT user_id FROM keys WHERE permissions LIKE '%\"accounting:view_tenant\"%')"
    )


def _create_rates() -> None:
    op.create_table(
        "rates",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("id", "workspace_id", "level", "owner_id", "kind")),
        sa.Column("per_minute", sa.BigInteger, nullable=False),
        sa.Column("filled_micro", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("seen_at_ns", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("held_tokens", sa.BigInteger, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_rates"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_rates_workspace_id"),
        sa.UniqueConstraint("owner_id", "kind", name="uq_rates_owner_id_kind"),
        sa.CheckConstraint("level IN ('workspace', 'user', 'key')", name="ck_rates_level"),
        sa.CheckConstraint("kind IN ('requests', 'tokens')", name="ck_rates_kind"),
        sa.CheckConstraint("per_minute >= 0 AND filled_micro >= 0 AND held_tokens >= 0", name="ck_rates_amounts"),
    )


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("user_id", sa.Text),
        sa.Column("bound_to", sa.Text, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("created_at_ns", "seen_at_ns", "ends_at_ns")),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id"),
        sa.CheckConstraint("length(digest) = 32", name="ck_sessions_digest"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_sessions_ends_at_ns", "sessions", ["ends_at_ns"])
