"""Every table, in SQLAlchemy Core: what the migrations add up to, and what administrative queries are written with.

A change here comes with a migration of the same effect; a test holds the two together. The statements of the hot path
are spelled by hand elsewhere in this room. Times are integer nanoseconds UTC, ids are a prefix and 128 random bits, and
sets of names are sorted JSON arrays in a text column.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

workspaces = Table(
    "workspaces",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False),
    Column("created_at_ns", BigInteger, nullable=False),
    Column("disabled_at_ns", BigInteger),
    CheckConstraint("status IN ('active', 'disabled')", name="status"),
)

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("workspace_id", Text, ForeignKey("workspaces.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at_ns", BigInteger, nullable=False),
    Column("disabled_at_ns", BigInteger),
    CheckConstraint("status IN ('active', 'disabled')", name="status"),
    UniqueConstraint("workspace_id", "name"),
    # The target of the pair below: a key cannot join one workspace to another's user.
    UniqueConstraint("workspace_id", "id"),
)

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("workspace_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("prefix", Text, nullable=False),
    Column("last4", Text, nullable=False),
    Column("key_class", Text, nullable=False),
    Column("permissions", Text, nullable=False),
    Column("models", Text),
    Column("status", Text, nullable=False),
    Column("expires_at_ns", BigInteger),
    Column("version", BigInteger, nullable=False),
    Column("created_at_ns", BigInteger, nullable=False),
    Column("revoked_at_ns", BigInteger),
    ForeignKeyConstraint(["workspace_id", "user_id"], ["users.workspace_id", "users.id"]),
    CheckConstraint("status IN ('active', 'revoked')", name="status"),
    CheckConstraint("length(digest) = 32", name="digest"),
    CheckConstraint("version >= 1", name="version"),
)

# A name may be given again once its key is revoked, and many keys may have no name.
Index(
    "uq_keys_live_name",
    keys.c.workspace_id,
    keys.c.name,
    unique=True,
    sqlite_where=text("status = 'active' AND name <> ''"),
    postgresql_where=text("status = 'active' AND name <> ''"),
)
Index("ix_keys_workspace_id_user_id", keys.c.workspace_id, keys.c.user_id)

audit_log = Table(
    "audit_log",
    metadata,
    # SQLite counts rows by itself only in a column of exactly this type.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("workspace_id", Text),
    Column("object_id", Text, nullable=False),
    Column("detail", Text, nullable=False),
)
Index("ix_audit_log_workspace_id_seq", audit_log.c.workspace_id, audit_log.c.seq)

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
