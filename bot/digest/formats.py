"""The names of the formats and languages, for the command line; nothing is imported to know them."""

from enum import StrEnum


class Format(StrEnum):
    """How a digest is written."""

    TERMINAL = "terminal"
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"
    SLACK = "slack"
    DISCORD = "discord"


class Language(StrEnum):
    """The languages a digest speaks."""

    EN = "en"
    ES = "es"
