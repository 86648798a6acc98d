"""An activity log with everything that follows from it, as a release left it: what the next version has to go on from."""
