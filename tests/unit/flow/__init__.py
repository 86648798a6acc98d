"""Tests of `streams.legs`."""
