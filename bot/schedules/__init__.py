"""Digests on time: when each is due, what is posted, and that it is posted once (docs/adr/0006)."""
