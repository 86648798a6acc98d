"""State: one log of legs per subject with running windows over it, and all of a partition's subjects."""
