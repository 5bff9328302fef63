"""Answers in the form that the asker's platform shows best."""

from bot.commands.model import Ask
from bot.digest.model import Digest
from bot.digest.render import discord, markdown, slack
from connectors.records import Reply

_FORMS = {"slack": slack.payload, "discord": discord.payload}


def digest_reply(digest: Digest, ask: Ask) -> Reply:
    """A digest as an answer: in the platform's own form where there is one, in Markdown for the others."""
    form = _FORMS.get(ask.connector)
    return Reply(
        markdown.render(digest, ask.language),
        payload=form(digest, ask.language) if form else None,
        public="public" in ask.options,
    )
