import os
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bot.digest import chart
from bot.digest.model import DayCount, Digest
from bot.spaces.window import Period, Window
from tests.bot.digest.samples import MADRID, WEEK, sample_digest

QUARTER = Window(date(2016, 4, 1), date(2016, 7, 1), MADRID, Period.QUARTERLY)


def quarter() -> Digest:
    weeks = tuple(DayCount(date(2016, 4, 1) + timedelta(days=7 * n), 100 + n, n, 20 + n) for n in range(13))
    return replace(sample_digest(), window=QUARTER, days=weeks)


def day() -> Digest:
    window = Window(WEEK.first, WEEK.first + timedelta(days=1), MADRID, Period.DAILY)
    return replace(sample_digest(), window=window, days=sample_digest().days[:1])


def _picture(png: bytes) -> Image.Image:
    return Image.open(BytesIO(png), formats=["PNG"]).convert("RGB")


def test_the_picture_is_sharp_and_shows_bars() -> None:
    drawn = chart.draw(sample_digest(), "en")
    picture = _picture(drawn.png)
    assert picture.size == (1600, 840)
    colours = picture.getcolors(maxcolors=1 << 20)
    assert colours is not None
    blue = sum(count for count, colour in colours if colour == (0x2F, 0x6F, 0xDE))
    # Six bars of the seven days have a height, of up to 330 points by 147.
    assert 150_000 < blue < 290_000
    assert len(drawn.png) < 200_000


@pytest.mark.parametrize(
    ("language", "alt"),
    [
        (
            "en",
            (
                "Week of 11–17 July 2016: 1,992 messages by members, 50 questions. "
                "Most on Tue 12 July (402), fewest on Sat 16 July (0). Active members: 0 to 66."
            ),
        ),
        (
            "es",
            (
                "Semana del 11 al 17 de julio de 2016: 1.992 mensajes de miembros, 50 preguntas. "
                "El día con más: mar 12 de julio (402); con menos: sáb 16 de julio (0). Miembros activos: de 0 a 66."
            ),
        ),
    ],
)
def test_who_does_not_see_it_is_told_its_numbers(language: str, alt: str) -> None:
    assert chart.describe(sample_digest(), language) == alt


def test_a_quarter_is_told_by_weeks_and_a_day_by_itself() -> None:
    assert "Most in the week from 24 June (112), fewest in the week from 1 April (100)." in chart.describe(
        quarter(), "en"
    )
    assert chart.describe(day(), "en") == (
        "Monday, 11 July 2016: 388 messages by members, 9 questions. 61 active members."
    )  # fmt: skip


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(
    "digest",
    [
        quarter(),
        day(),
        replace(sample_digest(), days=()),
        replace(sample_digest(), days=tuple(DayCount(WEEK.first, 0, 0, 0) for _ in range(31))),
        # Nothing of this is in the font, or it would be a formula: it is left out, without a warning.
        replace(
            sample_digest(), community="🎉 Aurora 漢字 👩‍👩‍👧 $\\frac{x}$ \u202e@everyone" + "long " * 40
        ),
    ],
    ids=["quarter", "day", "nothing", "silence", "emoji"],
)
def test_any_digest_can_be_drawn_without_a_warning(digest: Digest, language: str) -> None:
    drawn = chart.draw(digest, language)
    assert _picture(drawn.png).size == (1600, 840)
    assert drawn.alt


def test_silence_is_told_in_words() -> None:
    silent = replace(sample_digest(), days=tuple(DayCount(WEEK.first, 0, 0, 0) for _ in range(7)))
    assert chart.describe(silent, "en") == "Week of 11–17 July 2016: no messages by members."


def test_it_draws_without_a_home_and_without_pyplot(tmp_path: Path) -> None:
    program = """
import sys
from bot.digest import chart
assert "matplotlib" not in sys.modules
from tests.bot.digest.samples import sample_digest
chart.draw(sample_digest(), "en")
assert "matplotlib.pyplot" not in sys.modules
"""
    file = tmp_path / "file"
    file.touch()  # below a file nobody can make a folder, not even root
    environment = {name: value for name, value in os.environ.items() if name != "MPLCONFIGDIR"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**environment, "HOME": str(file / "home"), "TMPDIR": str(tmp_path)},
        cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.glob("spaces-matplotlib-*"))
