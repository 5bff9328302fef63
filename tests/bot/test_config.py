"""The configuration: what it means, where it is looked for, and how every mistake in it is told."""

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from bot.config import Config, ConfigError, example, load
from bot.mistakes import lines
from bot.settings import NAMED, Estimate, Source
from bot.spaces.model import Area
from storage.population import Places, Policy

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of this machine, and an empty working folder and home."""
    for name in os.environ:
        if name.upper().startswith("SPACES_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def read(tmp_path: Path, text: str, database: str | None = None) -> Config:
    file = tmp_path / "spaces.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, database)


def mistakes(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, text)
    said = str(error.value).splitlines()
    assert len(said) == len(error.value.problems)
    return said


# --- the example ------------------------------------------------------------------------------------------------


def switched_on(text: str) -> str:
    """The example with every setting that is off switched on."""
    return re.sub(r"^#(?=[a-z\[])", "", text, flags=re.MULTILINE)


EXPLAINED = {"sources": "team", "schedules": "weekly-team"}
"""Of the sections of which there may be many: the one that the example explains."""


def fields(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        inner = NAMED.get(name, field.annotation)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            way = (name, EXPLAINED[name]) if name in NAMED else (name,)
            yield from ((*way, *rest) for rest in fields(inner))
        else:
            yield (name,)


def test_the_example_has_every_setting_and_no_other() -> None:
    written = {
        key
        for key in lines(switched_on(example()))
        if len(key) > 1 and (key[0] not in NAMED or (len(key) > 2 and key[1] == EXPLAINED[str(key[0])]))
    }
    assert written == set(fields(Config))


def test_every_setting_of_the_example_is_explained() -> None:
    text = example().splitlines()
    for number, line in enumerate(text):
        if re.match(r"#?[a-z_]+ = ", line) and not line.endswith(
            ('discord"', 'discourse"', 'forum.acme.example"')
        ):
            assert text[number - 1].startswith("# "), line


def test_the_example_is_the_defaults(tmp_path: Path) -> None:
    config = read(tmp_path, example())
    assert config.model_dump(exclude={"sources", "database"}) == Config().model_dump(
        exclude={"sources", "database"}
    )
    assert config.sources == {"team": Source(connector="slack")}
    assert config.database.url == f"sqlite:///{tmp_path}/spaces.sqlite3"


def test_the_example_loads_with_everything_switched_on(tmp_path: Path) -> None:
    config = read(tmp_path, switched_on(example()))
    assert set(config.sources) == {"team", "chat", "forum"}
    assert config.community.north_star is Area.SUPPORT
    assert config.value.cost_per_case == Estimate(5, 12, 25)


def test_the_example_is_the_one_at_the_top() -> None:
    assert example() == (ROOT / "config.example.toml").read_text(encoding="utf-8")


# --- what it means ----------------------------------------------------------------------------------------------

WHOLE = """
[community]
name = "Acme community"
timezone = "Europe/Madrid"
language = "es"
areas = ["engagement", "support"]
north_star = "support"
[sources.team]
connector = "slack"
url = "https://acme.slack.com/"
include = ["leads"]
exclude = ["random"]
internal = ["staff"]
[sources.chat]
connector = "discord"
[staff]
emails = ["@acme.example", "ann@x.example"]
roles = ["Team"]
members = ["team:alice", "chat:1234"]
platform_flag = false
[bots]
members = ["team:deploybot"]
[recognition]
opt_out = ["team:alice"]
[support]
answer_days = 3
[value]
currency = "USD"
cost_per_case = [1, 2.5, 4]
"""


def test_a_whole_configuration(tmp_path: Path) -> None:
    config = read(tmp_path, WHOLE)
    assert config.community.zone.key == "Europe/Madrid"
    assert config.community.areas == (Area.ENGAGEMENT, Area.SUPPORT)
    assert config.sources["team"].url == "https://acme.slack.com"
    assert config.support.answer_days == 3
    assert config.value.cost_per_case == Estimate(1, 2.5, 4)
    assert config.value.ticket_share is None
    assert config.recognition.opt_out == ("team:alice",)
    assert config.policy() == Policy(
        sources={"team": Places(("leads",), ("random",), ("staff",)), "chat": Places()},
        staff_emails=("@acme.example", "ann@x.example"),
        staff_roles=("Team",),
        staff_members=("team:alice", "chat:1234"),
        staff_platform_flag=False,
        bot_members=("team:deploybot",),
    )


def test_an_empty_configuration_is_the_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, "").community == Config().community


def test_a_configuration_cannot_be_changed(tmp_path: Path) -> None:
    config = read(tmp_path, WHOLE)
    with pytest.raises(ValueError, match="frozen"):
        config.community.name = "x"


def test_where_it_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home" / "spaces"
    home.mkdir(parents=True)
    for place, name in ((home, "home"), (tmp_path, "here"), (tmp_path / "other", "named")):
        place.mkdir(exist_ok=True)
        (place / "spaces.toml").write_text(f'[community]\nname = "{name}"\n', encoding="utf-8")
        if name == "named":
            monkeypatch.setenv("SPACES_CONFIG", str(place / "spaces.toml"))
        assert load(None).community.name == name
    assert load(home / "spaces.toml").community.name == "home"


def test_without_a_configuration_it_says_how_to_make_one() -> None:
    with pytest.raises(ConfigError, match="Run `spaces init`"):
        load(None)


@pytest.mark.parametrize("by", ["argument", "environment"])
def test_a_named_file_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    (tmp_path / "spaces.toml").write_text("", encoding="utf-8")
    missing = tmp_path / "missing.toml"
    monkeypatch.setenv("SPACES_CONFIG", str(missing) if by == "environment" else "")
    with pytest.raises(ConfigError, match=r"missing\.toml: there is no such"):
        load(missing if by == "argument" else None)


# --- the database's address -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///data/x.sqlite3", "sqlite:///{folder}/data/x.sqlite3"),
        ("sqlite:///../x.sqlite3?mode=ro", "sqlite:///{parent}/x.sqlite3?mode=ro"),
        ("sqlite:////var/x.sqlite3", "sqlite:////var/x.sqlite3"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql://me@host:5433/db?sslmode=require", "postgresql://me@host:5433/db?sslmode=require"),
    ],
)
def test_an_address_in_the_file_is_relative_to_it(tmp_path: Path, url: str, expected: str) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    found = read(folder, f'[database]\nurl = "{url}"\n').database.url
    assert found == expected.format(folder=folder, parent=tmp_path)


def test_the_command_line_beats_the_environment_and_that_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '[database]\nurl = "sqlite:///file.sqlite3"\n'
    monkeypatch.setenv("SPACES_DATABASE_URL", "postgresql://me:pa%40ss@host/db")
    assert read(tmp_path, text).database.url == "postgresql://me:pa%40ss@host/db"
    assert read(tmp_path, text, "sqlite:///said.sqlite3").database.url == f"sqlite:///{tmp_path}/said.sqlite3"
    assert read(tmp_path, text, "plain.sqlite3").database.url == f"sqlite:///{tmp_path}/plain.sqlite3"
    with pytest.raises(ConfigError, match="--database: it is no address"):
        read(tmp_path, text, "mysql://host/db")


@pytest.mark.parametrize("by", ["value", "file"])
def test_the_password_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("p@ss/w:rd\n", encoding="utf-8")
    name = "SPACES_DATABASE_PASSWORD" + ("_FILE" if by == "file" else "")
    monkeypatch.setenv(name, str(secret) if by == "file" else "p@ss/w:rd")
    config = read(tmp_path, '[database]\nurl = "postgresql://me@host/db"\n')
    assert config.database.url == "postgresql://me:p%40ss%2Fw%3Ard@host/db"
    assert "w%3A" not in repr(config)


@pytest.mark.parametrize(
    ("variables", "url", "said"),
    [
        ({"PASSWORD": "hunter2", "PASSWORD_FILE": "x"}, "postgresql://me@host/db", "Keep one of the two"),
        ({"PASSWORD_FILE": "no/such/file"}, "postgresql://me@host/db", "no/such/file cannot be read"),
        ({"PASSWORD": "hunter2"}, "postgresql://host/db", "a password for it, but no user"),
    ],
)
def test_a_password_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str, said: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"SPACES_DATABASE_{name}", value)
    (found,) = mistakes(tmp_path, f'[database]\nurl = "{url}"\n')
    assert said in found
    assert "hunter2" not in found


# --- the environment --------------------------------------------------------------------------------------------


def test_the_environment_overrides_any_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "COMMUNITY__LANGUAGE": "en",
        "COMMUNITY__AREAS": '["success"]',
        "COMMUNITY__NORTH_STAR": "success",
        "SUPPORT__ANSWER_DAYS": "5",
        "STAFF__ROLES": "Team, Staff",
        "STAFF__PLATFORM_FLAG": "true",
        "VALUE__COST_PER_CASE": "[1, 2, 3]",
        "SOURCES__TEAM__EXCLUDE": "random,off-topic",
        "SOURCES__FORUM__CONNECTOR": "discourse",
        "TEAM_BOT_TOKEN": "xoxb-1",
        "TEAM_BOT_TOKEN_FILE": "/run/token",
        "TEST_POSTGRES_URL": "x",
        "BENCH_POSTGRES_URL": "x",
        "DEBUG": "1",
    }.items():
        monkeypatch.setenv(f"SPACES_{name}", value)
    config = read(tmp_path, WHOLE)
    assert config.community.language == "en"
    assert config.community.name == "Acme community"
    assert config.community.areas == (Area.SUCCESS,)
    assert config.support.answer_days == 5
    assert config.staff.roles == ("Team", "Staff")
    assert config.staff.platform_flag
    assert config.value.cost_per_case == Estimate(1, 2, 3)
    assert config.sources["team"].exclude == ("random", "off-topic")
    assert config.sources["team"].include == ("leads",)
    assert config.sources["forum"].connector == "discourse"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SPACES_COMMUNTY__NAME", "Did you mean SPACES_COMMUNITY__NAME?"),
        ("SPACES_COMMUNITY_NAME", "Did you mean SPACES_COMMUNITY__NAME?"),
        ("SPACES_SUPPORT__ANSWERDAYS", "Did you mean SPACES_SUPPORT__ANSWER_DAYS?"),
        ("SPACES_DATABSE_URL", "Did you mean SPACES_DATABASE_URL?"),
        ("SPACES_CONFIGG", "Did you mean SPACES_CONFIG?"),
        ("SPACES_TEAM_BOT_TOKN", "Did you mean SPACES_TEAM_BOT_TOKEN?"),
        ("SPACES_TAEM_BOT_TOKEN", "Did you mean SPACES_TEAM_BOT_TOKEN?"),
        ("SPACES_QQQQQ", "Remove it"),
    ],
)
def test_a_variable_that_means_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    monkeypatch.setenv(name, "hunter2")
    said = mistakes(tmp_path, WHOLE)
    assert said[-1].startswith(f"the environment variable {name}: ")
    assert meant in said[-1]
    assert not any("hunter2" in one for one in said)


def test_a_wrong_value_in_the_environment_is_told_with_the_variables_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACES_SUPPORT__ANSWER_DAYS", "soon")
    monkeypatch.setenv("SPACES_COMMUNITY__AREAS", '["support"')
    areas, days = sorted(mistakes(tmp_path, WHOLE))
    assert areas.startswith("the environment variable SPACES_COMMUNITY__AREAS: must be a list.")
    assert days.startswith("the environment variable SPACES_SUPPORT__ANSWER_DAYS: must be a whole number.")


# --- mistakes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[community]\n\nnmae = "x"',
            'line 3: community.nmae: there is no such setting. Did you mean "name"?',
        ),
        ("[comunity]", 'line 1: comunity: there is no such setting. Did you mean "community"?'),
        (
            'community.language = "sp"',
            'line 1: community.language: "sp" is not allowed here. Known are: en, es.',
        ),
        ('[community]\ntimezone = "Madrid"', 'line 2: community.timezone: there is no time zone "Madrid".'),
        ('[community]\ntimezone = "europe/madrid"', 'Did you mean "Europe/Madrid"?'),
        (
            '[community]\nareas = [\n  "support",\n  "prodct"]',
            'areas[1]: "prodct" is not allowed here. Did you mean "product"?',
        ),
        ('[community]\nareas = ["support", "support"]', "line 2: community.areas: an area is named twice"),
        ("[community]\nareas = []", "line 2: community.areas: an area is named twice, or none is"),
        (
            '[community]\nareas = ["support"]\nnorth_star = "product"',
            'line 3: community.north_star: "product" is not among',
        ),
        ("[community]\nname = 5", "line 2: community.name: must be text. Put it in quotes."),
        ("community = 5", "line 1: community: must be a section."),
        ("[sources]\nteam = 5", "line 2: sources.team: must be a section."),
        ('[sources.team]\nconnector = "slak"', 'there is no connector "slak". Did you mean "slack"?'),
        ("[sources.team]", "line 1: sources.team.connector: is missing."),
        ('[sources.Team]\nconnector = "slack"', 'line 1: sources.Team: a source cannot be called "Team".'),
        (
            '[sources.database]\nconnector = "slack"',
            'line 1: sources.database: a source cannot be called "database".',
        ),
        (
            '[sources.team]\nconnector = "slack"\nurl = "acme"',
            'line 3: sources.team.url: "acme" is no web address.',
        ),
        (
            '[sources.team]\nconnector = "slack"\nurl = "https://me:hush@acme.example"',
            "line 3: sources.team.url: an address must not hold a user or a password.",
        ),
        ('[judge]\nurl = "http://h/v1"', "judge.model: the judge has no model. Name the one to ask"),
        ('[judge]\nurl = "localhost:11434"\nmodel = "m"', '"localhost:11434" is no web address.'),
        ('[judge]\nurl = "http://h/v1?a=b"\nmodel = "m"', "judge.url: the judge's address ends before its ?"),
        (
            '[judge]\nurl = "http://me:hush@h/v1"\nmodel = "m"',
            'judge.url: an address must not hold a user or a password. Write it without, such as "http://127',
        ),
        (
            '[sources.team]\nconnector = "slack"\nexclude = "x"',
            "line 3: sources.team.exclude: must be a list.",
        ),
        ('[staff]\nemails = ["acme.example"]', 'emails[0]: "acme.example" is no e-mail address or domain.'),
        ('[staff]\nmembers = ["alice"]', 'line 2: staff.members[0]: "alice" is no account.'),
        ('[bots]\nmembers = ["x:bot"]', 'line 2: bots.members[0]: there is no source "x". Add [sources.x]'),
        (
            '[sources.team]\nconnector = "slack"\n[roles]\nmoderators = ["taem:alice"]',
            'line 4: roles.moderators[0]: there is no source "taem". Did you mean "team:alice"?',
        ),
        ('[roles]\nanalysts = [""]', "line 2: roles.analysts[0]: a role has no name."),
        (
            '[rights]\neveryone = ["raed"]',
            'line 2: rights.everyone[0]: "raed" is not allowed here. Did you mean "read"?',
        ),
        ('[tagging]\nemoji = {"💡" = "ideea"}', 'there is no label "ideea".'),
        ('[tagging.topic_tags]\nfaq = "questoin"', 'there is no label "questoin". Did you mean "question"?'),
        ("[value]\nlead_value = 5", "line 2: value.lead_value: must be three numbers."),
        ("[support]\nanswer_days = 0", "line 2: support.answer_days: must be at least 1."),
        ("[support]\nanswer_days = 1.5", "line 2: support.answer_days: must be a whole number."),
        ('[support]\nanswer_days = "7 days"', "line 2: support.answer_days: must be a whole number."),
        ("[value]\ncost_per_case = 5", "line 2: value.cost_per_case: must be three numbers."),
        ("[value]\ncost_per_case = [3, 2, 1]", "the three numbers must grow"),
        ("[value]\nticket_share = [10, 20, 30]", "a share is between 0 and 1."),
        ('[value]\ncurrency = "euro"', 'line 2: value.currency: "euro" is no currency.'),
        ('[database]\nurl = "mysql://x"', "line 2: database.url: it is no address"),
        ('[database]\nurl = "spaces.sqlite3"', "line 2: database.url: it is no address"),
    ],
)
def test_one_mistake_is_told_with_its_line_and_its_cure(tmp_path: Path, text: str, said: str) -> None:
    (found,) = mistakes(tmp_path, text)
    assert found.startswith("spaces.toml, line ")
    assert said in found


def test_roles_are_names_of_any_kind(tmp_path: Path) -> None:
    config = read(tmp_path, """
