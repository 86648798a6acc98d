"""Alembic's migrations of the PostgreSQL schema; run through ``streams.store.migrate``, never by hand."""
