"""Tests of `streams.detection`."""
