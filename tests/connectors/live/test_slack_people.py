"""Who is who on Slack: user groups are roles, whatever the app may know and however it learns of it."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from connectors.slack import SlackConnector
from storage import ingest, population, tables
from storage.database import Database
from tests.connectors.live.slack_room import listening, read
from tests.fakes.slack import SCOPES, FakeSlack
from tests.fakes.slack_kept import Kept


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    fake = FakeSlack()
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
async def connector(slack: FakeSlack) -> AsyncIterator[SlackConnector]:
    made = SlackConnector(slack.settings, slack.secrets)
    yield made
    await made.close()


def roles(kept: Kept) -> dict[str, tuple[str, ...]]:
    return {member.name: member.roles for _, _, member in kept.members.values() if member.roles}


async def test_user_groups_are_roles(slack: FakeSlack, connector: SlackConnector, database: Database) -> None:
    ann, ben = slack.add_member("ann"), slack.add_member("ben", staff=True)
    slack.add_member("cleo")
    slack.add_group("Our team", "team", [ann, ben])
    slack.add_group("writers", "writers", [ben])
    old = slack.add_group("Old hands", "old", [ann])
    slack.groups[old]["date_delete"] = 1600000000
    kept = Kept()
    await read(connector, kept)
    assert roles(kept) == {"ann": ("Our team", "team"), "ben": ("admin", "Our team", "team", "writers")}
    policy = population.Policy(staff_roles=("Team",), staff_platform_flag=False)
    with database.write() as session:
        source = ingest.source_id(session, "team", "slack")
        ingest.save_all(session, source, kept.pages)
        population.settle(session, policy)
        found = session.execute(select(tables.Member.name, tables.Member.standing)).all()
    assert {name for name, standing in found if standing == "staff"} == {"ann", "ben"}


async def test_who_joins_a_group_has_its_role(slack: FakeSlack, connector: SlackConnector) -> None:
    ann, ben = slack.add_member("ann"), slack.add_member("ben")
    team = slack.add_group("team", "team", [ann])
    kept = Kept()
    async with listening(connector, kept):
        await read(connector, kept)
        assert roles(kept) == {"ann": ("team",)}
        gaps = kept.gaps
        slack.regroup(team, [ben])
        await kept.until(lambda: kept.gaps > gaps)
        await read(connector, kept)
        assert roles(kept) == {"ben": ("team",)}
        slack.users[ben]["profile"]["display_name"] = "Benny"
        slack.wire.emit({"type": "user_change", "user": slack.users[ben]})
        await kept.until(lambda: kept.members[ben][2].display_name == "Benny")
        assert roles(kept) == {"ben": ("team",)}, "an event of the account does not say its groups"


@pytest.mark.parametrize("error", ["", "paid_teams_only", "unknown_method", "internal_error"])
async def test_without_the_right_to_know_groups_all_else_goes_on(
    slack: FakeSlack, connector: SlackConnector, error: str
) -> None:
    slack.add_group("team", "team", [slack.add_member("ann")])
    if error:
        slack.api.errors["usergroups.list"] = error
    else:
        slack.scopes = ",".join(one for one in SCOPES.split(",") if one != "usergroups:read")
    general = slack.add_channel("general")
    slack.say(general, next(iter(slack.users)), "hello")
    kept = Kept()
    await read(connector, kept)
    assert kept.standing() == slack.standing()
    assert {"ann", "spaces"} == {member.name for _, _, member in kept.members.values()}
    assert roles(kept) == {}
    findings = {finding.words: finding.good for finding in await connector.check()}
    words = "Without the bot scope usergroups:read the bot cannot tell staff by user group."
    assert all(findings.values())
    assert (words in findings) == (not error)
