"""From how many alerts on a rule's alerts of one hour are a storm; the index of what is open finds such hours without the table."""

from alembic import op

revision = "0007"
down_revision = "0006"

_OPEN = "status IN ('open', 'working') AND engine_state IN ('standing', 'provisional') AND NOT shadow"


def upgrade() -> None:
    """Make both; sets of rules that were told before, or by a record worker of before, have no word of their own."""
    op.execute("ALTER TABLE rulesets ADD COLUMN storms JSONB NOT NULL DEFAULT '{}'")
    _open_by("rule_id, first_hit")


def downgrade() -> None:
    """Take both back, with the views on them."""
    op.execute("ALTER TABLE rulesets DROP COLUMN storms CASCADE")
    _open_by("severity, first_stored_at")


def _open_by(columns: str) -> None:
    op.execute("DROP INDEX ix_alerts_open")
    op.execute(f"CREATE INDEX ix_alerts_open ON alerts ({columns}) WHERE {_OPEN}")
