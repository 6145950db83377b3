import pytest
from tests.safety.vault_world import CHEAP

from leeward.core.clock import FixedClock
from leeward.core.ids import RandomBytes
from leeward.core.secret import Passphrase
from leeward.vault.primitives import KDF_PROFILES
from leeward.vault.storage.memory import MemoryStorage
from leeward.vault.vault import Vault


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in KDF_PROFILES:
        monkeypatch.setitem(KDF_PROFILES, number, CHEAP)


@pytest.fixture
def memory() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def vault(memory: MemoryStorage, passphrase: Passphrase, clock: FixedClock, chance: RandomBytes) -> Vault:
    """A new vault in memory, which is `memory`."""
    return Vault.create(memory, passphrase, clock=clock, random=chance, kdf=1)
