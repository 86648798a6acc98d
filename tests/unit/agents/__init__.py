"""What workers and tools do without a broker."""
