"""Learning: the corpus read, models made of it, and judged. Nothing here runs while the bot runs."""
