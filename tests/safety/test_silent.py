"""P-SILENT and the edge, held in the source text: nothing opens a connection, and one place reads the environment."""

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"

CONNECTS = {
    "_socket", "aiohttp", "asyncio", "ftplib", "http", "httpx", "imaplib", "multiprocessing.connection", "nntplib",
    "poplib", "requests", "smtplib", "socket", "socketserver", "ssl", "telnetlib", "urllib.request", "urllib3",
    "webbrowser", "xmlrpc",
}  # fmt: skip
MAY_CONNECT: set[str] = set()
"""Modules that may: those docs/architecture.md names. There is none yet."""

ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv", "expandvars", "expanduser"}
MAY_READ_ENVIRONMENT = {"leeward.cli.main", "leeward.web.settings"}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        inside = path.relative_to(SOURCE)
        if "tests" not in inside.parts:
            name = ".".join(inside.with_suffix("").parts).removesuffix(".__init__")
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"import_module", "__import__"}:
                yield str(node.args[0].value)


def connects(tree: ast.Module) -> set[str]:
    return {name for name in imported(tree) if any(name == each or name.startswith(each + ".") for each in CONNECTS)}


def reads_environment(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ENVIRONMENT:
            found.add(node.attr)
        elif isinstance(node, ast.ImportFrom) and node.module in {"os", "posix"}:
            found.update(alias.name for alias in node.names if alias.name in ENVIRONMENT)
    return found


def test_no_module_opens_a_connection() -> None:
    found = {name: connects(tree) for name, tree in modules() if name not in MAY_CONNECT}

    assert {name: what for name, what in found.items() if what} == {}


def test_the_environment_is_read_in_one_place() -> None:
    found = {name: reads_environment(tree) for name, tree in modules() if name not in MAY_READ_ENVIRONMENT}

    assert {name: what for name, what in found.items() if what} == {}


def test_every_module_was_looked_at() -> None:
    names = [name for name, _ in modules()]

    assert {"leeward.core.errors", "leeward_proof.tree"} <= set(names)
    assert importlib.util.find_spec("leeward") is not None


@pytest.mark.parametrize(
    "source",
    [
        "import socket",
        "from urllib import request",
        "import urllib.request as r",
        "from http.client import HTTPSConnection",
        "def late():\n    import ssl",
        "__import__('smtplib')",
        "importlib.import_module('socket')",
    ],
)
def test_the_look_finds_each_way_to_a_connection(source: str) -> None:
    assert connects(ast.parse(source))


@pytest.mark.parametrize("source", ["import urllib.parse", "import sockets_of_a_lamp", "from email import policy"])
def test_the_look_leaves_others_alone(source: str) -> None:
    assert not connects(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    ["import os\nos.environ['X']", "from os import getenv", "os.path.expanduser('~')", "Path('~').expanduser()"],
)
def test_the_look_finds_each_way_to_the_environment(source: str) -> None:
    assert reads_environment(ast.parse(source))
