"""How many records intake found in each source, so that what was lost behind it shows."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    op.execute("""
CREATE TABLE sources_found (
    source TEXT NOT NULL,
    revision_epoch BIGINT NOT NULL,
    revision_offset BIGINT NOT NULL,
    revision_index BIGINT NOT NULL,
    first_offset BIGINT NOT NULL,
    found BIGINT NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_sources_found PRIMARY KEY (source)
)
""")


def downgrade() -> None:
    """Drop it, with the view on it."""
    op.execute("DROP TABLE sources_found CASCADE")
