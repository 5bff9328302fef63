"""The options that several commands have."""

from bot.commands.model import Parameter
from bot.languages import msgid
from bot.spaces.model import Area

PUBLIC = Parameter(
    "public", msgid("Show the answer to everybody here."), (("yes", msgid("yes")),),
    aliases={"public": "yes", "publico": "yes", "publica": "yes", "publicly": "yes"},
)  # fmt: skip

AREAS = (
    (Area.SUPPORT, msgid("Support")), (Area.PRODUCT, msgid("Product")), (Area.ACQUISITION, msgid("Acquisition")),
    (Area.CONTRIBUTION, msgid("Contribution")), (Area.ENGAGEMENT, msgid("Engagement")),
    (Area.SUCCESS, msgid("Success")),
)  # fmt: skip
AREA_WORDS = {
    "soporte": "support", "ayuda": "support", "producto": "product", "adquisicion": "acquisition",
    "contribucion": "contribution", "contribuciones": "contribution", "contenido": "contribution",
    "participacion": "engagement", "compromiso": "engagement", "exito": "success",
}  # fmt: skip
AREA = Parameter("area", msgid("Only this area."), AREAS, aliases=AREA_WORDS)

DAY_WORDS = ("day", "yesterday", "dia", "ayer", "diaria")
WEEK_WORDS = ("week", "semana")
MONTH_WORDS = ("month", "mes")
QUARTER_WORDS = ("quarter", "trimestre")
PERIOD = Parameter(
    "period", msgid("Of which time; a week where nothing is said."),
    (("daily", msgid("day")), ("weekly", msgid("week")), ("monthly", msgid("month")), ("quarterly", msgid("quarter"))),
    aliases={
        **dict.fromkeys((*DAY_WORDS, "diario"), "daily"), **dict.fromkeys((*WEEK_WORDS, "semanal"), "weekly"),
        **dict.fromkeys((*MONTH_WORDS, "mensual"), "monthly"),
        **dict.fromkeys((*QUARTER_WORDS, "trimestral"), "quarterly"),
    },
)  # fmt: skip

LANGUAGE = Parameter(
    "language", msgid("In which language."), (("en", msgid("English")), ("es", msgid("Spanish"))),
    aliases={"english": "en", "ingles": "en", "spanish": "es", "espanol": "es", "castellano": "es"},
)  # fmt: skip

DETAIL = Parameter(
    "detail", msgid("Everything, or only what matters most."), (("full", msgid("everything")),),
    aliases=dict.fromkeys(("all", "complete", "long", "completo", "completa", "todo", "detalle"), "full"),
)  # fmt: skip
