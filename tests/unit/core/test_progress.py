from leeward.core.clock import FixedClock
from leeward.core.progress import LABELS, Reached, throttled
from leeward.core.units import Milliseconds, Seconds


def test_a_million_reports_become_ten_a_second() -> None:
    clock = FixedClock(Milliseconds(0))
    seen: list[Reached] = []
    report = throttled(seen.append, clock)

    for done in range(10_000):
        report(Reached("import.read", done, 10_000))
        clock.advance(Seconds(0.001))

    assert 95 <= len(seen) <= 105


def test_the_first_and_the_last_report_of_a_label_always_come_through() -> None:
    clock = FixedClock(Milliseconds(0))
    seen: list[Reached] = []
    report = throttled(seen.append, clock)

    for label in ("import.read", "import.index"):
        for done in range(4):
            report(Reached(label, done, 3))

    assert seen == [
        Reached("import.read", 0, 3),
        Reached("import.read", 3, 3),
        Reached("import.index", 0, 3),
        Reached("import.index", 3, 3),
    ]


def test_labels_are_ids_and_no_words() -> None:
    assert all(label == label.lower() and " " not in label and "." in label for label in LABELS)
