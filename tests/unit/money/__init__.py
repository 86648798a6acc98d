"""Tests of `streams.money`."""
