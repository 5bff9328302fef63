"""What people may ask of the bot: one entry a command, one file a small group of them; no platform is known here."""
