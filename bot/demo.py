"""The demo community: one made-up product with a Slack, a Discord and a Discourse; see examples/README.md."""

from pathlib import Path

AS_OF = "2026-05-04"
"""The Monday after the last message of the archives."""

_HERE = Path(__file__).resolve().parent
_INSTALLED = _HERE / "demo_community"
_CHECKOUT = _HERE.parent / "examples"


def configuration() -> Path:
    """Its configuration file."""
    return (_INSTALLED if _INSTALLED.is_dir() else _CHECKOUT) / "spaces.toml"


def archives() -> dict[str, list[Path]]:
    """The archives to import, by source."""
    home = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT / "community"
    return {
        "team": [home / "slack-export.zip"],
        "chat": [home / "discord"],
        "forum": [home / "discourse-archive.zip"],
    }
