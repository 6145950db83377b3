from pathlib import Path

import pytest

from leeward.core.clock import FixedClock, local_zone_name
from leeward.core.units import Milliseconds, Seconds


def test_a_fixed_clock_moves_only_when_told() -> None:
    clock = FixedClock(Milliseconds(5))

    before = clock.now_ms(), clock.steady()
    clock.advance(Seconds(2))

    assert before == (Milliseconds(5), Seconds(0))
    assert (clock.now_ms(), clock.steady()) == (Milliseconds(2005), Seconds(2))


def test_setting_the_device_clock_back_leaves_the_steady_reading_alone() -> None:
    clock = FixedClock(Milliseconds(10_000))

    clock.set_back(Seconds(3))

    assert (clock.now_ms(), clock.steady()) == (Milliseconds(7_000), Seconds(0))


def test_a_fixed_clock_does_not_advance_backwards() -> None:
    clock = FixedClock(Milliseconds(0))

    with pytest.raises(ValueError, match="set_back"):
        clock.advance(Seconds(-1))


@pytest.mark.parametrize(
    "target",
    [
        "/usr/share/zoneinfo/Europe/London",
        "../usr/share/zoneinfo/Europe/London",
        "/usr/share/zoneinfo/posix/Europe/London",
        "/var/db/timezone/zoneinfo/Europe/London",
    ],
)
def test_the_zone_is_read_from_the_link_of_the_device(tmp_path: Path, target: str) -> None:
    localtime = tmp_path / "localtime"
    localtime.symlink_to(target)

    zone = local_zone_name(localtime, tmp_path / "none")

    assert zone == "Europe/London"


def test_the_zone_is_read_from_the_file_where_the_link_is_a_copy(tmp_path: Path) -> None:
    localtime, timezone = tmp_path / "localtime", tmp_path / "timezone"
    localtime.write_bytes(b"TZif")
    timezone.write_text("America/Argentina/Ushuaia\n")

    zone = local_zone_name(localtime, timezone)

    assert zone == "America/Argentina/Ushuaia"


@pytest.mark.parametrize("content", [b"", b"Nowhere/Atlantis\n", b"../../etc/passwd\n", b"Europe\n", b"\xff\xfe\n"])
def test_a_device_that_does_not_say_its_zone_gives_no_answer(tmp_path: Path, content: bytes) -> None:
    timezone = tmp_path / "timezone"
    timezone.write_bytes(content)

    zone = local_zone_name(tmp_path / "none", timezone)

    assert zone is None


def test_the_environment_does_not_change_the_zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    timezone = tmp_path / "timezone"
    timezone.write_text("Europe/Lisbon\n")

    zone = local_zone_name(tmp_path / "none", timezone)

    assert zone == "Europe/Lisbon"
