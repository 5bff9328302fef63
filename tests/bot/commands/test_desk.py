"""The desk: a wish goes in, an answer comes out, and never an exception."""

import pytest

from bot.commands.desk import Desk
from bot.live.writer import Writer
from bot.settings import Config, Source
from connectors.records import Command, Member
from storage.database import Database
from tests.golden.community import Golden

CONFIG = Config(sources={"team": Source(connector="slack"), "forum": Source(connector="discourse")})
ANN = Member("ann", "ann", "Ann", is_staff=True)


@pytest.mark.parametrize(("source", "formed"), [("team", True), ("forum", False)])
async def test_a_digest_is_answered_in_the_form_of_the_platform(
    database: Database, source: str, formed: bool
) -> None:
    Golden(database).tell()
    async with Writer(database) as writer:
        desk = Desk(database, writer, CONFIG)
        reply = await desk.answer(source, Command("1", ANN, "semanal", language="es"))
    assert reply is not None
    assert "Semana" in reply.text
    assert (reply.payload is not None) is formed
    assert not reply.public


async def test_help_names_every_command_in_the_askers_language(database: Database) -> None:
    async with Writer(database) as writer:
        desk = Desk(database, writer, CONFIG)
        english = await desk.answer("team", Command("1", ANN, "help"))
        spanish = await desk.answer("team", Command("2", ANN, "ayuda", language="es-MX"))
    assert english is not None
    assert spanish is not None
    assert all(f"/spaces {offer.name}`" in english.text for offer in desk.offers)
    assert all(f"/spaces {offer.names['es']}`" in spanish.text for offer in desk.offers)
