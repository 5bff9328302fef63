"""What a reader says can be kept, whatever was in the file; and saying it again changes nothing."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from storage import ingest
from storage.database import Database
from storage.tables import Message
from tests.connectors.written import (
    CATEGORIES,
    author,
    discord,
    pages,
    post,
    posted,
    said,
    slack,
    topic,
    zipped,
)

NASTY = "half \ud83d, nothing \0, \x1b[2J, \u202e, 👩‍👩‍👧, ’; DROP TABLE messages; --"
FILES: dict[str, dict[str, Any]] = {
    "slack": slack(
        [said(text=NASTY, reactions=[{"name": NASTY, "count": 99_999_999}]), said("1709985601.000001", user="U9", username=NASTY)]
    ) | {"users.json": [{"id": "U1", "name": NASTY, "profile": {"real_name": NASTY, "email": NASTY, "fields": {"x": {"value": "https://" + NASTY}}}}]},
    "discord": {"a.json": discord(
        [posted("1", content=NASTY, author=author(name=NASTY, nickname=NASTY, roles=[{"name": NASTY}]),
                reactions=[{"emoji": {"name": NASTY}, "count": 1}]), posted("2", type="GuildMemberJoin", author=author("502", name=NASTY))],
        {"name": NASTY, "type": "GuildPublicThread", "category": NASTY},
    )},
    "discourse": {
        "t/1.json": topic([post(71, raw=NASTY, name=NASTY, username=NASTY), post(72, 2, user_id=None, username="ann", email=NASTY)],
                          title=NASTY, slug=NASTY),
        "c.json": {"categories": [*CATEGORIES["category_list"]["categories"], {"id": 9, "name": NASTY, "slug": NASTY}]},
        "u.json": {"user": {"id": 21, "username": NASTY, "website": NASTY, "groups": [{"name": NASTY}], "created_at": "2020-01-01T00:00:00Z"}},
    },
}  # fmt: skip


@pytest.mark.parametrize("connector", FILES)
async def test_nasty_texts_are_saved_and_saved_again(
    database: Database, tmp_path: Path, connector: str
) -> None:
    path = zipped(tmp_path / "a.zip", FILES[connector])
    found = await pages(connector, path, url="https://x.example")
    assert not any(page.problems for page in found)
    with database.write() as session:
        source = ingest.source_id(session, "source", connector)
    for expected in (sum(len(page.messages) for page in found), 0):
        with database.write() as session:
            assert sum(ingest.save(session, source, page).messages for page in found) == expected
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == sum(
            len(page.messages) for page in found
        )
        assert ingest.cursors(session, source) == {found[0].stream: ""}
