"""Addresses of messages, of all three platforms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.links import Linked, read


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("https://acme.slack.com/archives/C024BE91L/p1716200000123456",
         Linked("slack", "acme.slack.com", "C024BE91L:1716200000.123456")),
        ("https://acme.slack.com/archives/C024BE91L/p1716200000123456?thread_ts=1716200000.000100&cid=C024BE91L",
         Linked("slack", "acme.slack.com", "C024BE91L:1716200000.123456")),
        ("https://acme.enterprise.slack.com/archives/G1/p1716200000123456",
         Linked("slack", "acme.enterprise.slack.com", "G1:1716200000.123456")),
        ("https://app.slack.com/client/T1/C024BE91L/p1716200000123456",
         Linked("slack", "app.slack.com", "C024BE91L:1716200000.123456")),
        ("https://discord.com/channels/1/22/333", Linked("discord", "discord.com", "333")),
        ("https://ptb.discord.com/channels/1/22/333", Linked("discord", "ptb.discord.com", "333")),
        ("https://discordapp.com/channels/@me/22/333", Linked("discord", "discordapp.com", "333")),
        ("https://forum.acme.example/t/how-to-start/12/4", Linked("discourse", "forum.acme.example", None, "12", 4)),
        ("https://forum.acme.example/t/how-to-start/12", Linked("discourse", "forum.acme.example", None, "12", 1)),
        ("https://forum.acme.example/t/12/4?u=ann", Linked("discourse", "forum.acme.example", None, "12", 4)),
        ("https://acme.example/forum/t/-/12/4", Linked("discourse", "acme.example", None, "12", 4)),
        ("https://forum.acme.example/p/987", Linked("discourse", "forum.acme.example", "987")),
        ("https://acme.slack.com/archives/C024BE91L", None),
        ("https://slack.com.evil.example/archives/C1/p1716200000123456", None),
        ("https://evilslack.com/archives/C1/p1716200000123456", None),
        ("https://discord.com/channels/1/22", None),
        ("https://notdiscord.com/channels/1/22/333", None),
        ("https://forum.acme.example/latest", None),
        ("ftp://discord.com/channels/1/22/333", None),
        ("https://[broken", None),
        ("tag", None),
    ],
)  # fmt: skip
def test_which_message_is_meant(address: str, wanted: Linked | None) -> None:
    assert read(address) == wanted


@given(st.text(max_size=80))
def test_no_text_is_an_error(text: str) -> None:
    read(text)
    read(f"https://forum.example/t/{text}")
