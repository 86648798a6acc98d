"""Long runs on the real parts: `make soak`."""
