"""Tests of `streams.flow`."""
