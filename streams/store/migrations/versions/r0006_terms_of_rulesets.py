"""On what terms a ruleset is in force: approved by whom, or why not, and until when it only watches."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the columns."""
    op.execute("ALTER TABLE ruleset_partitions ADD COLUMN shadow_until TIMESTAMPTZ")
    for column in ("approved_by", "emergency"):
        op.execute(f"ALTER TABLE ruleset_partitions ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")
        op.execute(f"ALTER TABLE ruleset_partitions ALTER COLUMN {column} DROP DEFAULT")


def downgrade() -> None:
    """Drop them, with the views on them."""
    for column in ("shadow_until", "approved_by", "emergency"):
        op.execute(f"ALTER TABLE ruleset_partitions DROP COLUMN {column} CASCADE")
