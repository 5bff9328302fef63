"""The fake forum against what Discourse publishes of itself: its OpenAPI document and its recorded answers."""

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema
import pytest

from tests.fakes.discourse import FakeDiscourse

CONTRACTS = Path(__file__).parents[3].parent / "shared" / "contracts" / "discourse"


@pytest.fixture(scope="module")
def contract() -> Any:
    if not CONTRACTS.is_dir():
        pytest.skip(f"the published contracts of Discourse are not at {CONTRACTS}")
    return json.loads(gzip.decompress((CONTRACTS / "openapi.json.gz").read_bytes()))


@pytest.fixture
async def forum() -> AsyncIterator[FakeDiscourse]:
    fake = FakeDiscourse()
    await fake.start()
    help_ = fake.add_channel("Help")
    first = fake.open_thread(help_, fake.add_member("ann"), "A question of shape", "what does it look like?")
    fake.say(help_, "1", "like this", reply_to=first)
    fake.react(first, "heart", "1")
    yield fake
    await fake.stop()


async def ask(forum: FakeDiscourse, method: str, path: str, **more: Any) -> Any:
    headers = {"Api-Key": forum.key, "Api-Username": forum.settings["user"]}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, forum.settings["url"] + path, headers=headers, **more) as answer,
    ):
        assert answer.status == 200, await answer.text()
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        return await answer.json()


def wrong(schema: Any, found: Any) -> list[str]:
    """What of an answer has another type than is published; what nobody reads may be missing."""

    def eased(part: Any) -> Any:
        if isinstance(part, list):
            return [eased(item) for item in part]
        if not isinstance(part, dict):
            return part
        kept = {
            key: eased(value)
            for key, value in part.items()
            if key not in {"required", "additionalProperties"}
        }
        if part.get("type") == "string" and "format" not in part and "enum" not in part:
            # Numbers of posts are published as text and given as numbers.
            kept["type"] = ["string", "null", "integer"]
        if part.get("type") == ["string", "null"]:
            kept["type"] = ["string", "null", "integer"]
        if part.get("type") in ("integer", "array", "object", "boolean", "number"):
            kept["type"] = [part["type"], "null"]
        return kept

    errors = jsonschema.Draft202012Validator(eased(schema)).iter_errors(found)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:100]}" for error in errors]


def schema_of(contract: Any, method: str, path: str) -> Any:
    return contract["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]


async def test_answers_have_the_published_types(forum: FakeDiscourse, contract: Any) -> None:
    topic, post = next(iter(forum.topics)), next(iter(forum.posts))
    message = forum.write_private("2", "A word with you", "@spaces weekly")
    assert (await ask(forum, "GET", "/notifications.json"))["notifications"]
    for path, asked in (
        ("/posts.json", "/posts.json"),
        ("/posts/{id}.json", f"/posts/{post}.json"),
        ("/latest.json", "/latest.json"),
        ("/t/{id}.json", f"/t/{topic}.json"),
        ("/t/{id}/posts.json", f"/t/{topic}/posts.json?post_ids[]={post}"),
        ("/site.json", "/site.json"),
        ("/categories.json", "/categories.json"),
        ("/c/{id}/show.json", "/c/4/show.json"),
        ("/admin/users/list/{flag}.json", "/admin/users/list/active.json"),
        ("/groups.json", "/groups.json"),
        ("/notifications.json", "/notifications.json"),
        ("/topics/private-messages/{username}.json", "/topics/private-messages/spaces.json"),
        ("/u/{username}.json", "/u/ann.json"),
        ("/admin/users/{id}.json", "/admin/users/2.json"),
        ("/t/{id}.json", f"/t/{forum.posts[int(message)].topic}.json"),
    ):
        assert wrong(schema_of(contract, "get", path), await ask(forum, "GET", asked)) == [], path
    made = await ask(forum, "POST", "/posts.json", json={"raw": "text", "topic_id": topic})
    assert wrong(schema_of(contract, "post", "/posts.json"), made) == []
    edited = await ask(forum, "PUT", f"/posts/{made['id']}.json", json={"post": {"raw": "other"}})
    assert wrong(schema_of(contract, "put", "/posts/{id}.json"), edited) == []
    form = aiohttp.FormData({"type": "composer", "upload_type": "composer", "synchronous": "true"})
    form.add_field("file", b"png", filename="a.png", content_type="image/png")
    assert (
        wrong(
            schema_of(contract, "post", "/uploads.json"), await ask(forum, "POST", "/uploads.json", data=form)
        )
        == []
    )


async def test_a_wrong_type_would_be_found(forum: FakeDiscourse, contract: Any) -> None:
    found = await ask(forum, "GET", "/posts.json")
    found["latest_posts"][0]["id"] = "no number"
    assert wrong(schema_of(contract, "get", "/posts.json"), found)


async def test_rows_have_the_recorded_keys(forum: FakeDiscourse, contract: Any) -> None:
    assert contract
    recorded = json.loads((CONTRACTS / "fixtures" / "posts_latest.json").read_text("utf-8"))["latest_posts"][
        0
    ]
    made = (await ask(forum, "GET", "/posts.json"))["latest_posts"][0]
    renamed = {"avg_time", *(key for key in recorded if key.startswith("primary_group_flair"))}
    assert set(recorded) - renamed <= set(made)
    topic = json.loads((CONTRACTS / "fixtures" / "topic.json").read_text("utf-8"))
    assert {"id", "post_stream", "title", "slug", "category_id"} <= set(topic)


async def test_everything_asked_is_published(forum: FakeDiscourse, contract: Any) -> None:
    """Every path the fake answers is in the document, but for a few that only the program's source tells."""
    known = {path.replace("{name}", "{id}").replace("{flag}", "{id}") for path in contract["paths"]}
    app = forum._server._runner.app if forum._server._runner else None
    assert app is not None
    routes = {(route.resource.canonical if route.resource else "") for route in app.router.routes()}
    routes = {
        path.replace("{name}", "{id}").replace("{flag}", "{id}").replace("{key}", "{external_id}")
        for path in routes
    }
    assert routes - known == {"/about.json", "/session/current.json", "/posts", "/t/{slug}/{id}.json"}
