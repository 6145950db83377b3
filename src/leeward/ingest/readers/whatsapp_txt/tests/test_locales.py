"""Every language's short date and short time, in both layouts, is read exactly or not at all; never wrongly."""

# ruff: noqa: DTZ001, SIM905, T201  # wall clocks float on purpose; lists of names; a sweep says its numbers

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

babel = pytest.importorskip("babel")

from babel import Locale, localedata  # noqa: E402  # after the check that it is installed
from babel.dates import format_date, format_time  # noqa: E402

MOMENTS = [
    datetime(2023, 11, 25, 0, 7, 3),
    datetime(2023, 11, 25, 9, 30, 41),
    datetime(2023, 11, 26, 12, 0, 0),
    datetime(2023, 12, 1, 12, 45, 9),
    datetime(2023, 12, 31, 23, 59, 58),
    datetime(2024, 1, 1, 0, 0, 1),
    datetime(2024, 2, 14, 5, 5, 55),
    datetime(2024, 2, 29, 8, 15, 20),
    datetime(2024, 3, 3, 13, 1, 2),
    datetime(2024, 10, 12, 19, 6, 7),
    datetime(2024, 10, 13, 22, 22, 22),
    datetime(2025, 1, 2, 6, 50, 59),
]
TIMES = ("short", "medium", "Hm", "Hms", "hm", "hms")
ZEROS = {
    "arab": 0x660,
    "arabext": 0x6F0,
    "nkoo": 0x7C0,
    "deva": 0x966,
    "beng": 0x9E6,
    "guru": 0xA66,
    "gujr": 0xAE6,
    "orya": 0xB66,
    "tamldec": 0xBE6,
    "telu": 0xC66,
    "knda": 0xCE6,
    "mlym": 0xD66,
    "thai": 0xE50,
    "laoo": 0xED0,
    "tibt": 0xF20,
    "mymr": 0x1040,
    "khmr": 0x17E0,
    "mong": 0x1810,
    "vaii": 0xA620,
    "java": 0xA9D0,
    "mtei": 0xABF0,
    "olck": 0x1C50,
    "adlm": 0x1E950,
    "cakm": 0x11136,
    "hmnp": 0x1E140,
}


def systems(locale: Any) -> list[str]:
    """Return the decimal numbering systems the locale offers, Latin first when it is one."""
    named = {locale.default_numbering_system, *locale.other_numbering_systems.values()}
    return sorted(name for name in named if name == "latn" or name in ZEROS)


def in_digits(text: str, system: str) -> str:
    """Write ASCII digits in another script."""
    if system == "latn":
        return text
    return "".join(chr(ZEROS[system] + int(c)) if c in "0123456789" else c for c in text)


def has_seconds(pattern: str) -> bool:
    """Say whether a CLDR time pattern writes seconds."""
    return "s" in "".join(pattern.split("'")[::2])


def shapes(locale: Any) -> Iterator[tuple[str, str]]:
    """Yield (name, time pattern) of every way this locale writes a time of day."""
    for name in TIMES:
        if name in ("short", "medium"):
            yield name, locale.time_formats[name].pattern
        elif name in locale.datetime_skeletons:
            yield name, locale.datetime_skeletons[name].pattern


def tells_the_hour(pattern: str) -> bool:
    """Say whether a pattern is complete: twelve hours without a day period are not."""
    fields = "".join(pattern.split("'")[::2])
    return "H" in fields or "k" in fields or any(c in fields for c in "abB")


def outcome_of(read: Callable[..., Any], name: str) -> dict[str, int]:
    """Render and read one locale in every shape; return how many came back exact, refused and wrong."""
    locale = Locale.parse(name)
    score = {"exact": 0, "refused": 0, "wrong": 0}
    glue = locale.datetime_formats["short"]
    glue = (glue if isinstance(glue, str) else str(glue)).replace("'", "")
    for _, pattern in shapes(locale):
        if not tells_the_hour(pattern):
            continue
        for system in systems(locale):
            heads = []
            for moment in MOMENTS:
                day = format_date(moment.date(), "short", locale=locale)
                clock = format_time(moment, pattern, locale=locale)
                heads.append(in_digits(glue.replace("{1}", day).replace("{0}", clock), system))
            want = [m if has_seconds(pattern) else m.replace(second=0) for m in MOMENTS]
            millis = [int((m - datetime(1970, 1, 1)).total_seconds() * 1000) for m in want]
            for layout in ("{} - Ana: hello {}\n", "[{}] Bea: hello {}\n"):
                text = "".join(layout.format(head, i) for i, head in enumerate(heads))
                reading = read(text)
                got = reading.walls()
                if got == millis:
                    score["exact"] += 1
                elif any(g is not None and g not in millis for g in got) or (
                    len(got) == len(millis) and any(g not in (None, w) for g, w in zip(got, millis, strict=True))
                ):
                    score["wrong"] += 1
                else:
                    score["refused"] += 1
    return score


def total(read: Callable[..., Any], names: list[str]) -> tuple[dict[str, int], list[str]]:
    """Return the sum over locales, and those that were not wholly exact."""
    sums = {"exact": 0, "refused": 0, "wrong": 0}
    short = []
    for name in names:
        score = outcome_of(read, name)
        if score["refused"] or score["wrong"]:
            short.append(f"{name}: {score}")
        for key, n in score.items():
            sums[key] += n
    return sums, short


def all_names() -> list[str]:
    return sorted(localedata.locale_identifiers())


def test_a_seventh_of_all_locales_is_read_exactly_and_none_wrongly(read: Callable[..., Any]) -> None:
    spoken = (
        "ar bg bn cs da de el en es et eu fa fi fr he hi hr hu id it ja ko lt lv ms my nb ne nl pl pt ro ru sk".split()
    )
    spoken += (
        "sl sq sr sv sw ta th tr uk ur vi zh zh_Hant en_US en_CA fr_CA es_MX pt_PT am ti so af pa bo dz ee".split()
    )
    names = sorted({*spoken, *all_names()[::12]})

    sums, short = total(read, names)

    assert len(names) >= 130
    assert sums["wrong"] == 0, short
    assert sums["refused"] == 0, short


@pytest.mark.long
def test_every_locale_is_read_exactly_and_none_wrongly(read: Callable[..., Any]) -> None:
    sums, short = total(read, all_names())

    print(sums)
    assert len(all_names()) > 1000
    assert sums["wrong"] == 0, short
    assert sums["refused"] <= sums["exact"] // 200, short


def test_the_digits_of_every_script_are_decimal() -> None:
    assert all(unicodedata.decimal(chr(zero + 7)) == 7 for zero in ZEROS.values())


def test_the_table_is_what_the_generator_writes() -> None:
    import runpy
    import sys
    from pathlib import Path

    script = Path(__file__).parents[6] / "scripts/generate_day_periods.py"
    if not script.exists():
        pytest.skip("the scripts are not part of the installed package")
    kept = sys.argv
    sys.argv = [str(script), "--check"]
    try:
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(script), run_name="__main__")
    finally:
        sys.argv = kept
    assert ended.value.code == 0
