"""Write the table of words that can stand in a chat line's head: AM and PM in every language, and the words around
them.

Uses Babel, which carries the Unicode locale data (CLDR); the reader itself never imports Babel, it reads the table.
Run it after a Babel update, look at the difference, and run the long tests of the reader::

    python scripts/generate_day_periods.py            writes the table
    python scripts/generate_day_periods.py --check    ends with 1 when the table is not what would be written

The data is under the Unicode License (https://www.unicode.org/license.txt, SPDX ``Unicode-3.0``).
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import babel
from babel import Locale, localedata

from leeward.ingest.readers.whatsapp_txt.words import word_form

TABLE = Path(__file__).parents[1] / "src/leeward/ingest/readers/whatsapp_txt/day_periods.json"
FIELD = re.compile(r"'([^']*)'|([a-zA-Z]+)|([^a-zA-Z']+)")
SKELETONS = ("hm", "Hm", "hms", "Hms")

OLDER = [
    # Words of earlier CLDR releases and of Android's own tables, still found in exports.
    {"am": ["a.m."], "pm": ["p.m."], "locales": ["older"]},
    {"am": ["преди обяд"], "pm": ["следобед"], "locales": ["older bg"]},
    {"am": ["dopoledne"], "pm": ["odpoledne"], "locales": ["older cs"]},
    {"am": ["dop."], "pm": ["pop."], "locales": ["older sl"]},
    {"am": ["לפנה״צ"], "pm": ["אחה״צ"], "locales": ["older he"]},
    {"am": ["לפני הצהריים"], "pm": ["אחר הצהריים"], "locales": ["older he"]},
    {"am": ["पूर्वाह्न"], "pm": ["अपराह्न"], "locales": ["older hi"]},
    {"am": ["म.पू."], "pm": ["म.उ."], "locales": ["older mr"]},
    {"am": ["முற்பகல்"], "pm": ["பிற்பகல்"], "locales": ["older ta"]},
    {"am": ["పూర్వాహ్నం"], "pm": ["అపరాహ్నం"], "locales": ["older te"]},
    {"am": ["ಪೂರ್ವಾಹ್ನ"], "pm": ["ಅಪರಾಹ್ನ"], "locales": ["older kn"]},
    {"am": ["পূর্বাহ্ণ"], "pm": ["অপরাহ্ণ"], "locales": ["older bn"]},
    {"am": ["до полудня"], "pm": ["после полудня"], "locales": ["older ru"]},
    {"am": ["vorm."], "pm": ["nachm."], "locales": ["older de"]},
    {"am": ["ព្រឹក"], "pm": ["ល្ងាច"], "locales": ["older km"]},
]

RANGES = {
    # Words that name a part of the day, in hours [from, before). CLDR's rules for Chinese, and words older phones
    # wrote.
    "凌晨": [0, 6],
    "清晨": [5, 8],
    "早上": [5, 12],
    "中午": [11, 14],
    "晚上": [18, 24],
    "半夜": [0, 3],
    "午夜": [0, 1],
    "傍晚": [17, 19],
    "midnight": [0, 1],
    "noon": [12, 13],
}

WORDS = [
    "à",
    "à las",
    "a las",
    "às",
    "at",
    "um",
    "klo",
    "kl",
    "om",
    "alle",
    "ore",
    "o",
    "в",
    "у",
    "г",
    "р",
    "h",
    "h.",
    "uhr",
]
WORDS += [
    "uur",
    "u",
    "hrs",
    "hod",
    "год",
    "ч",
    "年",
    "月",
    "日",
    "년",
    "월",
    "일",
    "時",
    "时",
    "分",
    "시",
    "분",
    "秒",
    "초",
    "น",
    "ที่",
    "เวลา",
]


def _fields(pattern: str) -> list[tuple[str, bool]]:
    """Return the parts of a CLDR pattern: (text, whether it is a field)."""
    return [(field or quoted or literal, bool(field)) for quoted, field, literal in FIELD.findall(pattern)]


def _patterns(locale: Locale) -> list[str]:
    """Return the patterns whose literal text may stand in a head of this locale."""
    found = [locale.date_formats["short"].pattern]
    found += [locale.time_formats[width].pattern for width in ("short", "medium")]
    found += [locale.datetime_skeletons[name].pattern for name in SKELETONS if name in locale.datetime_skeletons]
    return found


def _glue(locale: Locale) -> list[str]:
    """Return the words that join a date and a time in any length, without the places they join."""
    found = []
    for pattern in locale.datetime_formats.values():
        text = pattern if isinstance(pattern, str) else str(pattern)
        found += [part.strip("'") for part in re.split(r"\{[01]\}", text)]
    return found


def build() -> dict[str, Any]:
    """Return the whole table."""
    pairs: dict[tuple[tuple[str, ...], tuple[str, ...]], set[str]] = {}
    orders: dict[tuple[tuple[str, ...], tuple[str, ...]], set[str]] = {}
    words = {word_form(word) for word in WORDS}
    year_first = set()
    ranges = dict(RANGES)
    for name in sorted(localedata.locale_identifiers()):
        locale = Locale.parse(name)
        am: set[str] = set()
        pm: set[str] = set()
        for context in locale.day_periods.values():
            for width in ("abbreviated", "wide"):
                named = context.get(width) or {}
                am.update(filter(None, [word_form(named.get("am", ""))]))
                pm.update(filter(None, [word_form(named.get("pm", ""))]))
        both = am & pm
        am, pm = ({w for w in side - both if not any(c.isdecimal() for c in w)} for side in (am, pm))
        own = (tuple(sorted(am)), tuple(sorted(pm)))
        pairs.setdefault(own, set()).add(name)
        letters = [text[0].upper() for text, field in _fields(locale.date_formats["short"].pattern) if field]
        orders.setdefault(own, set()).add("".join(letter for letter in letters if letter in "DMY"))
        for pattern in _patterns(locale):
            words.update(word_form(text) for text, field in _fields(pattern) if not field)
        words.update(word_form(text) for text in _glue(locale))
        date = locale.date_formats["short"].pattern
        if re.match(r"yy(?!y)", date):
            year_first.add(date)
    for older in OLDER:
        sides = (tuple(sorted(map(word_form, older["am"]))), tuple(sorted(map(word_form, older["pm"]))))
        pairs.setdefault(sides, set()).update(older["locales"])
        orders.setdefault(sides, set()).update(("DMY", "MDY", "YMD"))
    known = {word for sides in pairs for side in sides for word in side}
    return {
        "about": "Generated by scripts/generate_day_periods.py from CLDR; do not edit. Licence: Unicode-3.0.",
        "babel": babel.__version__,
        "vocabularies": [
            {"am": list(am), "pm": list(pm), "orders": sorted(orders[am, pm]), "locales": sorted(names)[:4]}
            for (am, pm), names in sorted(pairs.items())
        ],
        "ranges": {word_form(word): hours for word, hours in sorted(ranges.items())},
        "fillers": sorted(word for word in words - known if word and len(word) <= 24),
        "year_first": sorted(year_first),
    }


def main() -> int:
    """Write the table, or compare it."""
    text = json.dumps(build(), ensure_ascii=False, indent=1) + "\n"
    if "--check" in sys.argv:
        return 0 if TABLE.read_text(encoding="utf-8") == text else 1
    TABLE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
