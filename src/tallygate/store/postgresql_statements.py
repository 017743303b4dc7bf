"""The statements of the book on PostgreSQL, and the settings of its session. Values are arrays, one for each column.

Names and order of columns are those of `book_rows`. Nothing is executed here.
"""

from typing import LiteralString, NamedTuple

SESSION = (
    # A frozen writer must not keep the rows of a busy wallet, nor leave the outcome of its commit open for ever.
    "SET idle_in_transaction_session_timeout TO '5s'",
    # For what is not skipped: a row of the same id that another transaction is about to insert, a migration's lock.
    "SET lock_timeout TO '2s'",
    # Every row is found by its id. A plan made while a table was small must not read it whole once it has grown.
    "SET enable_seqscan TO off",
    "SET enable_hashjoin TO off",
    "SET enable_mergejoin TO off",
    "SET plan_cache_mode TO force_generic_plan",
    "SET jit TO off",
)

# The row stays locked until the transaction has ended: behind its lock, `commits` says how it ended. The server's own
# number of a transaction does not do for that: one whose log never reached the disk is given out again after a crash.
SELECT_EPOCH = "SELECT commits FROM epochs WHERE epoch = %s AND ended_at_ns IS NULL FOR NO KEY UPDATE"
SELECT_COMMITS = "SELECT commits FROM epochs WHERE epoch = %s FOR NO KEY UPDATE NOWAIT"
COUNT_COMMIT = "UPDATE epochs SET commits = commits + 1, beats = beats + %s::int WHERE epoch = %s"

_SKIP: LiteralString = " SKIP LOCKED"
# Every row that is named comes back once: whole, if it could be locked, else as its id and NULLs.
# ORDER BY is done before the rows are locked, and ids never change, so the caveat on stale order does not apply
# (https://www.postgresql.org/docs/current/sql-select.html, The Locking Clause).
# NO KEY UPDATE excludes every other writer, but not those who only add a row that refers to this one.
_LOCK_USERS = (
    "WITH got AS MATERIALIZED (SELECT id, workspace_id, status, slots_used, slots_max"
    " FROM users WHERE id = ANY(%(ids)s::text[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)"
    " SELECT named.id, got.* FROM users named LEFT JOIN got ON got.id = named.id WHERE named.id = ANY(%(ids)s::text[])"
)
_LOCK_WALLETS = (
    "WITH got AS MATERIALIZED (SELECT workspace_id, posted_nusd, held_nusd, next_sequence"
    " FROM wallets WHERE workspace_id = ANY(%(ids)s::text[]) ORDER BY workspace_id FOR NO KEY UPDATE SKIP LOCKED)"
    " SELECT named.workspace_id, got.* FROM wallets named LEFT JOIN got ON got.workspace_id = named.workspace_id"
    " WHERE named.workspace_id = ANY(%(ids)s::text[])"
)
_LOCK_BUDGETS = (
    "WITH got AS MATERIALIZED (SELECT id, level, owner_id, period, limit_nusd, window_start_ns, spent_nusd, held_nusd"
    " FROM budgets WHERE id = ANY(%(ids)s::text[]) OR owner_id = ANY(%(owners)s::text[])"
    " ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)"
    " SELECT named.id, got.*, named.owner_id FROM budgets named LEFT JOIN got ON got.id = named.id"
    " WHERE named.id = ANY(%(ids)s::text[]) OR named.owner_id = ANY(%(owners)s::text[]) ORDER BY named.id"
)
_LOCK_RATES = (
    "WITH got AS MATERIALIZED"
    " (SELECT id, level, owner_id, kind, per_minute, filled_micro, seen_at_ns, held_tokens"
    " FROM rates WHERE id = ANY(%(ids)s::text[]) OR owner_id = ANY(%(owners)s::text[])"
    " ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)"
    " SELECT named.id, got.*, named.owner_id FROM rates named LEFT JOIN got ON got.id = named.id"
    " WHERE named.id = ANY(%(ids)s::text[]) OR named.owner_id = ANY(%(owners)s::text[]) ORDER BY named.id"
)
_LOCK_CLAIMS = (
    "WITH got AS MATERIALIZED (SELECT id, request_digest, hold_id, keep_ns, ends_at_ns, answer_digest, answer_object"
    " FROM claims WHERE id = ANY(%(ids)s::text[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)"
    " SELECT named.id, got.* FROM claims named LEFT JOIN got ON got.id = named.id WHERE named.id = ANY(%(ids)s::text[])"
)
_LOCK_HOLDS = (
    "WITH got AS MATERIALIZED (SELECT id, workspace_id, user_id, key_id, epoch, model, price_version, amount_nusd,"
    " output_tokens_max, opened_at_ns, budget_ids, claim_id, state, ended_at_ns, charged_nusd, loss_nusd,"
    " refunded_nusd, sequence, input_tokens, output_tokens, progress_nusd, details, rate_ids, rate_tokens"
    " FROM holds WHERE id = ANY(%(ids)s::text[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)"
    " SELECT named.id, got.* FROM holds named LEFT JOIN got ON got.id = named.id WHERE named.id = ANY(%(ids)s::text[])"
)


class Locking(NamedTuple):
    """The statements that lock, in their order."""

    users: LiteralString
    wallets: LiteralString
    budgets: LiteralString
    rates: LiteralString
    claims: LiteralString
    holds: LiteralString


