"""Flow: what subjects tell one another. Marks carry verdicts, matches and settlements; money tracing will use the same."""
