"""All labels with context in batches and one alone, the model's load, learning from 20,000 tags, reply links.

The floor is scikit-learn's TF-IDF with one logistic regression a label on the same texts alone, without any context; that
of reply links is plain rules (`reply_rules`).
"""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks.report import say

CORPUS = Path(__file__).parents[1] / "examples" / "corpus"


def run() -> None:
    """Run."""
    from bot.classifiers.model import SHIPPED, shipped  # noqa: PLC0415
    from bot.classifiers.trained import Trained  # noqa: PLC0415
    from bot.classifiers.verdicts import Judgement, learn  # noqa: PLC0415 - not before the load is timed elsewhere
    from bot.training.corpus import LABELS, read  # noqa: PLC0415
    from bot.training.talks import examples  # noqa: PLC0415

    found = list(examples(read(CORPUS)))
    subjects = [example.subject for example in found]
    trained = Trained()
    trained.classify(subjects)  # words are known, as they are in a process that runs
    floor, single = _peer([subject.text for subject in subjects], found)
    began = time.perf_counter()
    for start in range(0, len(subjects), 2_000):
        trained.classify(subjects[start : start + 2_000])
    rate = len(subjects) / (time.perf_counter() - began)
    say("all labels with context, in batches", rate, floor, "messages/s", "10,000")
    alone = median(_timed(lambda n=n: trained.classify([subjects[n]])) for n in range(0, 2_000, 7)) * 1_000
    say("one message alone", alone, single, "ms", "1")
    load = median(_load() for _ in range(3)) * 1_000
    print(f"load of the model of {SHIPPED.stat().st_size / 1e6:.1f} MB: {load:.0f} ms   goal 150")
    held, peak = _memory()
    print(f"memory of a process that classifies: {held:.0f} MB, at its peak {peak:.0f} MB   goal 150")
    verdicts = [
        Judgement(
            subjects[n % len(subjects)],
            label,
            label in found[n % len(found)].line.labels,
            str(n),
            "ann",
            is_sampled=True,
        )
        for n in range(20_000 // len(LABELS) + 1)
        for label in LABELS
    ][:20_000]
    seconds = _timed(lambda: learn(shipped(), verdicts, subjects[-2_000:]))
    print(f"learning from 20,000 verdicts: {seconds:.1f} s   goal 60")
    _links()


def _links() -> None:
    """In short talks as the corpus has them, and where all of them run through one channel without an end."""
    from benchmarks import reply_rules  # noqa: PLC0415 - as above
    from bot.classifiers.conversations import LINES  # noqa: PLC0415
    from bot.classifiers.links import shipped  # noqa: PLC0415
    from bot.training.drawn import from_corpus  # noqa: PLC0415

    drawn = list(from_corpus(CORPUS))
    spoken = [each.line for each in drawn if each.line is not None]
    lines = [said._replace(at=n * 20_000_000) for n, said in enumerate(spoken)]
    for name, asked in (
        ("short talks", [(said, each.before[::-1]) for said, each in zip(spoken, drawn, strict=True)]),
        (
            "a channel without pause",
            [(said, lines[max(n - LINES, 0) : n][::-1]) for n, said in enumerate(lines)],
        ),
    ):
        learned, ruled = (
            len(asked) / _timed(lambda find=find, asked=asked: [find(said, near) for said, near in asked])
            for find in (shipped().choose, reply_rules.parent)
        )
        say(f"reply links, {name}", learned, ruled, "lines/s", "10,000")


def _timed(work) -> float:  # type: ignore[no-untyped-def] # noqa: ANN001 - any work
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _load() -> float:
    program = (
        "import time, numpy, orjson; from bot.classifiers.model import Model, SHIPPED;"
        "t = time.perf_counter(); Model(SHIPPED.read_bytes()); print(time.perf_counter() - t)"
    )
    return float(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    )


def _memory() -> tuple[float, float]:
    """Megabytes held, and the most that ever were: while the language library is loaded."""
    program = (
        "from pathlib import Path;"
        "from bot.classifiers.trained import Trained; from bot.classifiers import Subject;"
        f"texts = Path({str(CORPUS / 'en' / 'kilncloud.txt')!r}).read_text().splitlines();"
        "Trained().classify([Subject(text) for text in texts]); "
        "from benchmarks import memory; print(memory.held(), memory.peak())"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    held, peak = map(float, said.split())
    return held, peak


def _peer(texts: list[str], found) -> tuple[float, float]:  # type: ignore[no-untyped-def] # noqa: ANN001 - examples
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - a development package
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.multiclass import OneVsRestClassifier  # noqa: PLC0415

    from bot.training.corpus import LABELS  # noqa: PLC0415

    truth = [[label in example.line.labels for label in LABELS] for example in found]
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), max_features=60_000)
    model = OneVsRestClassifier(LogisticRegression(solver="liblinear")).fit(
        vectors.fit_transform(texts), truth
    )
    seconds = _timed(lambda: model.predict_proba(vectors.transform(texts)))
    alone = median(
        _timed(lambda n=n: model.predict_proba(vectors.transform([texts[n]]))) for n in range(0, 700, 7)
    )
    return len(texts) / seconds, alone * 1_000
