"""`spaces run`: live platforms, each supervised by itself, in one event loop with the database off it."""
