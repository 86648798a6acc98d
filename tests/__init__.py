"""Each folder answers one question; see CONTRIBUTING.md."""
