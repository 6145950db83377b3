from pathlib import Path

import pytest

from leeward.core.errors import UsageError
from leeward.core.settings import Settings, settings_from


def test_an_empty_environment_gives_the_safest_settings() -> None:
    assert settings_from({}) == Settings()
    assert settings_from({"LEEWARD_PASSPHRASE_FILE": "", "LEEWARD_DEBUG": "", "TZ": ""}) == Settings()


def test_every_setting_is_read() -> None:
    settings = settings_from(
        {
            "LEEWARD_PASSPHRASE_FILE": "pass.txt",
            "LEEWARD_DEBUG": "1",
            "LEEWARD_REGION": "gb",
            "TZ": ":Europe/London",
            "NO_COLOR": "1",
        }
    )

    assert settings == Settings(
        passphrase_file=Path("pass.txt"), debug=True, region="GB", zone="Europe/London", plain=True
    )


@pytest.mark.parametrize("value", ["0", "true", "yes", "2"])
def test_only_a_one_shows_tracebacks(value: str) -> None:
    assert settings_from({"LEEWARD_DEBUG": value}).debug is False


@pytest.mark.parametrize("value", ["GBR", "1", "ÄÖ", "G"])
def test_a_region_that_is_no_country_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match="LEEWARD_REGION"):
        settings_from({"LEEWARD_REGION": value})


@pytest.mark.parametrize("value", ["EST5EDT,M3.2.0,M11.1.0", "../../etc/passwd", "/etc/localtime", "Mars/Base"])
def test_a_zone_that_is_no_name_is_left_out(value: str) -> None:
    assert settings_from({"TZ": value}).zone is None