SKIPPING = Locking(_LOCK_USERS, _LOCK_WALLETS, _LOCK_BUDGETS, _LOCK_RATES, _LOCK_CLAIMS, _LOCK_HOLDS)
WAITING = Locking(
    _LOCK_USERS.replace(_SKIP, ""),
    _LOCK_WALLETS.replace(_SKIP, ""),
    _LOCK_BUDGETS.replace(_SKIP, ""),
    _LOCK_RATES.replace(_SKIP, ""),
    _LOCK_CLAIMS.replace(_SKIP, ""),
    _LOCK_HOLDS.replace(_SKIP, ""),
)

# Read without a lock. A revocation that committed before this statement began is seen; one that commits later is later
# than this admission, whatever the order of the two commits: nobody was told of it when the key was looked at.
SELECT_WORKSPACES = "SELECT id, status FROM workspaces WHERE id = ANY(%(ids)s::text[])"
SELECT_KEYS = (
    "SELECT id, workspace_id, user_id, status, version, expires_at_ns, slots_max, shortens"
    " FROM keys WHERE id = ANY(%(ids)s::text[])"
)
SELECT_TRANSFERS = (
    "SELECT id, kind, debit, credit, amount_nusd, at_ns, hold_id FROM transfers WHERE id = ANY(%(ids)s::text[])"
)

UPDATE_USERS = (
    "UPDATE users SET slots_used = new.slots_used"
    " FROM unnest(%s::bigint[], %s::text[]) AS new (slots_used, id) WHERE users.id = new.id"
)
UPDATE_WALLETS = (
    "UPDATE wallets SET posted_nusd = new.posted_nusd, held_nusd = new.held_nusd, next_sequence = new.next_sequence"
    " FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[])"
    " AS new (posted_nusd, held_nusd, next_sequence, id) WHERE wallets.workspace_id = new.id"
)
UPDATE_BUDGETS = (
    "UPDATE budgets SET limit_nusd = new.limit_nusd, window_start_ns = new.window_start_ns,"
    " spent_nusd = new.spent_nusd, held_nusd = new.held_nusd"
    " FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[])"
    " AS new (limit_nusd, window_start_ns, spent_nusd, held_nusd, id) WHERE budgets.id = new.id"
)
UPDATE_RATES = (
    "UPDATE rates SET filled_micro = new.filled_micro, seen_at_ns = new.seen_at_ns, held_tokens = new.held_tokens"
    " FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[])"
    " AS new (filled_micro, seen_at_ns, held_tokens, id) WHERE rates.id = new.id"
)
INSERT_CLAIMS = (
    "INSERT INTO claims (request_digest, hold_id, keep_ns, ends_at_ns, answer_digest, answer_object, id)"
    " SELECT * FROM unnest(%s::bytea[], %s::text[], %s::bigint[], %s::bigint[], %s::bytea[], %s::text[], %s::text[])"
)
UPDATE_CLAIMS = (
    "UPDATE claims SET request_digest = new.request_digest, hold_id = new.hold_id, keep_ns = new.keep_ns,"
    " ends_at_ns = new.ends_at_ns, answer_digest = new.answer_digest, answer_object = new.answer_object"
    " FROM unnest(%s::bytea[], %s::text[], %s::bigint[], %s::bigint[], %s::bytea[], %s::text[], %s::text[])"
    " AS new (request_digest, hold_id, keep_ns, ends_at_ns, answer_digest, answer_object, id)"
    " WHERE claims.id = new.id"
)
DELETE_CLAIMS = "DELETE FROM claims WHERE id = ANY(%s::text[])"
INSERT_HOLDS = (
    "INSERT INTO holds (id, workspace_id, user_id, key_id, epoch, model, price_version, amount_nusd,"
    " output_tokens_max, opened_at_ns, budget_ids, claim_id, state, ended_at_ns, charged_nusd, loss_nusd,"
    " refunded_nusd, sequence, input_tokens, output_tokens, progress_nusd, details, rate_ids, rate_tokens)"
    " SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],"
    " %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[],"
    " %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[],"
    " %s::bigint[])"
)
UPDATE_HOLDS = (
    "UPDATE holds SET epoch = new.epoch, price_version = new.price_version, state = new.state,"
    " ended_at_ns = new.ended_at_ns,"
    " charged_nusd = new.charged_nusd, loss_nusd = new.loss_nusd, refunded_nusd = new.refunded_nusd,"
    " sequence = new.sequence, input_tokens = new.input_tokens, output_tokens = new.output_tokens,"
    " progress_nusd = new.progress_nusd, details = new.details"
    " FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],"
    " %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[]) AS new (epoch, price_version,"
    " state, ended_at_ns, charged_nusd, loss_nusd, refunded_nusd, sequence, input_tokens, output_tokens,"
    " progress_nusd, details, id)"
    " WHERE holds.id = new.id"
)
INSERT_TRANSFERS = (
    "INSERT INTO transfers (id, kind, debit, credit, amount_nusd, at_ns, hold_id)"
    " SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::text[])"
)
SET_LOCK_TIMEOUT = "SELECT set_config('lock_timeout', %s, true)"

NAME_SESSION: LiteralString = "SELECT set_config('application_name', %s, false)"