[sources.team]
connector = "slack"
[roles]
moderators = ["Community: team", "@mods", "team:alice", "team:U123", "jefes de la aldea"]
[tagging]
emoji = {"💡" = "product_idea", ":white_check_mark:" = "resolved"}
topic_tags = {"feature-request" = "product_idea"}
""")  # fmt: skip
    assert len(config.roles.moderators) == 5
    assert config.tagging.emoji["💡"] == "product_idea"


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACES_STAFFF__ROLES", "x")
    text = """
[community]
timezone = "Mars"
lang = "en"
[sources.team]
connector = "slak"
token = "x"
[sources.chat]
[staff]
members = ["taem:alice", "bob"]
"""
    said = mistakes(tmp_path, text)
    assert [re.sub(r".*?(line \d+|variable).*", r"\1", one) for one in said] == [
        "line 3", "line 4", "line 6", "line 7", "line 8", "line 10", "line 10", "variable",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('[sources.team]\nconnector = "slack"\nbot_token = "hunter2"', "SPACES_TEAM_BOT_TOKEN"),
        ('[sources.my-forum]\nconnector = "discourse"\napi_key = "hunter2"', "SPACES_MY_FORUM_API_KEY"),
        ('[sources.team]\nconnector = "slack"\nsecret = {signing = "hunter2"}', None),
        ('[database]\npassword = "hunter2"', "SPACES_DATABASE_PASSWORD"),
        ('[database]\nurl = "postgresql://me:hunter2@host/db"', "SPACES_DATABASE_PASSWORD"),
        ('[database]\nurl = "postgresql://me@host/db?password=hunter2"', "SPACES_DATABASE_PASSWORD"),
        ('[community]\npurpose = "xoxb-hunter2"', "SPACES_COMMUNITY_PURPOSE"),
    ],
)
def test_a_secret_in_the_file_is_refused_and_never_shown(tmp_path: Path, text: str, name: str | None) -> None:
    said = mistakes(tmp_path, text)
    assert not any("hunter2" in one for one in said)
    if name is not None:
        (found,) = said
        assert "must not stand in this file" in found
        assert f"{name} or the file named by {name}_FILE" in found


@pytest.mark.parametrize(
    "text",
    [
        '[community]\ntimezone = "hunter2-hunter2-hunter2-hunter2-hunter2-hunter2"',
        '[sources.team]\nconnector = "xoxb-hunter2"',
        '[value]\ncurrency = "xapp-1-hunter2"',
        '[staff]\nmembers = ["xoxp-hunter2"]',
        '[community]\nname = "hunter2',
        "[community]\nname = hunter2",
        "[community]\nhunter2 hunter2 = 1",
    ],
)
def test_no_value_that_may_be_a_secret_is_ever_shown(tmp_path: Path, text: str) -> None:
    assert not any("hunter2" in one for one in mistakes(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[community]\nname = \n", 2),
        ('[community]\n\nname = "x\n', 3),
        ("[community\n", 1),
        ("a = 1\na = 2\n", 2),
        ("a = [1,\n", 2),
        ("a == 1", 1),
    ],
)
def test_what_is_no_toml_is_one_sentence_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    (found,) = mistakes(tmp_path, text)
    assert found.startswith(f"spaces.toml, line {line}: this is not TOML: ")


def test_a_file_that_is_no_text_or_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "spaces.toml"
    file.write_bytes(b'[community]\nname = "Espa\xf1a"\n')
    with pytest.raises(ConfigError, match="it is not UTF-8 text"):
        load(file)
    with pytest.raises(ConfigError, match="there is no such configuration file"):
        load(tmp_path)
    file.write_bytes(b'\xef\xbb\xbf[community]\r\nname = "Espa\xc3\xb1a"\r\n')
    assert load(file).community.name == "España"


def test_the_lines_of_a_text_that_makes_it_hard() -> None:
    text = '''# [no.section]
a.b = 1 # c = 2
"quoted key" = [ # [x]
  "]", "[y]", { z = 1 },
]
many = """
[w]
v = 1
"""
[ s . "t" ] # comment
u = {k = 1, l = 'm = 2'}
    n=""" one line """
[[list]]
x = 1.5
[[list]]
x = 2025-01-01
'''
    tomllib.loads(text)
    assert lines(text) == {
        ("a",): 2, ("a", "b"): 2, ("quoted key",): 3, ("many",): 6, ("s", "t"): 10, ("s", "t", "u"): 11,
        ("s", "t", "n"): 12, ("list", 0): 13, ("list", 0, "x"): 14, ("list", 1): 15, ("list", 1, "x"): 16,
    }  # fmt: skip
