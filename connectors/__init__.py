"""Floor 1: knows platforms, knows nothing of us."""
