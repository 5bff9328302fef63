"""Floor 3: asks storage the questions of the six spaces and speaks the answers."""
