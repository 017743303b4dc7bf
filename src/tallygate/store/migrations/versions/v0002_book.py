"""The book: wallets, budgets, holds, transfers, claims, epochs of processes, and prices.

A migration is history: it never imports `schema`, which moves on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables of the book, and give every workspace its wallet."""
    _widen_users_and_keys()
    _create_wallets_and_budgets()
    _create_holds()
    _create_transfers()
    _create_claims_and_epochs()
    _create_prices()


def _widen_users_and_keys() -> None:
    # Spelled out: alembic cannot add a column together with its constraint on SQLite.
    for column in (
        "users ADD COLUMN slots_used BIGINT NOT NULL DEFAULT 0 CONSTRAINT ck_users_slots_used CHECK (slots_used >= 0)",
        "users ADD COLUMN slots_max BIGINT CONSTRAINT ck_users_slots_max CHECK (slots_max >= 0)",
        "keys ADD COLUMN slots_max BIGINT CONSTRAINT ck_keys_slots_max CHECK (slots_max >= 0)",
        "keys ADD COLUMN shortens INTEGER NOT NULL DEFAULT 1 CONSTRAINT ck_keys_shortens CHECK (shortens IN (0, 1))",
    ):
        op.execute(f"ALTER TABLE {column}")


def _create_wallets_and_budgets() -> None:
    op.create_table(
        "wallets",
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("posted_nusd", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("held_nusd", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("next_sequence", sa.BigInteger, nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("workspace_id", name="pk_wallets"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_wallets_workspace_id"),
        sa.CheckConstraint("0 <= held_nusd AND held_nusd <= posted_nusd", name="ck_wallets_covered"),
        sa.CheckConstraint("next_sequence >= 1", name="ck_wallets_next_sequence"),
    )
    op.execute("INSERT INTO wallets (workspace_id) SELECT id FROM workspaces")
    op.create_table(
        "budgets",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("owner_id", sa.Text, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("limit_nusd", sa.BigInteger, nullable=False),
        sa.Column("window_start_ns", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("spent_nusd", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("held_nusd", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_budgets"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_budgets_workspace_id"),
        sa.UniqueConstraint("owner_id", "period", name="uq_budgets_owner_id_period"),
        sa.CheckConstraint("level IN ('workspace', 'user', 'key')", name="ck_budgets_level"),
        sa.CheckConstraint("period IN ('daily', 'weekly', 'monthly', 'total')", name="ck_budgets_period"),
        sa.CheckConstraint("limit_nusd >= 0 AND spent_nusd >= 0 AND held_nusd >= 0", name="ck_budgets_amounts"),
    )


def _create_holds() -> None:
    texts = ("id", "workspace_id", "user_id", "key_id", "epoch", "model", "price_version", "budget_ids", "claim_id")
    numbers = ("amount_nusd", "output_tokens_max", "opened_at_ns", "charged_nusd", "loss_nusd", "refunded_nusd")
    counts = ("sequence", "input_tokens", "output_tokens", "progress_nusd")
    op.create_table(
        "holds",
        *(sa.Column(name, sa.Text, nullable=False) for name in (*texts, "state", "details")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in (*numbers, *counts)),
        sa.Column("ended_at_ns", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_holds"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"], ["users.workspace_id", "users.id"], name="fk_holds_workspace_id_user_id"
        ),
        sa.CheckConstraint("state IN ('open', 'posted', 'voided')", name="ck_holds_state"),
        sa.CheckConstraint("(state = 'open') = (ended_at_ns IS NULL)", name="ck_holds_ended"),
        sa.CheckConstraint("(state = 'posted') = (sequence > 0)", name="ck_holds_sequence"),
        sa.CheckConstraint("0 <= charged_nusd AND charged_nusd <= amount_nusd", name="ck_holds_charged"),
        sa.CheckConstraint("0 <= refunded_nusd AND refunded_nusd <= charged_nusd", name="ck_holds_refunded"),
        sa.CheckConstraint("loss_nusd >= 0 AND progress_nusd >= 0", name="ck_holds_amounts"),
    )
    _create_partial_index("ix_holds_open", "holds", ["epoch", "id"], "state = 'open'")
    _create_partial_index("uq_holds_sequence", "holds", ["workspace_id", "sequence"], "sequence > 0", unique=True)
    op.create_index("ix_holds_workspace_id_opened_at_ns", "holds", ["workspace_id", "opened_at_ns"])


def _create_transfers() -> None:
    kinds = "'hold', 'post', 'void', 'loss', 'cost', 'topup', 'payout', 'refund'"
    op.create_table(
        "transfers",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("id", "kind", "debit", "credit")),
        sa.Column("amount_nusd", sa.BigInteger, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("hold_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_transfers"),
        sa.CheckConstraint(f"kind IN ({kinds})", name="ck_transfers_kind"),
        sa.CheckConstraint("amount_nusd >= 0", name="ck_transfers_amount"),
        sa.CheckConstraint("debit <> credit", name="ck_transfers_accounts"),
    )
    _create_partial_index("uq_transfers_end", "transfers", ["hold_id"], "kind IN ('post', 'void')", unique=True)
    _create_partial_index("ix_transfers_topup", "transfers", ["credit"], "kind = 'topup'")
    _create_partial_index("ix_transfers_payout", "transfers", ["debit"], "kind = 'payout'")
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER transfers_refuse_{verb.lower()} BEFORE {verb} ON transfers "
                "BEGIN SELECT RAISE(ABORT, 'a transfer is never changed'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION tallygate_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'a transfer is never changed'; END $$"
    )
    op.execute(
        "CREATE TRIGGER transfers_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON transfers "
        "FOR EACH STATEMENT EXECUTE FUNCTION tallygate_refuse_change()"
    )


def _create_claims_and_epochs() -> None:
    op.create_table(
        "claims",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("request_digest", sa.LargeBinary, nullable=False),
        sa.Column("hold_id", sa.Text, nullable=False),
        sa.Column("keep_ns", sa.BigInteger, nullable=False),
        sa.Column("ends_at_ns", sa.BigInteger),
        sa.Column("answer_digest", sa.LargeBinary),
        sa.Column("answer_object", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_claims"),
    )
    op.create_index("ix_claims_ends_at_ns", "claims", ["ends_at_ns"])
    op.create_table(
        "epochs",
        sa.Column("epoch", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("beats", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("commits", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("started_at_ns", sa.BigInteger, nullable=False),
        sa.Column("ended_at_ns", sa.BigInteger),
        sa.PrimaryKeyConstraint("epoch", name="pk_epochs"),
    )


def _create_prices() -> None:
    op.create_table(
        "prices",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("version", "kind", "name", "terms")),
        sa.Column("effective_from_ns", sa.BigInteger, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_prices"),
        sa.UniqueConstraint("version", name="uq_prices_version"),
        sa.CheckConstraint("kind IN ('sale', 'cost')", name="ck_prices_kind"),
    )
    op.create_index("ix_prices_kind_name", "prices", ["kind", "name"])


def _create_partial_index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
