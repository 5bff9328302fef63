"""Who may ask what: roles and accounts, over all accounts of a person; bots never, closed accounts never."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bot.commands.rights import Closed, is_guest, rights_of
from bot.settings import RIGHTS, Config, Rights, Roles
from connectors.records import Member, Page
from storage import ingest, people, population, tables
from storage.database import Database
from tests.bot.commands.room import SOURCES, room
from tests.golden.community import AS_OF, Golden

EVERYONE = {"read"}
ANALYST = {"read", "quote", "publish", "record"}


@pytest.fixture
def golden(database: Database) -> Golden:
    found = Golden(database)
    found.tell()
    return found


def config(moderators: tuple[str, ...] = (), analysts: tuple[str, ...] = (), **roles: Any) -> Config:
    return Config(sources=SOURCES, roles=Roles(moderators=moderators, analysts=analysts, **roles))


def rights(golden: Golden, config: Config, asker: Member, source: str = "team") -> set[str] | None:
    with golden.database.read() as session:
        found = rights_of(session, config, source, asker)
    return None if found is None else set(found)


def tell(golden: Golden, member: Member, source: str = "team") -> None:
    with golden.database.write() as session:
        page = Page("more", None, AS_OF + timedelta(hours=1), members=[member])
        ingest.save(session, golden.numbers[source], page)
        population.settle(session, config().policy())


def little(id_: str, **said: Any) -> Member:
    return Member(id_, id_, complete=False, **said)


def test_a_named_account_is_one_by_handle_or_id(golden: Golden) -> None:
    for name in ("team:ann", "team:ANN", "team:@ann"):
        assert rights(golden, config((name,)), little("ann")) == set(RIGHTS)
        assert rights(golden, config((name,)), little("cat")) == EVERYONE
        assert rights(golden, config((name,)), little("ann"), "forum") == EVERYONE
    tell(golden, Member("U77", "zoe"))
    assert rights(golden, config(("team:U77",)), little("U77")) == set(RIGHTS)
    assert rights(golden, config((), ("team:zoe",)), little("U77")) == ANALYST


def test_a_handle_that_two_bear_is_nobodys(golden: Golden) -> None:
    tell(golden, Member("U77", "Ann"))
    assert rights(golden, config(("team:ann",)), Member("U77", "ann")) == EVERYONE
    # Whose id it is keeps it.
    assert rights(golden, config(("team:ann",)), little("ann")) == set(RIGHTS)


def test_who_calls_themselves_like_anothers_id_gets_nothing(golden: Golden) -> None:
    tell(golden, Member("U77", "zoe"))
    tell(golden, Member("U99", "u77"))
    assert rights(golden, config(("team:U77",)), little("U99")) == EVERYONE


def test_roles_as_told_or_as_stored(golden: Golden) -> None:
    wanted = config(("Mods",))
    assert rights(golden, wanted, little("cat")) == EVERYONE
    assert rights(golden, wanted, little("cat", roles=("mods",))) == set(RIGHTS)
    tell(golden, Member("cat", "cat", roles=("MODS", "x")))
    assert rights(golden, wanted, little("cat")) == set(RIGHTS)
    # The platform says now what all the roles are: that one of them was taken away counts at once.
    assert rights(golden, wanted, Member("cat", "cat", roles=("x",))) == EVERYONE
    assert rights(golden, wanted, Member("stranger", "s", roles=("mods",))) == set(RIGHTS)


def test_the_platforms_own_admins(golden: Golden) -> None:
    assert rights(golden, config(), little("cat", is_staff=True)) == set(RIGHTS)
    assert rights(golden, config(platform_admins=False), little("cat", is_staff=True)) == EVERYONE


def test_merged_people_have_the_rights_of_all_their_accounts(golden: Golden) -> None:
    assert rights(golden, config(("team:ben",)), little("ben2"), "forum") == set(
        RIGHTS
    )  # merged in the golden page
    tell(golden, Member("cat", "cat", roles=("mods",), is_active=False))
    with golden.database.write() as session:
        team, forum = golden.numbers["team"], golden.numbers["forum"]
        people.merge(session, [f"{team}:cat", f"{forum}:ben2"], "", "test")
    # A closed account lends nothing to the others.
    assert rights(golden, config(("mods",)), little("ben2"), "forum") == EVERYONE


def test_several_roles_add_up_and_rights_are_the_operators(golden: Golden) -> None:
    mine = Config(
        sources=SOURCES,
        roles=Roles(moderators=("team:ann",), analysts=("team:ann", "team:dan")),
        rights=Rights(everyone=(), analysts=("quote",), moderators=("tag",)),
    )
    assert rights(golden, mine, little("ann")) == {"quote", "tag"}
    assert rights(golden, mine, little("dan")) == {"quote"}
    assert rights(golden, mine, little("cat")) == set()


def test_bots_have_none_and_closed_accounts_are_told(golden: Golden) -> None:
    everything = config(("robot", "team:robot", "team:cat"))
    assert rights(golden, everything, little("robot")) is None
    assert rights(golden, everything, little("cat", is_bot=True)) is None
    for asker in (little("ned"), little("cat", is_active=False)):
        with pytest.raises(Closed), golden.database.read() as session:
            rights_of(session, everything, "team", asker)


def test_guests_are_known_by_what_the_platform_says(golden: Golden) -> None:
    with golden.database.write() as session:
        session.execute(
            update(tables.Member).where(tables.Member.external_id == "cat").values(roles='["guest"]')
        )
    with golden.database.read() as session:
        assert is_guest(session, "team", little("cat"))
        assert not is_guest(session, "team", little("ann"))
        assert not is_guest(session, "team", Member("cat", "cat"))


async def test_at_the_desk(database: Database) -> None:
    async with room(database) as here:
        assert await here.ask("robot", "help") is None
        assert "closed" in await here.said("ned", "help")
        said = await here.said("cat", "tag message=q1 idea")
        assert said == (
            "`/spaces tag` is for people with the right “tag”. Ask whoever looks after this community."
        )
        assert "anota" in await here.said("cat", "anota leads 3", language="es")
        assert "publish" in await here.said("cat", "weekly public", channel_id="general")
        reply = await here.ask("dan", "weekly public", channel_id="general")
        assert reply is not None
        assert reply.public
        # Where nobody else reads, there is nobody to show it to.
        reply = await here.ask("dan", "weekly public")
        assert reply is not None
        assert not reply.public
        assert "goal" in await here.said("dan", "goal nps 30 2027-01-01")
