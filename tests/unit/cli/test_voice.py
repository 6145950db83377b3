import errno
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeward.cli.voice import DOING, Voice, printable
from leeward.core.errors import CannotWrite, LeewardError, OurMistake, WrongPassphrase
from leeward.core.progress import LABELS, Reached, silent

PLANTED = "the blue door sticks when it rains"
TO_A_TERMINAL = "\x1b[2J\x07\x9b31m\u202egnp.exe\x08\r\x7f"


class Spoken:
    def __init__(self, **manner: bool) -> None:
        self._out, self._err = io.StringIO(), io.StringIO()
        self.voice = Voice(self._out, self._err, **manner)

    @property
    def out(self) -> str:
        return self._out.getvalue()

    @property
    def err(self) -> str:
        return self._err.getvalue()


def raising(error: BaseException) -> Callable[[], int]:
    def act() -> int:
        raise error

    return act


def test_the_result_goes_out_and_everything_else_beside_it() -> None:
    spoken = Spoken()

    spoken.voice.say("Reading one file.")
    spoken.voice.result("3 messages")

    assert spoken.out == "3 messages\n"
    assert spoken.err == "Reading one file.\n"


def test_a_message_cannot_command_the_terminal() -> None:
    spoken = Spoken()

    spoken.voice.result(TO_A_TERMINAL)
    spoken.voice.say(TO_A_TERMINAL)

    for written in (spoken.out, spoken.err):
        assert not set("\x1b\x07\x9b\u202e\x08\r\x7f") & set(written)


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs"])))
def test_ordinary_words_of_any_script_are_printed_as_they_are(text: str) -> None:
    assert printable(text) == text


@given(st.text())
def test_an_item_on_one_line_stays_on_one_line(text: str) -> None:
    assert len(printable(text, one_line=True).split("\n")) == 1


def test_joiners_inside_emoji_and_marks_of_direction_survive() -> None:
    text = "👩\u200d👧 \u200fسلام\u200e e\u0301"

    assert printable(text) == text


@given(st.recursive(st.text() | st.integers(-(2**53), 2**53) | st.booleans(), st.lists))
def test_json_reads_back_and_cannot_command_the_terminal(value: object) -> None:
    spoken = Spoken(json=True)

    spoken.voice.result_json(value)

    assert json.loads(spoken.out) == value
    assert not any(ord(character) in range(0x7F, 0xA0) for character in spoken.out)


class Shown(msgspec.Struct):
    zulu: int
    alpha: str


def test_json_keeps_the_keys_in_the_order_of_the_manual() -> None:
    spoken = Spoken(json=True)

    spoken.voice.result_json({"id": 1, "at": Shown(zulu=2, alpha="é")})

    assert spoken.out == '{"id":1,"at":{"zulu":2,"alpha":"é"}}\n'


def test_a_file_name_that_is_no_text_still_gives_json() -> None:
    spoken = Spoken(json=True)

    spoken.voice.result_json({"file": b"caf\xe9.txt".decode("utf-8", "surrogateescape")})

    assert json.loads(spoken.out) == {"file": "caf?.txt"}


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_list_is_one_json_array_with_an_item_a_line(count: int) -> None:
    spoken = Spoken(json=True)

    spoken.voice.result_list({"n": n} for n in range(count))

    assert json.loads(spoken.out) == [{"n": n} for n in range(count)]
    assert len(spoken.out.splitlines()) == (count + 2 if count else 1)


def test_a_list_is_written_as_it_comes() -> None:
    spoken = Spoken(json=True)
    seen: list[str] = []

    def items() -> object:
        yield 1
        seen.append(spoken.out)
        yield 2

    spoken.voice.result_list(items())  # type: ignore[arg-type]  # a generator of numbers

    assert seen == ["[\n1"]


def test_an_error_is_its_sentence_and_its_status() -> None:
    spoken = Spoken()

    status = spoken.voice.around(raising(WrongPassphrase("This passphrase does not open the vault.", next_step="Try.")))

    assert status == 77
    assert spoken.out == ""
    assert spoken.err == "This passphrase does not open the vault. Nothing was lost. Try.\n"


