"""Speed, measured: each module prints ours, the floor or peer measured in the same run, and their ratio."""
