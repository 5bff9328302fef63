"""The six spaces: one file a letter, each with its labels and its metrics; their sum is bot.spaces.catalogue."""
