"""The `spaces` command: one file a group of commands. Nothing heavy is imported before a command needs it."""

from bot.cli.app import app

__all__ = ["app"]
