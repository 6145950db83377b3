"""The suite needs no network, and this shows that the block which proves it does catch a connection."""

import asyncio
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

import block_network

HERE = ("127.0.0.1", 9)
ELSEWHERE = ("192.0.2.1", 80)  # TEST-NET-1, RFC 5737: nobody's


@pytest.mark.parametrize("address", [HERE, ELSEWHERE])
def test_a_connection_is_refused(address: tuple[str, int], refused_connections: list[str]) -> None:
    with socket.socket() as sock, pytest.raises(block_network.NetworkRefused):
        sock.connect(address)

    assert refused_connections == ["socket.connect"]
    refused_connections.clear()


def test_a_connection_over_ipv6_is_refused(refused_connections: list[str]) -> None:
    with socket.socket(socket.AF_INET6) as sock, pytest.raises(block_network.NetworkRefused):
        sock.connect_ex(("2001:db8::1", 80))

    refused_connections.clear()


def test_a_datagram_is_refused(refused_connections: list[str]) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises(block_network.NetworkRefused):
        sock.sendto(b"hello", ELSEWHERE)

    refused_connections.clear()


def test_a_name_is_not_looked_up(refused_connections: list[str]) -> None:
    with pytest.raises(block_network.NetworkRefused):
        socket.getaddrinfo("example.org", 443)

    refused_connections.clear()


def test_the_ways_libraries_take_are_refused(refused_connections: list[str]) -> None:
    with pytest.raises(block_network.NetworkRefused):
        urllib.request.urlopen("http://192.0.2.1/", timeout=1)
    with pytest.raises(block_network.NetworkRefused):
        asyncio.run(asyncio.wait_for(asyncio.open_connection(*ELSEWHERE), 1))

    assert len(refused_connections) >= 2
    refused_connections.clear()


def test_a_refusal_that_code_swallows_is_still_on_record(refused_connections: list[str]) -> None:
    try:
        socket.create_connection(ELSEWHERE, timeout=1)
    except Exception:  # noqa: BLE001  # the careless code this test is about
        pass

    assert refused_connections != []
    refused_connections.clear()


def test_a_python_started_from_a_test_is_refused_too() -> None:
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert "NetworkRefused" in done.stderr


def test_processes_of_this_machine_may_still_talk() -> None:
    left, right = socket.socketpair(socket.AF_UNIX)

    left.sendall(b"hello")

    assert right.recv(5) == b"hello"
    left.close()
    right.close()


def test_with_ci_there_is_no_network_device_either_where_linux_allows_it() -> None:
    script = Path(__file__).parents[2] / "scripts" / "without-network"
    allowed = subprocess.run([script, "printenv", "NETWORK_TAKEN_AWAY"], capture_output=True, check=False)
    if os.environ.get("CI") != "true" or allowed.stdout != b"yes\n":
        pytest.skip("only `make test` with CI=true, on a system that lends a network namespace, promises this")

    devices = [name for _, name in socket.if_nameindex()]

    assert devices == ["lo"]
