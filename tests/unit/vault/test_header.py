import unicodedata

import pytest
from tests.safety.vault_world import CHEAP

from leeward.core.clock import FixedClock
from leeward.core.errors import FromNewerVersion, NotAVault, WrongPassphrase
from leeward.core.secret import Passphrase
from leeward.core.units import Seconds
from leeward.vault import header as header_module
from leeward.vault.header import SLOTS, add_passphrase, choose_kdf, new_header, open_header, replace_slot
from leeward.vault.primitives import KDF_PROFILES, KdfProfile, argon2id, expand, seal, unseal

COMPARTMENT, ROOT = bytes([1] * 16), bytes([2] * 32)


@pytest.mark.parametrize("slot", [0, 7, SLOTS - 1])
def test_a_passphrase_opens_its_slot(slot: int, passphrase: Passphrase) -> None:
    header = add_passphrase(new_header(1), slot, passphrase, COMPARTMENT, ROOT)

    assert open_header(header, passphrase) == (slot, COMPARTMENT, ROOT)


def test_another_passphrase_opens_nothing(passphrase: Passphrase, wrong_passphrase: Passphrase) -> None:
    header = add_passphrase(new_header(1), 3, passphrase, COMPARTMENT, ROOT)

    with pytest.raises(WrongPassphrase, match="does not open"):
        open_header(header, wrong_passphrase)


def test_the_same_words_from_another_keyboard_open() -> None:
    composed = unicodedata.normalize("NFC", "café ﬁn Å")
    decomposed = unicodedata.normalize("NFD", "café fin Å")
    header = add_passphrase(new_header(1), 0, Passphrase.from_text(composed), COMPARTMENT, ROOT)

    assert composed != decomposed
    assert open_header(header, Passphrase.from_text(decomposed)).root == ROOT


def test_a_header_has_the_form_that_is_written_down() -> None:
    header = new_header(1)

    assert len(header) == 44 + 16 * 200
    assert header[:12] == b"vault/v1" + bytes([1, 1, 0, 0])
    assert new_header(1)[12:] != header[12:]


def test_used_and_unused_slots_look_alike(passphrase: Passphrase) -> None:
    header = add_passphrase(new_header(1), 3, passphrase, COMPARTMENT, ROOT)

    slots = [header[44 + 200 * i : 244 + 200 * i] for i in range(SLOTS)]

    assert all(len(set(slot)) > 80 for slot in slots)  # 200 random bytes have about 139 different values
    assert ROOT not in header


def test_every_slot_is_tried_whatever_matches(passphrase: Passphrase, monkeypatch: pytest.MonkeyPatch) -> None:
    header = add_passphrase(new_header(1), 0, passphrase, COMPARTMENT, ROOT)
    tried: list[bytes] = []

    def noting(key: bytes, context: bytes, sealed: bytes) -> bytes:
        tried.append(context)
        return unseal(key, context, sealed)

    monkeypatch.setattr(header_module, "unseal", noting)

    open_header(header, passphrase)

    assert len(set(tried)) == SLOTS


def test_a_slot_moved_to_another_number_does_not_open(passphrase: Passphrase) -> None:
    header = add_passphrase(new_header(1), 3, passphrase, COMPARTMENT, ROOT)
    moved = replace_slot(new_header(1), 4, header[44 + 600 : 44 + 800])

    with pytest.raises(WrongPassphrase):
        open_header(moved, passphrase)


@pytest.mark.parametrize("role", [1, 2, 3, 200])
def test_a_role_this_version_does_not_know_is_not_used(role: int, passphrase: Passphrase) -> None:
    header = new_header(1)
    key = expand(argon2id(passphrase.reveal(), header[12:44], CHEAP), b"leeward/v1/slot")
    payload = bytes([1, role, 0, 0]) + COMPARTMENT + ROOT + bytes(76)
    reserved = replace_slot(header, 5, seal(key, b"leeward/v1|slot|" + header[:44] + b"|5", payload))

    with pytest.raises(WrongPassphrase):
        open_header(reserved, passphrase)


@pytest.mark.parametrize(("position", "value"), [(8, 2), (9, 0), (9, 6), (9, 255), (10, 1)])
def test_a_format_or_cost_this_version_does_not_know_is_refused_before_any_work(
    position: int, value: int, passphrase: Passphrase, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = bytearray(new_header(1))
    header[position] = value
    monkeypatch.setattr(header_module, "argon2id", None)

    with pytest.raises(FromNewerVersion):
        open_header(bytes(header), passphrase)


@pytest.mark.parametrize("content", [b"", b"vault/v1", b"VAULT/V1" + bytes(3236), b"vault/v1" + bytes(3237)])
def test_other_bytes_are_not_a_vault(content: bytes, passphrase: Passphrase) -> None:
    with pytest.raises(NotAVault):
        open_header(content, passphrase)


@pytest.mark.parametrize(("seconds", "chosen"), [(5.0, 1), (0.5, 1), (0.3, 2), (0.15, 3), (0.08, 4), (0.01, 5)])
def test_the_cost_is_the_largest_that_stays_near_the_target(
    seconds: float, chosen: int, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        monkeypatch.setitem(KDF_PROFILES, number + 1, KdfProfile(64 * 1024 * 2**number, 3, 4))

    def slow(*_: object) -> bytes:
        clock.advance(Seconds(seconds))
        return bytes(32)

    monkeypatch.setattr(header_module, "argon2id", slow)

    assert choose_kdf(clock) == chosen
