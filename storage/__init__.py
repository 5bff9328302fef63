"""Floor 2: keeps what connectors say; knows records, knows no platform."""
