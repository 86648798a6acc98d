"""Tests against the real broker and the real SQL server."""
