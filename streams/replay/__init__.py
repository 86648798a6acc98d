"""Replay: the embedded run, tests inside rules, the generator and the score."""
