"""The command `ngazi`. What a command needs is loaded when it is asked for."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack
from importlib import import_module
from importlib.metadata import version

import click
from sqlalchemy.exc import DBAPIError

from gateway.channels import SettingsError
from gateway.settings import Settings
from gateway.settings_page import describe

# Where a command stands that has a module of its own.
ELSEWHERE = {
    "broadcast": "gateway.cli_broadcast:broadcast",
    "channels": "gateway.cli_work:channels",
    "contacts": "gateway.cli_contacts:contacts",
    "content": "gateway.cli_content:content",
    "dial": "gateway.dial:dial",
    "fake": "gateway.cli_fake:fake",
    "groups": "gateway.cli_groups:groups",
    "messages": "gateway.cli_messages:messages",
    "reminders": "gateway.cli_reminders:reminders",
    "work": "gateway.cli_work:work",
}


class Commands(click.Group):
    """The commands of this file and those of ELSEWHERE."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module, _, name = ELSEWHERE[cmd_name].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("ngazi"), prog_name="ngazi")
def main() -> None:
    """Dialogs by USSD, SMS and chat that take small-scale miners up the steps to certification."""


@main.command()
@click.option("--host", default="", help="Address to listen on, instead of NGAZI_HOST.")
@click.option("--port", default=None, type=click.IntRange(0, 65535), help="Port, instead of NGAZI_PORT.")
def serve(host: str, port: int | None) -> None:
    """Answer phones."""
    from gateway import serving

    settings = read_settings()
    for notice in settings.notices:
        click.echo(notice, err=True)
    host = host or settings.host
    port = settings.port if port is None else port
    try:
        place = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        cause = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise click.ClickException(f"NGAZI_PORT: cannot listen on {host} port {port}: {cause}.") from None
    # The connections inherit it. Without it an answer waits for the caller's delayed acknowledgement, some 40 ms.
    place.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with place:
        serving.run(settings, place)


@main.command()
def migrate() -> None:
    """Bring the tables of the database to their newest form."""
    from dialogs import database

    settings = read_settings()
    database.migrate(database.open_engine(settings.database_url))
    click.echo("The database is up to date.")


@main.command()
@click.argument("url")
def move(url: str) -> None:
    """Copy everything to the empty database at URL, for example from SQLite to PostgreSQL.

    Stop the gateway first. Afterwards set NGAZI_DATABASE_URL to the new one; the secret key and the content stay the
    same. The old database stays as it is.
    """
    from dialogs import database
    from gateway import moving

    settings = read_settings()
    with ExitStack() as held:
        try:
            wanted = Settings.read({**os.environ, "NGAZI_DATABASE_URL": url})
            both = [database.open_engine(each.database_url, plain=True) for each in (settings, wanted)]
            for each in both:
                held.callback(each.dispose)
                if lock := database.hold(each):
                    held.callback(lock.close)
                database.migrate(each)
            for table, rows in moving.move(*both):
                click.echo(f"{rows:>10,}  {table}")
        except SettingsError as error:
            raise click.ClickException(str(error).replace("NGAZI_DATABASE_URL", "URL")) from None
        except database.AlreadyServed:
            raise click.ClickException("The gateway is running on this database. Stop it first.") from None
        except moving.NotEmpty as error:
            raise click.ClickException(str(error.__doc__)) from None
        except DBAPIError as error:
            cause = " ".join(str(error.orig).split())
            raise click.ClickException(f"A database cannot be used: {cause}") from None
    click.echo("Done. Set NGAZI_DATABASE_URL to the new database, keep NGAZI_SECRET_KEY, and start.")


@main.command(name="settings")
def show_settings() -> None:
    """Show all settings, as docs/settings.md has them."""
    click.echo(describe(), nl=False)


def read_settings() -> Settings:
    """The settings of this machine, or one sentence and the end."""
    try:
        return Settings.read(os.environ)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
