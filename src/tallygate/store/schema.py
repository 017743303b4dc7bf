"""Every table but the log's, in SQLAlchemy Core: what the migrations add up to, and what administrative queries are
written with.

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
    # Calls that are open now, and how many may be; NULL: as many as the gateway allows everybody.
    Column("slots_used", BigInteger, nullable=False, server_default="0"),
    Column("slots_max", BigInteger),
    # What the user's keys may do at most. An operator looks after the whole gateway.
    Column("role", Text, nullable=False, server_default="member"),
    # How the password is known again; NULL: the user has none and cannot sign in to the pages.
    Column("password", Text),
    CheckConstraint("status IN ('active', 'disabled')", name="status"),
    CheckConstraint("role IN ('operator', 'admin', 'member', 'viewer')", name="role"),
    CheckConstraint("slots_used >= 0", name="slots_used"),
    CheckConstraint("slots_max >= 0", name="slots_max"),
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
    Column("slots_max", BigInteger),
    # 1: on a short balance, a call that named no output cap may get a smaller one.
    Column("shortens", Integer, nullable=False, server_default="1"),
    # The networks it may be used from; NULL: all.
    Column("networks", Text),
    # Rotated: the key of which this row keeps an earlier text.
    Column("replaced_by", Text),
    ForeignKeyConstraint(["workspace_id", "user_id"], ["users.workspace_id", "users.id"]),
    CheckConstraint("status IN ('active', 'revoked')", name="status"),
    CheckConstraint("length(digest) = 32", name="digest"),
    CheckConstraint("version >= 1", name="version"),
    CheckConstraint("slots_max >= 0", name="slots_max"),
    CheckConstraint("shortens IN (0, 1)", name="shortens"),
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

# Who is signed in to the pages: never the session's own token. `user_id` NULL: with the admin key. A session is good
# only while `bound_to`, the print of what was signed in with, still fits.
sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id")),
    Column("bound_to", Text, nullable=False),
    Column("created_at_ns", BigInteger, nullable=False),
    Column("seen_at_ns", BigInteger, nullable=False),
    Column("ends_at_ns", BigInteger, nullable=False),
    CheckConstraint("length(digest) = 32", name="digest"),
)
Index("ix_sessions_user_id", sessions.c.user_id)
Index("ix_sessions_ends_at_ns", sessions.c.ends_at_ns)

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

# The book. Amounts are integer nano-USD; the constraints are a second wall behind the fold, which never meets them.

wallets = Table(
    "wallets",
    metadata,
    Column("workspace_id", Text, ForeignKey("workspaces.id"), primary_key=True),
    Column("posted_nusd", BigInteger, nullable=False, server_default="0"),
    Column("held_nusd", BigInteger, nullable=False, server_default="0"),
    Column("next_sequence", BigInteger, nullable=False, server_default="1"),
    CheckConstraint("0 <= held_nusd AND held_nusd <= posted_nusd", name="covered"),
    CheckConstraint("next_sequence >= 1", name="next_sequence"),
)

budgets = Table(
    "budgets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("workspace_id", Text, ForeignKey("workspaces.id"), nullable=False),
    Column("level", Text, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("limit_nusd", BigInteger, nullable=False),
    Column("window_start_ns", BigInteger, nullable=False, server_default="0"),
    Column("spent_nusd", BigInteger, nullable=False, server_default="0"),
    Column("held_nusd", BigInteger, nullable=False, server_default="0"),
    Column("created_at_ns", BigInteger, nullable=False),
    UniqueConstraint("owner_id", "period"),
    CheckConstraint("level IN ('workspace', 'user', 'key')", name="level"),
    CheckConstraint("period IN ('daily', 'weekly', 'monthly', 'total')", name="period"),
    CheckConstraint("limit_nusd >= 0 AND spent_nusd >= 0 AND held_nusd >= 0", name="amounts"),
)

# Requests and tokens that flow at most so fast: a bucket was filled to `filled_micro` at `seen_at_ns` and leaks since
# then; `held_tokens` are reserved in it for open calls.
rates = Table(
    "rates",
    metadata,
    Column("id", Text, primary_key=True),
    Column("workspace_id", Text, ForeignKey("workspaces.id"), nullable=False),
    Column("level", Text, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("per_minute", BigInteger, nullable=False),
    Column("filled_micro", BigInteger, nullable=False, server_default="0"),
    Column("seen_at_ns", BigInteger, nullable=False, server_default="0"),
    Column("held_tokens", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("owner_id", "kind"),
    CheckConstraint("level IN ('workspace', 'user', 'key')", name="level"),
    CheckConstraint("kind IN ('requests', 'tokens')", name="kind"),
    CheckConstraint("per_minute >= 0 AND filled_micro >= 0 AND held_tokens >= 0", name="amounts"),
)

holds = Table(
    "holds",
    metadata,
    Column("id", Text, primary_key=True),
    Column("workspace_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("price_version", Text, nullable=False),
    Column("amount_nusd", BigInteger, nullable=False),
    Column("output_tokens_max", BigInteger, nullable=False),
    Column("opened_at_ns", BigInteger, nullable=False),
    Column("budget_ids", Text, nullable=False),
    Column("claim_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("ended_at_ns", BigInteger),
    Column("charged_nusd", BigInteger, nullable=False),
    Column("loss_nusd", BigInteger, nullable=False),
    Column("refunded_nusd", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("progress_nusd", BigInteger, nullable=False),
    Column("details", Text, nullable=False),
    Column("rate_ids", Text, nullable=False, server_default=text("''")),
    Column("rate_tokens", BigInteger, nullable=False, server_default="0"),
    ForeignKeyConstraint(["workspace_id", "user_id"], ["users.workspace_id", "users.id"]),
    CheckConstraint("state IN ('open', 'posted', 'voided')", name="state"),
    CheckConstraint("(state = 'open') = (ended_at_ns IS NULL)", name="ended"),
    CheckConstraint("(state = 'posted') = (sequence > 0)", name="sequence"),
    CheckConstraint("0 <= charged_nusd AND charged_nusd <= amount_nusd", name="charged"),
    CheckConstraint("0 <= refunded_nusd AND refunded_nusd <= charged_nusd", name="refunded"),
    CheckConstraint("loss_nusd >= 0 AND progress_nusd >= 0", name="amounts"),
    CheckConstraint("rate_tokens >= 0", name="rate_tokens"),
)
Index(
    "ix_holds_open",
    holds.c.epoch,
    holds.c.id,
    sqlite_where=text("state = 'open'"),
    postgresql_where=text("state = 'open'"),
)
Index(
    "uq_holds_sequence",
    holds.c.workspace_id,
    holds.c.sequence,
    unique=True,
    sqlite_where=text("sequence > 0"),
    postgresql_where=text("sequence > 0"),
)
Index("ix_holds_workspace_id_opened_at_ns", holds.c.workspace_id, holds.c.opened_at_ns)

# Lines are only ever added: triggers in the migration refuse to change or delete one.
transfers = Table(
    "transfers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("debit", Text, nullable=False),
    Column("credit", Text, nullable=False),
    Column("amount_nusd", BigInteger, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("hold_id", Text, nullable=False),
    CheckConstraint("kind IN ('hold', 'post', 'void', 'loss', 'cost', 'topup', 'payout', 'refund')", name="kind"),
    CheckConstraint("amount_nusd >= 0", name="amount"),
    CheckConstraint("debit <> credit", name="accounts"),
)
# A hold ends once: posted or voided, never both.
Index(
    "uq_transfers_end",
    transfers.c.hold_id,
    unique=True,
    sqlite_where=text("kind IN ('post', 'void')"),
    postgresql_where=text("kind IN ('post', 'void')"),
)
# What a wallet was ever funded with is asked for by its owner; calls write none of these.
Index(
    "ix_transfers_topup",
    transfers.c.credit,
    sqlite_where=text("kind = 'topup'"),
    postgresql_where=text("kind = 'topup'"),
)
Index(
    "ix_transfers_payout",
    transfers.c.debit,
    sqlite_where=text("kind = 'payout'"),
    postgresql_where=text("kind = 'payout'"),
)

claims = Table(
    "claims",
    metadata,
    Column("id", Text, primary_key=True),
    Column("request_digest", LargeBinary, nullable=False),
    Column("hold_id", Text, nullable=False),
    Column("keep_ns", BigInteger, nullable=False),
    Column("ends_at_ns", BigInteger),
    Column("answer_digest", LargeBinary),
    Column("answer_object", Text),
)
Index("ix_claims_ends_at_ns", claims.c.ends_at_ns)

# The lives of processes. A live one counts `beats`; who ended, or was declared dead, has `ended_at_ns`. On PostgreSQL
# each of its transactions counts `commits`: what a lost answer said can be read there.
epochs = Table(
    "epochs",
    metadata,
    Column("epoch", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("beats", BigInteger, nullable=False, server_default="0"),
    Column("commits", BigInteger, nullable=False, server_default="0"),
    Column("started_at_ns", BigInteger, nullable=False),
    Column("ended_at_ns", BigInteger),
)

# Versions of prices, only ever added. `terms` is JSON.
prices = Table(
    "prices",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("version", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("effective_from_ns", BigInteger, nullable=False),
    Column("terms", Text, nullable=False),
    Column("created_at_ns", BigInteger, nullable=False),
    CheckConstraint("kind IN ('sale', 'cost')", name="kind"),
)
Index("ix_prices_kind_name", prices.c.kind, prices.c.name)
