"""Which language a message is in: English, Spanish, another, or not to be told from so few words.

Common little words decide most messages; the rest goes to py3langid, which is loaded when first needed (it takes a
tenth of a millisecond a message, more than all labels together).
"""

import lzma
import re
import shutil
from array import array
from functools import cache, lru_cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np

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


@lru_cache(maxsize=8_192)
def language(said: str) -> str:
    """The code of a cleaned text's language (`cues.clean`), UNDECIDED where nothing tells.

    A text is asked about twice while its batch is tagged, hence the cache.
    """
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

    return LanguageIdentifier(**_model(MODEL_DIR / MODEL_FILE), norm_probs=True)


def _model(file: Path) -> dict[str, Any]:
    """The library's model, with our languages only.

    The library itself would read all of them, 28 MB, and hold them while it unpacks the rest: more than we may take.
    """
    with TemporaryFile() as unpacked:
        with lzma.open(file) as packed:
            shutil.copyfileobj(packed, unpacked, 1 << 20)
        unpacked.seek(0)
        with np.load(unpacked) as data:
            codes = data["classes"].tolist()
            known = [n for n, code in enumerate(codes) if code in {*_WORDS, *_OTHERS}]
            return {
                "nb_classes": [codes[n] for n in known], "nb_ptc": data["ptc"][:, known], "nb_pc": data["pc"][known],
                "tk_nextmove": _walked(data["nextmove"]), "tk_row": _walked(data["nextmove_row"]),
                "tk_output": data["out_feat"].tolist(),
            }  # fmt: skip


def _walked(numbers: "np.ndarray[Any, Any]") -> "array[int]":
    """Numbers that Python looks at one by one: faster than NumPy's."""
    found = array({2: "H", 4: "I", 8: "L"}[numbers.itemsize])
    found.frombytes(numbers.data.cast("B"))
    return found
