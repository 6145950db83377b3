"""P-REST, the log: a planted phrase never gets through, however it is handed over."""

import gc
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeward.core.clock import FixedClock, SystemClock
from leeward.core.errors import LeewardError, OurMistake, WrongPassphrase
from leeward.core.ids import parse_entry_id
from leeward.core.logs import FIELDS, VOCABULARY, Log, nowhere, take_over
from leeward.core.units import Milliseconds

PLANTED = "the blue door sticks when it rains"


class LoudValue:
    def __repr__(self) -> str:
        return PLANTED

    __str__ = __repr__


class LoudText(str):
    __slots__ = ()


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    """Give *error* a traceback, as a real one has."""
    try:
        raise error from cause
    except BaseException as caught:  # noqa: BLE001  # also the kinds that are no Exception
        return caught


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def log(lines: list[str], clock: FixedClock) -> Log:
    return Log(lines.append, clock, words=["whatsapp-text"])


WAYS = {
    "text": PLANTED,
    "text of a class of its own": LoudText(PLANTED),
    "bytes": PLANTED.encode(),
    "a number made of text": int.from_bytes(PLANTED.encode(), "big"),
    "a list": [PLANTED],
    "a dictionary": {PLANTED: PLANTED},
    "an object that prints it": LoudValue(),
    "an exception with arguments": raised(ValueError(PLANTED, [PLANTED])),
    "our own error": raised(WrongPassphrase(PLANTED, lost=PLANTED, next_step=PLANTED)),
    "its cause": raised(OurMistake("x"), KeyError(PLANTED)),
    "a file that is not there": raised(FileNotFoundError(2, PLANTED, PLANTED)),
    "bytes that are no text": raised(UnicodeDecodeError("utf-8", PLANTED.encode(), 0, 1, PLANTED)),
    "a class with that name": type(PLANTED, (Exception,), {}),
    "an exception of such a class": raised(type(PLANTED, (Exception,), {})(PLANTED)),
    "an error with a changed id": raised(type("X", (LeewardError,), {"id": PLANTED})(PLANTED)),
    "an exit": raised(SystemExit(PLANTED)),
    "a group": ExceptionGroup(PLANTED, [ValueError(PLANTED)]),
    "a note": raised(ValueError("x")),
}
WAYS["a note"].add_note(PLANTED)  # type: ignore[attr-defined]  # the value is an exception


@pytest.mark.parametrize("value", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("field", sorted(FIELDS))
def test_a_planted_phrase_never_gets_through(log: Log, lines: list[str], field: str, value: object) -> None:
    log.write("error", **{field: value})

    assert len(lines) == 1
    assert "blue" not in lines[0]
    assert "\\u" not in lines[0]


@given(st.text().filter(lambda text: text not in {*VOCABULARY, *FIELDS, "at", "event", "<field>", "self"}))
def test_no_text_gets_through_as_event_field_or_value(text: str) -> None:
    lines: list[str] = []
    log = Log(lines.append, FixedClock(Milliseconds(0)))

    log.write(text, **{text: text, "error": ValueError(text)})

    written = json.loads(lines[0])
    assert written["event"] == "<event>"
    assert set(written) == {"at", "event", "<field>", "error"}
    assert written["<field>"] == f"<str {len(text)}>"
    assert written["error"] == {"class": ["ValueError"], "through": []}


def test_what_an_operator_needs_does_get_through(log: Log, lines: list[str], clock: FixedClock) -> None:
    try:
        parse_entry_id(PLANTED)
    except LeewardError as error:
        log.write("error", error=error, count=3, seconds=0.5, reader="whatsapp-text", label="import.read", done=None)

    written = json.loads(lines[0])
    assert written["at"] == clock.now_ms()
    assert (written["count"], written["seconds"], written["reader"]) == (3, 0.5, "whatsapp-text")
    assert (written["label"], written["done"]) == ("import.read", None)
    assert written["error"]["class"] == ["UsageError"]
    assert written["error"]["id"] == "L101"
    assert written["error"]["through"][0].startswith("leeward.core.ids:")


def test_a_chain_of_exceptions_shows_its_classes(log: Log, lines: list[str]) -> None:
    log.write("error", error=raised(OurMistake(PLANTED), KeyError(PLANTED)))

    assert json.loads(lines[0])["error"]["class"] == ["OurMistake", "KeyError"]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 2**53, -(2**53), 1e300])
def test_a_number_that_could_be_something_else_is_left_out(log: Log, lines: list[str], number: float) -> None:
    log.write("error", count=number)

    assert json.loads(lines[0])["count"] in {"<int>", "<float>"}


def test_a_sink_that_fails_stops_nothing(clock: FixedClock) -> None:
    def full(line: str) -> None:
        raise OSError(28, PLANTED)

    Log(full, clock).write("error")


@pytest.fixture
def taken_over(log: Log) -> Iterator[None]:
    put_back = take_over(log)
    yield
    put_back()


@pytest.mark.usefixtures("taken_over")
def test_a_library_that_logs_is_heard_but_not_quoted(lines: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError(PLANTED)
    except ValueError:
        logging.getLogger("click.parser").exception("could not read %s", PLANTED)
    logging.getLogger(PLANTED).warning(PLANTED)
    logging.getLogger("rich").warning("%d %d", PLANTED)  # noqa: PLE1206  # a library's own mistake in its format

    assert [json.loads(line)["library"] for line in lines] == ["click", "<str 34>", "rich"]
    assert json.loads(lines[0])["error"]["class"] == ["ValueError"]
    assert "blue" not in "".join([*lines, *capfd.readouterr()])


@pytest.mark.usefixtures("taken_over")
def test_a_warning_is_heard_but_not_quoted(lines: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn(PLANTED, stacklevel=1)

    assert [json.loads(line)["library"] for line in lines] == ["py"]
    assert "blue" not in "".join([*lines, *capfd.readouterr()])


class DiesLoudly:
    def __del__(self) -> None:
        raise ValueError(PLANTED)


@pytest.mark.usefixtures("taken_over")
def test_an_exception_nobody_can_catch_is_heard_but_not_quoted(
    lines: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise ValueError(PLANTED)

    thread = threading.Thread(target=fails)
    thread.start()
    thread.join()
    DiesLoudly()
    gc.collect()
    error = raised(ValueError(PLANTED))
    sys.excepthook(type(error), error, error.__traceback__)

    assert [json.loads(line)["event"] for line in lines] == ["mistake"] * 3
    assert "blue" not in "".join([*lines, *capfd.readouterr()])


def test_taking_over_can_be_put_back() -> None:
    before = (logging.getLogger().handlers[:], logging.lastResort, sys.excepthook, sys.unraisablehook)

    take_over(Log(nowhere, SystemClock()))()

    assert (logging.getLogger().handlers[:], logging.lastResort, sys.excepthook, sys.unraisablehook) == before