def test_with_json_an_error_is_an_object_beside_the_result() -> None:
    spoken = Spoken(json=True)

    status = spoken.voice.around(raising(CannotWrite("The disk is full.")))

    assert status == 73
    assert spoken.out == ""
    assert json.loads(spoken.err) == {
        "error": {"id": "L105", "exit": 73, "message": "The disk is full. Nothing was lost."}
    }


@pytest.mark.parametrize("error", [ValueError(PLANTED), KeyError(PLANTED), RecursionError(PLANTED), OSError(PLANTED)])
def test_what_nobody_foresaw_is_our_mistake_without_a_traceback(error: Exception) -> None:
    spoken = Spoken()

    status = spoken.voice.around(raising(error))

    assert status == 70
    assert type(error).__name__ in spoken.err
    assert "L900" in spoken.err
    assert spoken.err.count("\n") == 1
    assert "Traceback" not in spoken.err
    assert "blue" not in spoken.err


def test_with_debug_the_developer_sees_what_nobody_foresaw() -> None:
    with pytest.raises(ValueError, match="blue"):
        Spoken(debug=True).voice.around(raising(ValueError(PLANTED)))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_device_that_says_no_gives_a_sentence_with_a_next_step(number: int) -> None:
    spoken = Spoken()

    status = spoken.voice.around(raising(OSError(number, PLANTED, PLANTED)))

    assert status == 73
    assert "blue" not in spoken.err
    assert spoken.err.count(".") >= 2


def test_stopping_is_no_error_of_hers() -> None:
    spoken = Spoken()

    status = spoken.voice.around(raising(KeyboardInterrupt()))

    assert status == 130
    assert spoken.err == "You stopped this. Nothing was lost.\n"


def test_the_status_of_the_act_is_passed_on() -> None:
    assert Spoken().voice.around(lambda: 3) == 3
    assert Spoken().voice.around(lambda: None) == 0


def test_no_memory_left_is_a_sentence() -> None:
    assert Spoken().voice.around(raising(MemoryError())) == 70


@pytest.mark.parametrize("manner", [{}, {"plain": True}, {"json": True}])
def test_no_bar_moves_where_nobody_looks(manner: dict[str, bool]) -> None:
    spoken = Spoken(**manner)

    with spoken.voice.progress() as report:
        report(Reached("import.read", 1, 2))

    assert report is silent
    assert spoken.err == spoken.out == ""


def test_a_terminal_gets_a_bar_on_standard_error_that_names_the_work() -> None:
    leader, follower = pty.openpty()
    out = io.StringIO()

    with os.fdopen(follower, "w", encoding="utf-8") as terminal:
        with Voice(out, terminal).progress() as report:
            for label in ("import.read", "import.index"):
                for done in range(3):
                    report(Reached(label, done, 2))
        shown = os.read(leader, 65_536).decode()
    os.close(leader)

    assert "Reading" in shown
    assert "Making it searchable" in shown
    assert out.getvalue() == ""


def test_every_label_has_words() -> None:
    assert set(DOING) == LABELS


def test_every_sentence_of_an_error_ends_calmly() -> None:
    spoken = Spoken()

    for error in (OurMistake("A."), LeewardError("B.", next_step="C.")):
        spoken.voice.fail(error)

    assert "!" not in spoken.err


def test_when_the_reader_goes_away_nothing_is_said() -> None:
    code = (
        "import sys; from leeward.cli.voice import Voice; voice = Voice.of_this_process()\n"
        "sys.exit(voice.around(lambda: voice.result_list(range(200_000))))"
    )

    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        status = process.wait(20)

    assert (status, said) == (0, b"")


def test_any_device_setting_gives_utf_8() -> None:
    code = "from leeward.cli.voice import Voice; Voice.of_this_process().result('é 💙')"

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict"},
        capture_output=True,
        check=True,
    )

    assert done.stdout.decode() == "é 💙\n"


def test_speaking_needs_no_heavy_library_before_there_is_something_to_show() -> None:
    code = (
        "import sys, leeward.cli.voice; print([name for name in ('rich', 'msgspec', 'typst') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
