"""The store's pure parts, and its commands on SQLite."""
