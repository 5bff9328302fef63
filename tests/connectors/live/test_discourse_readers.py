"""Which categories somebody can read on a forum: by their groups, as the forum says now; what it does not say, not."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.connectors.live.discourse_home import connected
from tests.connectors.live.discourse_town import Town
from tests.fakes.discourse import FakeDiscourse


@pytest.fixture
def places(forum: FakeDiscourse, town: Town) -> dict[str, str]:
    """Categories by who may read them."""
    found = {"all": town.help, "uncategorized": "uncategorized", "unknown": "4711"}
    for group in ("staff", "helpers", "trust_level_3", "everyone", "nobody"):
        found[group] = forum.add_channel(f"For {group}", private=True)
        if group != "nobody":
            forum.categories[int(found[group])].groups = {group: 3, "owners": 1}
    return found


async def read(forum: FakeDiscourse, member: str, places: dict[str, str]) -> set[str]:
    async with connected(forum) as connector:
        found = await connector.readable(member, list(places.values()))
    return {name for name, id_ in places.items() if id_ in found}


async def test_groups_decide(forum: FakeDiscourse, town: Town, places: dict[str, str]) -> None:
    forum.users[int(town.ann)].groups = ["Helpers"]
    forum.users[int(town.cleo)].trust_level = 4
    open_ = {"all", "uncategorized", "everyone"}
    assert await read(forum, town.ann, places) == open_ | {"helpers"}
    assert await read(forum, town.ben, places) == open_ | {"staff"}
    assert await read(forum, town.cleo, places) == open_ | {"trust_level_3"}


async def test_an_administrator_reads_everything_that_is_known(
    forum: FakeDiscourse, town: Town, places: dict[str, str]
) -> None:
    forum.users[int(town.ben)].admin = True
    assert await read(forum, town.ben, places) == set(places) - {"unknown", "nobody"}


async def test_whoever_is_suspended_reads_nothing(
    forum: FakeDiscourse, town: Town, places: dict[str, str]
) -> None:
    forum.users[int(town.ann)].suspended_till = datetime.now(UTC) + timedelta(days=1)
    assert await read(forum, town.ann, places) == set()
    forum.users[int(town.ann)].suspended_till = datetime.now(UTC) - timedelta(days=1)
    assert "all" in await read(forum, town.ann, places)


async def test_what_the_forum_does_not_tell_is_not_readable(
    forum: FakeDiscourse, town: Town, places: dict[str, str]
) -> None:
    assert await read(forum, "999", places) == set()
    assert await read(forum, "no number", places) == set()
    forum.bot.admin = False  # then nobody tells it who may read what
    assert await read(forum, town.ben, places) == {"all", "uncategorized"}
    forum.may.discard("users")
    assert await read(forum, town.ben, places) == set()
