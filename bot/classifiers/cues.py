"""Cues: patterns in many languages, found in one pass over a message.

`cues/<language>.toml` holds, for each label (and for a few notions that the rules need), groups of RE2 patterns with
a weight and the reason that people are shown. The patterns of all languages become a few automata, label by label. A
single one would be looked at once, but it must remember what each pattern has seen so far, and all combinations of that:
on texts that are new it is four times slower, and takes three times the memory.
"""

import re
import tomllib
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import re2

_FOLDER = Path(__file__).resolve().parent / "cues"

LONGEST = 2_000
"""Characters of a message that are looked at."""

ENOUGH = 2
"""The sum of weights from which a label is given: one strong cue (2) or two weak ones (1), less what speaks against."""

_AUTOMATA = 6
_MEMORY = (
    64 << 20
)  # RE2 drops its automaton, and begins again, where it outgrows this; in use are some megabytes


class Cue(NamedTuple):
    """Some patterns that say the same, be it in several languages; however many are seen, it counts once."""

    label: str
    weight: int
    why: str


class Reading(NamedTuple):
    """What was seen in one message."""

    score: dict[str, int]
    """Label or notion -> sum of the weights of its cues."""
    why: dict[str, str]
    """Label or notion -> reason of a cue that decides alone, else of a weak one."""
    words: int
    has_link: bool
    has_code: bool

    def says(self, label: str) -> bool:
        """The cues are enough."""
        return self.score.get(label, 0) >= ENOUGH


class _Automaton(NamedTuple):
    """The patterns of some labels."""

    patterns: Any  # re2.Set
    cues: list[Cue]
    """Of each pattern."""


@cache
def _automata() -> list[_Automaton]:
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    written: dict[str, list[tuple[str, Cue]]] = {}
    for path in sorted(_FOLDER.glob("*.toml")):
        for label, entries in tomllib.loads(path.read_text("utf-8")).items():
            written.setdefault(label, []).extend(
                (pattern.replace("'", ""), Cue(label, entry["weight"], entry["why"]))
                for entry in entries
                for pattern in entry["patterns"]
            )
    found = [_Automaton(re2.Set.SearchSet(options), []) for _ in range(_AUTOMATA)]
    for patterns in sorted(written.values(), key=len, reverse=True):
        automaton = min(found, key=lambda each: len(each.cues))  # all become about as large
        for pattern, cue in patterns:
            automaton.patterns.Add(pattern)
            automaton.cues.append(cue)
    for automaton in found:
        automaton.patterns.Compile()
    return found


@cache
def fingerprint() -> str:
    """A digest of everything that decides: the cues, the program beside them, and the model that finds conversations."""
    digest = sha256()
    here = Path(__file__).resolve().parent
    for path in sorted([*here.glob("*.py"), *_FOLDER.glob("*.toml"), here / "models" / "links.json"]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@cache
def written() -> str:
    """A digest of the cues alone: a model made with others would misread them."""
    digest = sha256()
    for path in sorted(_FOLDER.glob("*.toml")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


_MARKUP = re.compile(
    r"""
    (?P<code> ```.*?(?:```|\Z) | `[^`\n]+` | <pre\b.*?</pre> | <code\b.*?</code> )
  | (?P<quote> ^\s{0,3}(?:>|&gt;)[^\n]*$ | \[quote\b.*?\[/quote\] | <blockquote\b.*?</blockquote> )
  | (?P<link> <?https?://[^\s<>)\]|]+(?:\|[^>\n]*)?>? | \bwww\.[^\s<>)\]]+ )
  | (?P<call> <[@\#!][^>\n]*> | (?<![\w.])@[\w.-]+ )
  | (?P<tag> </?[a-z][^>\n]*> )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_INSTEAD = {"code": " \u2039code\u203a ", "quote": " ", "link": " \u2039link\u203a ", "call": "@", "tag": " "}
_TRIGGERS = re.compile(r"[<>`@\[]|&gt;|http|www\.", re.IGNORECASE)
_PLAIN = str.maketrans("áàâäéèêëíìîïóòôöúùûüñç\u201c\u201d", 'aaaaeeeeiiiioooouuuunc""', "\u2019\u2018\u00b4")


@lru_cache(maxsize=8_192)
def clean(text: str) -> str:
    """What was said, in lower case, without accents and apostrophes; code, links and mentions are replaced by marks.

    Quotes are left out. A text is looked at a few times while its batch is tagged, hence the cache. People write "dont" and "como" as often as "don't" and "cómo", so patterns need say it once.
    """
    text = text[:LONGEST]
    if _TRIGGERS.search(text):
        text = _MARKUP.sub(lambda found: _INSTEAD[str(found.lastgroup)], text)
    text = text.lower().replace("'", "")
    if not text.isascii():
        text = text.translate(_PLAIN)
    return text


@lru_cache(maxsize=8_192)
def read(text: str) -> Reading:
    """Find all cues of a message."""
    said = clean(text)
    score: dict[str, int] = {}
    why: dict[str, str] = {}
    encoded = said.encode()
    for patterns, cues in _automata():
        found = patterns.Match(encoded)
        if not found:
            continue
        for label, weight, reason in dict.fromkeys(cues[number] for number in sorted(found)):
            score[label] = score.get(label, 0) + weight
            if weight >= ENOUGH or (weight > 0 and label not in why):
                why[label] = reason
    return Reading(score, why, said.count(" ") + 1, "\u2039link\u203a" in said, "\u2039code\u203a" in said)
