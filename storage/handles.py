"""How much a handle says: two people may well both be "admin" or "maria.garcia", hardly both "quillfeather"."""

import re
import unicodedata
from itertools import permutations

_SHORTEST = 6
_LETTERS = 4
_NAME = 4

_WORDS = """
    a an el im its la los mr mrs my not real the account admin administrador administrator agent alguien alpha amigo angel anon anonymous anybody apple
    archer artist autumn ayuda backend badger banana beta biker blaze blue bot brain bubble builder business
    butterfly cactus captain champion chaos cherry chief chocolate cloud cobra code coder coffee comet community
    company comunidad contact cookie cosmos cowboy coyote crazy crystal cyber daemon data delta demo
    desarrollador designer dev developer devops diamond digital discord discourse docker doctor dolphin donut
    dragon dreamer dude eagle echo eclipse editor emerald empty engineer equipo everyone example expert explorer
    falcon family fire flash flower foro forum fox friend frontend frost fullstack future galaxy gamer gaming
    garden general ghost github gitlab golden google green guest guru hacker happy hello help helpdesk helper
    hero homelab horizon hunter info ingeniero inventor invitado iron jedi joker junior king kitten knight
    kubernetes laser learner legend lemon leopard light linux lion little lizard lucky magic mail main maker
    manager mango marketing master matrix maverick member mentor meteor midnight mister moderador moderator
    monkey moon mountain music mystic nadie naranja nebula neon newbie night ninja nobody noname nova null
    number octopus office omega online operator oracle orange orion owner oxygen panda panther paradox password
    person phantom phoenix photon pickle pilot pirate pixel planet player potato prime prince princess private
    product professor profile programador programmer project proton public pumpkin purple puzzle python quantum
    queen rabbit radio rainbow random ranger raven reader rebel red redhat research river robot rocket rookie
    root runner rust sales samurai scientist scout secret security senior server service shadow shark silver
    simon simple skywalker slack sniper snow soldier somebody someone soporte spark spider spirit spring staff
    star starlight steel stone storm student sugar summer sunflower sunrise sunset sunshine super support
    sysadmin system teacher team tech test tester testing testuser thunder tiger titan tornado traveler
    traveller turbo turtle ubuntu unicorn unknown user username usuario vampire velvet venom victory viking
    viper visitor vortex wanderer warrior watcher web webmaster welcome whale white wild winner winter wizard
    wolf wonder work writer yellow yoda zebra zero zombie
"""
WORDS = frozenset(_WORDS.split())
"""Words that many people choose, in English and Spanish."""

_NAMES = """
    aaron abdul adam adrian agnes ahmed alan albert alberto alejandra alejandro alessandro alex alexander
    alexandra alexis alfonso alfred alfredo alice alicia alina allison amanda amelia amina amy ana anders andre
    andrea andreas andres andrew andy angela angelo anita anna anne anthony antonio arjun arthur arturo ashley
    astrid barbara beatriz ben benjamin bernard bernd bianca bob brandon brian bruno caleb camila carla carlos
    carmen carol carolina caroline catalina catherine cecilia chen chloe chris christian christina christine
    christopher clara claudia clement colin cristina daisuke dan daniel daniela danielle dario dave david
    deborah deepak denis dennis diana diego dimitri dominic donald dorothy eduardo edward elena eleonora eli
    elias elisa elizabeth ella ellen emil emilia emily emma enrique eric erik ernesto esteban ethan eugene eva
    evelyn fatima federico felipe felix fernanda fernando florian frances francesca francesco francis francisco
    frank franz fred frederik gabriel gabriela gary george gerard gerardo giovanni giulia gloria gonzalo grace
    greg gregory guillermo gustavo hannah hans harold harriet harry hassan hector heidi helen helena henri henry
    herbert hiroshi hugo ian ibrahim ignacio igor ines ingrid irene isaac isabel isabella ivan jack jacob jaime
    jakob james jamie jan jane janet jason javier jean jeff jennifer jeremy jessica jesus jim joan joanna joao
    joaquin joel johan johanna johannes john johnny jonas jonathan jordan jorge jose josef joseph joshua juan
    juana judith julia julian juliana julie julien julio justin karen karim karin karl kate katherine kathleen
    katie keith kelly kenji kenneth kevin klaus kristin kumar larry laura lauren laurent lea leandro lena leo
    leon leonardo leonie liam lili lina linda lisa lorenzo louis louise lucas lucia lucy luis luisa lukas luke
    luna lydia maciej magdalena manuel manuela marc marcel marcelo marco marcos marcus margaret margarita maria
    mariana marie marina mario marion mark marko markus marta martha martin martina mary mateo mathias matt
    matteo matthew matthias maurice mauricio max maximilian megan melanie melissa mercedes mia michael michelle
    miguel mike milan miriam mohamed mohammed monica muhammad nadia nancy natalia natalie nathan nicholas nick
    nicolas nicole nikhil nikolai nina noah nora oliver olivia omar oscar pablo pamela paola patricia patrick
    paul paula paulo pavel pedro peter petra philip philipp pierre pilar priya rachel rafael rahul rajesh ralph
    ramon raquel raul raymond rebecca renata ricardo richard rita robert roberto robin rodrigo roger roland
    roman ronald rosa ruben ruth ryan samantha samir samuel sandra santiago sara sarah scott sean sebastian
    sergei sergio sharon silvia simone sofia sonia sophia sophie stefan stefano stephanie stephen steve steven
    susan susana svetlana sylvia tamara tania tatiana teresa thomas tim timothy tobias tom tomas tommaso tony
    tyler ulrich valentina valeria vanessa vera veronica victor victoria viktor vincent virginia vladimir walter
    wei wendy werner will william xavier yolanda yuki yusuf zoe
"""
NAMES = frozenset(_NAMES.split())
"""Common first names, without accents."""


def plain(text: str) -> str:
    """Small letters without accents, for comparing names."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def words(text: str) -> list[str]:
    """The runs of letters in a name or handle, plain."""
    return re.findall(r"[^\W\d_]+", plain(text))


def is_unusual(handle: str, display_name: str) -> bool:
    """Whether two accounts of this handle on two platforms are hardly two people.

    A handle made from a name ("jsmith" of "John Smith") says no more than the name, and a name alone is nothing.
    """
    parts = words(handle)
    letters = "".join(parts)
    if len(handle) < _SHORTEST or len(letters) < _LETTERS:
        return False
    if all(part in WORDS for part in parts) or letters in WORDS or any(part in NAMES for part in parts):
        return False
    if any(letters.startswith(name) or letters.endswith(name) for name in NAMES if len(name) >= _NAME):
        return False
    name = words(re.sub(rf"[(\[]@?{re.escape(handle)}[)\]]", " ", display_name, flags=re.IGNORECASE))
    return len(name) < 2 or letters not in _made_from(name)  # noqa: PLR2004 - a name and a surname


def _made_from(name: list[str]) -> set[str]:
    """What people make of a name and a surname: both, or an initial and the other, in either order."""
    made = {"".join(name), *name}
    for one, other in permutations(name, 2):
        made |= {one + other, one[0] + other, one + other[0]}
    return made
