"""The demo community: one made-up product with a Slack, a Discord and a Discourse; see examples/README.md."""

from pathlib import Path

AS_OF = "2026-05-04"
"""The Monday after the last message of the archives."""


def folder() -> Path:
    """Where its archives and its configuration are: in an installed wheel beside us, in a checkout in examples."""
    here = Path(__file__).resolve().parent
    installed = here / "demo_community"
    return installed if installed.is_dir() else here.parent / "examples" / "community"


def archives() -> dict[str, list[Path]]:
    """The archives to import, by source."""
    home = folder()
    return {
        "team": [home / "slack-export.zip"],
        "chat": [home / "discord"],
        "forum": [home / "discourse-archive.zip"],
    }
