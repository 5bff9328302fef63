"""The cast: read from `texts/people.txt`, with the days on which each joined and left."""

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from examples.scripts.model import BEGIN, DISCORD, END, FORUM, SLACK, TEXTS, Person

_HOME = {"S": SLACK, "D": DISCORD, "F": FORUM}
_ZONE = {
    "mad": "Europe/Madrid", "ber": "Europe/Berlin", "lon": "Europe/London", "par": "Europe/Paris",
    "lis": "Europe/Lisbon", "war": "Europe/Warsaw", "hel": "Europe/Helsinki", "ist": "Europe/Istanbul",
    "ny": "America/New_York", "chi": "America/Chicago", "la": "America/Los_Angeles",
    "mex": "America/Mexico_City", "bog": "America/Bogota", "bue": "America/Argentina/Buenos_Aires",
    "scl": "America/Santiago", "lim": "America/Lima", "sao": "America/Sao_Paulo", "tor": "America/Toronto",
    "blr": "Asia/Kolkata", "tok": "Asia/Tokyo", "syd": "Australia/Sydney", "lag": "Africa/Lagos",
    "nai": "Africa/Nairobi", "cai": "Africa/Cairo", "tlv": "Asia/Jerusalem", "sgp": "Asia/Singapore",
}  # fmt: skip


def read_people(rng: Random) -> dict[str, Person]:
    """Everybody by key, in the order of the file."""
    people: dict[str, Person] = {}
    for row in (TEXTS / "people.txt").read_text(encoding="utf-8").splitlines():
        if row and not row.startswith("#"):
            person = _person(row, rng)
            people[person.key] = person
    return people


def _person(row: str, rng: Random) -> Person:
    key, name, homes, zone, lang, *rest = (cell.strip() for cell in row.split("|"))
    opts: dict[str, str] = {}
    for word in rest:
        option, _, value = word.partition("=")
        opts[option] = value
    person = Person(key, name, tuple(_HOME[h] for h in homes), _ZONE[zone], lang, opts)
    span = (END - BEGIN).total_seconds()
    if "join" in opts:
        day = BEGIN + timedelta(days=int(opts["join"]), hours=rng.uniform(2, 12))
        person.joined = day
    elif person.staff or "w" in opts or rng.random() < 0.42:
        person.joined = BEGIN - timedelta(days=rng.uniform(5, 700), hours=rng.uniform(0, 20))
    else:
        # An exponent below one makes later days likelier: the community grows.
        person.joined = _civil(person, BEGIN + timedelta(seconds=span * rng.random() ** 0.8 * 0.985), rng)
    if "left" in opts:
        person.left = BEGIN + timedelta(days=int(opts["left"]), hours=rng.uniform(8, 18))
    person.weight = float(opts.get("w", f"{rng.uniform(0.5, 1.8):.3f}"))
    return person


def _civil(person: Person, when: datetime, rng: Random) -> datetime:
    """The same day at an hour at which people sign up."""
    local = when.astimezone(ZoneInfo(person.zone)).replace(hour=rng.randint(9, 22), minute=rng.randint(0, 59))
    return min(max(local.astimezone(UTC), BEGIN), END - timedelta(hours=6))
