"""Which language a message is in: English, Spanish, another, or not to be told from so few words.

Common little words decide most messages; the rest goes to py3langid, which is loaded when first needed (it takes a
tenth of a millisecond a message, more than all labels together).
"""

import re
from functools import cache
from typing import Any

UNDECIDED = ""

_WORDS = {
    "en": frozenset((
        "the", "a", "and", "to", "of", "is", "in", "it", "you", "that", "i", "for", "this", "on", "with",
        "my", "have", "be", "are", "not", "was", "but", "so", "at", "we", "they", "if", "me", "do", "your",
        "what", "can", "just", "from", "or", "as", "an", "about", "there", "im", "its", "dont", "will",
        "how", "when", "any", "one", "all", "get", "like", "has", "been", "does", "which", "would", "after",
        "thanks", "please",
    )),
    "es": frozenset((
        "el", "la", "los", "las", "un", "una", "de", "que", "en", "y", "no", "es", "lo", "se", "me", "con",
        "por", "para", "si", "pero", "mi", "te", "al", "del", "como", "su", "le", "ya", "esta", "muy",
        "mas", "yo", "hay", "esto", "eso", "cuando", "porque", "tengo", "q", "alguien", "son", "ser", "fue",
        "aqui", "tambien", "gracias", "donde", "sin", "os", "nos", "bien", "hola",
    )),
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")
_ENOUGH, _SURE = 4, 0.9
_OTHERS = ("pt", "fr", "de", "it", "ca", "gl", "nl", "ru", "uk", "zh", "ja", "ko", "tr", "pl", "ar", "hi")


def language(said: str) -> str:
    """The code of a cleaned text's language (`cues.clean`), UNDECIDED where nothing tells."""
    words = _WORD.findall(said)
    english, spanish = (sum(map(known.__contains__, words)) for known in _WORDS.values())
    if english + spanish >= max(2, len(words) // 6) and abs(english - spanish) * 2 > english + spanish:
        return "en" if english > spanish else "es"
    if len(words) < _ENOUGH:
        return UNDECIDED if english == spanish else "en" if english > spanish else "es"
    found, sure = _library().classify(said)
    return str(found) if sure >= _SURE else UNDECIDED


@cache
def _library() -> Any:
    from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier  # noqa: PLC0415 - a second, and rarely needed
    from py3langid.modelio import load_model  # noqa: PLC0415

    likelihoods, priors, codes, moves, rows, outputs = load_model(MODEL_DIR / MODEL_FILE)
    known = [n for n, code in enumerate(codes) if code in {*_WORDS, *_OTHERS}]
    # Its `set_languages` would hold all others too, 28 MB.
    return LanguageIdentifier(
        likelihoods[:, known],
        priors[known],
        [codes[n] for n in known],
        moves,
        outputs,
        norm_probs=True,
        tk_row=rows,
    )
