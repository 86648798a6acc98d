"""Which dead letters were fed again, and how many records of a source were gone before intake read them."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table and the column."""
    op.execute("""
CREATE TABLE dead_letter_retries (
    source_topic TEXT NOT NULL,
    source_partition INTEGER NOT NULL,
    source_offset BIGINT NOT NULL,
    retried_offset BIGINT NOT NULL,
    retried_at TIMESTAMPTZ NOT NULL,
    mended BOOLEAN NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_dead_letter_retries PRIMARY KEY (source_topic, source_partition, source_offset)
)
""")
    op.execute("ALTER TABLE sources_found ADD COLUMN lost BIGINT NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE sources_found ALTER COLUMN lost DROP DEFAULT")


def downgrade() -> None:
    """Drop them, with the views on them."""
    op.execute("DROP TABLE dead_letter_retries CASCADE")
    op.execute("ALTER TABLE sources_found DROP COLUMN lost CASCADE")
