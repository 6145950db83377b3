"""One page of a search over a whole vault, newest first: how long the act takes.

The mix is what people type: words that are rare, middling and common, two words, the beginning of a word, a phrase, and
each of them held to a time or a person. Words are drawn from the chat itself by how often they stand in it.

Everything is in memory, so nothing waits: what is judged is the processor time of the first time of asking, which does
not count the moments when another program had the core. The wall time stands beside it.

Budget: p99 ≤ 10 ms over the whole mix at 1,000,000 messages.
"""

from __future__ import annotations

import random
import re
import sys
import time
from collections import Counter
from pathlib import Path

import measure

EACH = 300
WORD = re.compile(r"[a-z]{2,}")


def questions(path: Path) -> dict[str, list[dict[str, str]]]:
    """Return what is asked, by kind."""
    rng = random.Random(measure.SEED)
    counts: Counter[str] = Counter()
    phrases = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file):
            words = WORD.findall(line.partition(": ")[2])
            counts.update(words)
            if number % 1000 == 500 and len(words) >= 4:
                at = rng.randrange(len(words) - 1)
                phrases.append(f'"{words[at]} {words[at + 1]}"')
    ordered = [word for word, _ in counts.most_common()]
    common, middle = ordered[:20], ordered[500:1500]
    rare = [word for word in ordered[-len(ordered) // 5 :]]

    def draw(words: list[str]) -> list[str]:
        return [rng.choice(words) for _ in range(EACH)]

    def day() -> str:
        return f"{rng.randint(2014, 2023)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"

    kinds = {
        "a rare word": [{"query": word} for word in draw(rare)],
        "a middling word": [{"query": word} for word in draw(middle)],
        "a common word": [{"query": word} for word in draw(common)],
        "two middling words": [{"query": f"{a} {b}"} for a, b in zip(draw(middle), draw(middle), strict=True)],
        "a rare and a common word": [{"query": f"{a} {b}"} for a, b in zip(draw(rare), draw(common), strict=True)],
        "two common words": [{"query": f"{a} {b}"} for a, b in zip(draw(common), draw(common), strict=True)],
        "the beginning of a word": [{"query": f"{word[:3]}*"} for word in draw(middle)],
        "a phrase": [{"query": phrase} for phrase in draw(phrases)],
        "a middling word, until a day": [{"query": word, "end": day()} for word in draw(middle)],
        "a common word, of a person": [{"query": word, "person": measure.ME} for word in draw(common)],
        "a rare word, of a person, until a day": [
            {"query": word, "person": measure.ME, "end": day()} for word in draw(rare)
        ],
        "the timeline of a person, until a day": [{"person": measure.ME, "end": day()} for _ in range(EACH)],
        "nothing: the newest page": [{} for _ in range(EACH)],
    }
    return kinds


def main() -> int:
    """Measure and print."""
    from leeward.app.looking import asked_for, page

    asked = measure.options(__doc__ or "")
    report = measure.Report("search", full=asked.full)
    count = 1_000_000 if asked.full else 100_000
    everything: list[float] = []
    walls: list[float] = []
    kinds = questions(measure.chat(count))
    with measure.opened(measure.vault_of_messages(count)) as session:
        for what, asks in kinds.items():
            times = []
            shown = 0
            for ask in asks:
                spent = time.thread_time()
                seconds, found = measure.timed(lambda ask=ask: page(session, asked_for(session, **ask), limit=50))
                times.append((time.thread_time() - spent) * 1000)
                walls.append(seconds * 1000)
                shown += len(found.items)
            everything += times
            note = f"p50 {measure.percentile(times, 0.5):.2f} ms, {shown / len(asks):.0f} items a page"
            report.row(what, measure.percentile(times, 0.99), "ms p99", note=note)
    p99 = measure.percentile(everything, 0.99)
    report.row(
        f"the whole mix at {count:,} messages",
        p99,
        "ms p99",
        budget="≤ 10 ms",
        met=p99 <= 10,
        beside="wall time p99",
        value=measure.percentile(walls, 0.99),
        note=f"p50 {measure.percentile(everything, 0.5):.2f} ms of {len(everything):,} questions",
    )
    return report.write()


if __name__ == "__main__":
    sys.exit(main())
