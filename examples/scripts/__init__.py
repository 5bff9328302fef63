"""The parts of the demo community's generator."""
