"""The few sentences that the Discord connector says by itself, in the languages that we speak."""

from typing import Literal

Word = Literal[
    "about", "more", "tag_as", "which", "shown", "failed", "interrupted", "unclear", "stranger", "closed"
]

_WORDS: dict[Word, dict[str, str]] = {
    "about": {
        "en": "What this community is worth: numbers, questions, ideas.",
        "es": "Lo que vale esta comunidad: cifras, preguntas, ideas.",
    },
    "more": {"en": "More commands.", "es": "Más comandos."},
    "tag_as": {"en": "Tag as…", "es": "Etiquetar como…"},
    "which": {"en": "What is this message?", "es": "¿Qué es este mensaje?"},
    "shown": {"en": "Everybody here sees the answer.", "es": "Todos aquí ven la respuesta."},
    "failed": {
        "en": "Something went wrong between Discord and me. Please ask again in a moment.",
        "es": "Algo falló entre Discord y yo. Vuelve a preguntar dentro de un momento.",
    },
    "interrupted": {
        "en": "I was stopped before I could answer. Please ask again in a minute.",
        "es": "Me detuvieron antes de poder responder. Vuelve a preguntar dentro de un minuto.",
    },
    "unclear": {
        "en": "I cannot read what Discord told me of this. Please ask with `/spaces help`.",
        "es": "No puedo leer lo que Discord me dijo de esto. Pregunta con `/spaces help`.",
    },
    "stranger": {
        "en": "I answer members of the servers that I read, and you are in none of them.",
        "es": "Respondo a los miembros de los servidores que leo, y no estás en ninguno.",
    },
    "closed": {
        "en": "I cannot write to you privately: allow direct messages from members of this server, or ask with `/spaces`.",
        "es": "No puedo escribirte en privado: permite los mensajes directos de miembros de este servidor, o pregunta con `/spaces`.",
    },
}  # fmt: skip

LOCALES = {"es": ("es-ES", "es-419")}
"""Discord's names of a language, beside English, which everybody sees whose own we do not speak."""


def words(word: Word, language: str | None = None) -> str:
    """A sentence in the language of a locale ("es-419"), in English where we do not speak it."""
    said = _WORDS[word]
    return said.get((language or "").partition("-")[0].lower()) or said["en"]


def localised(word: Word) -> dict[str, str]:
    """A sentence by language."""
    return dict(_WORDS[word])
