"""``leeward``: the one place where the environment is read and commands are found.

Commands are imported when they are called, so that ``leeward --help`` answers at once. Exit statuses are those of
docs/errors.md; a command that was typed wrongly ends with 64.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from leeward.cli.voice import Voice
from leeward.core.errors import Cancelled, UsageError
from leeward.core.settings import settings_from

__all__ = ["COMMANDS", "cli", "main"]

COMMANDS = {
    "new": "Make a new vault.",
    "demo": "Make a filled example, show what can be done with it, throw it away.",
    "import": "Take in message exports; says what came in and what did not.",
    "log": "Write down what happened.",
    "timeline": "Show everything in the order in which it happened.",
    "search": "Find words.",
    "bundle": "Hand a part over, with proof.",
    "verify": "Check a vault or a bundle.",
    "backup": "Write a backup that is still sealed.",
    "restore": "Bring a vault back from a backup.",
    "export": "Take everything out in open formats.",
    "doctor": "Say what is installed, what is missing, and what that costs.",
}
"""Every command and its first line of help, in the order of use."""

_PR_SET_DUMPABLE = 4  # prctl(2)


class _Lazy(click.Group):
    """Finds commands by name in ``<name>_cmd.py``."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click names the argument
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # as above
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"leeward.cli.{cmd_name}_cmd").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # as above
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(None, "--version", package_name="leeward", prog_name="leeward")
def cli() -> None:
    """Keep what happened safe, find it again, hand a part of it over.

    Everything stays in one sealed file on this device. Nothing is sent anywhere.
    What you type after a command can be seen in the history of this shell: the commands take files or "-" instead.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its status."""
    _keep_to_ourselves()
    typed = list(sys.argv[1:] if arguments is None else arguments)
    voice = Voice.of_this_process(json="--json" in typed)

    def act() -> int | None:
        settings = settings_from(os.environ)
        voice.plain, voice.debug = settings.plain, settings.debug
        try:
            status: int | None = cli.main(args=typed, prog_name="leeward", standalone_mode=False, obj=(voice, settings))
        except click.exceptions.NoArgsIsHelpError as error:
            voice.say(error.format_message())
            return UsageError.exit_status
        except click.ClickException as error:
            hint = f"Try: {error.ctx.command_path} --help" if isinstance(error, click.UsageError) and error.ctx else ""
            raise UsageError(error.format_message(), lost="", next_step=hint) from error
        except (click.Abort, EOFError):
            raise Cancelled("Stopped.") from None
        return status

    sys.exit(voice.around(act))


def _keep_to_ourselves() -> None:
    """Files of this process are for its owner alone, nothing writes an image of its memory, nothing looks into it."""
    os.umask(0o077)
    try:
        import resource  # noqa: PLC0415  # not on Windows

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError, OSError):
        pass  # the platform has no such images, or forbids them already
    if sys.platform == "linux":
        # A limit of zero does not stop an image that is piped to a program, and does not keep another program of the
        # same user from reading keys out of this one. This does both; it ends with this process.
        import ctypes  # noqa: PLC0415  # only where it is needed

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, ctypes.c_ulong(0), 0, 0, 0)
