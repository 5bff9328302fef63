"""Writes the demo community: one product, three homes, three months, always the same bytes.

Run `python3 examples/generate.py`; the files land in `examples/community/`.
"""

import shutil
import sys
from itertools import combinations
from pathlib import Path
from random import Random

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from examples.scripts import program  # noqa: E402
from examples.scripts.discord import DiscordExport  # noqa: E402
from examples.scripts.forum import ForumArchive, title_of  # noqa: E402
from examples.scripts.model import BEGIN, DISCORD, END, EXPORTED, FORUM, HOMES, SLACK, Person, Talk  # noqa: E402
from examples.scripts.output import Json, dense, indented, iso  # noqa: E402
from examples.scripts.people import read_people  # noqa: E402
from examples.scripts.slack import SlackExport  # noqa: E402
from examples.scripts.stage import Stage  # noqa: E402

SEED = 20260504
_REASONS = {
    "email": "the same e-mail address on Slack and in the forum's admin list",
    "handle": "the same unusual account name on two platforms",
    "site": "the same website in both profiles",
    "said": "says in a post what the other account is called",
}


def generate(folder: Path, seed: int = SEED) -> Json:
    """Write everything into a folder (emptied first) and return the manifest."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "discord").mkdir(parents=True)
    people = read_people(Random(seed))
    talks = program.run(Random(seed + 1), Stage(Random(seed + 2), people))
    for talk in talks:
        talk.title = title_of(talk)
    by_home: dict[str, list[Talk]] = {home: [t for t in talks if t.home == home] for home in HOMES}
    slack = SlackExport(Random(seed + 3), people)
    discord = DiscordExport(Random(seed + 4), people)
    forum = ForumArchive(Random(seed + 5), people)
    truths = {
        SLACK: slack.write(folder / "slack-export.zip", by_home[SLACK]),
        DISCORD: discord.write(folder / "discord", by_home[DISCORD]),
        FORUM: forum.write(folder / "discourse-archive.zip", by_home[FORUM]),
    }
    ids = {SLACK: slack.ids, DISCORD: discord.ids, FORUM: {k: str(v) for k, v in forum.ids.items()}}
    manifest: Json = {
        "product": "Tarnkeep", "seed": seed, "first_day": f"{BEGIN:%Y-%m-%d}", "last_day": f"{END:%Y-%m-%d}",
        "exported_at": iso(EXPORTED), "people": len(people), "staff": sum(p.staff for p in people.values()),
        "people_who_wrote": len({p.person.key for t in talks for p in t.posts}),
        "countable_human_messages": sum(t.countable for t in truths.values()),
        "sources": {home: truth.as_json() for home, truth in truths.items()},
        "same_person": [_same(p, ids) for p in people.values() if "proof" in p.opts],
        "same_person_staff": [_accounts(p, ids) for p in people.values() if p.staff],
        "look_alikes": _look_alikes(people, ids),
        "hostile_names": [
            {"accounts": _accounts(people[k], ids)["accounts"], "shown": people[k].display(people[k].homes[0])}
            for k in ("rosa_here", "nils_html", "jpstar", "layla_h", "dana_levi", "zofia_q", "everyone_else")
        ],
    }  # fmt: skip
    (folder / "manifest.json").write_text(_one_line_a_question(manifest), encoding="utf-8")
    return manifest


def _one_line_a_question(manifest: Json) -> str:
    rows = {
        f"{h}-{n}": q for h, s in manifest["sources"].items() for n, q in enumerate(s["questions"]["list"])
    }
    short = {h: s | {"questions": s["questions"] | {"list": []}} for h, s in manifest["sources"].items()}
    for name in rows:
        short[name.split("-", maxsplit=1)[0]]["questions"]["list"].append(f"row {name}")
    text = indented(manifest | {"sources": short})
    for name, question in rows.items():
        text = text.replace(f'"row {name}"', dense(question), 1)
    return text


def _accounts(person: Person, ids: dict[str, dict[str, str]]) -> Json:
    accounts = {home: {"id": ids[home][person.key], "name": person.handle(home)} for home in person.homes}
    return {"person": person.key, "accounts": accounts}


def _same(person: Person, ids: dict[str, dict[str, str]]) -> Json:
    return _accounts(person, ids) | {"because": [_REASONS[word] for word in person.opts["proof"].split(",")]}


def _look_alikes(people: dict[str, Person], ids: dict[str, dict[str, str]]) -> list[Json]:
    alike = [p for p in people.values() if "like" in p.opts]
    return [
        {"shown": a.name, "different_people": [_accounts(a, ids), _accounts(b, ids)]}
        for a, b in combinations(alike, 2)
        if a.opts["like"] == b.opts["like"]
    ]


if __name__ == "__main__":
    result = generate(HERE / "community")
    for home, source in result["sources"].items():
        asked = {k: v for k, v in source["questions"].items() if k != "list"}
        print(f"{home}: {source['countable_human_messages']} messages by people, questions {asked}")
