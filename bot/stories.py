"""The stories of the assistant, played against a real gateway and a real Rasa. `python -m bot.rasa stories`."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

import click

from bot.playing import Failed, Playing
from bot.server import ROOT, Rasa, free_port
from bot.speaking import NoAnswer
from bot.stage import NotUp, Stage
from bot.story import Story, Unclear, stories_in
from bot.transcript import Said, page, written
from dialogs.content import Content


@dataclass(frozen=True, slots=True)
class Played:
    """A story in one language: what was said, how long it took, and what went otherwise; "" where nothing did."""

    story: str
    language: str
    said: Sequence[Said]
    seconds: float
    failure: str = ""


@click.command()
@click.option("--only", default="", metavar="NAME", help="One story of bot/assistant/tests/stories.")
@click.option("--write", type=click.Path(path_type=Path, dir_okay=False), help="Write what was said to this page.")
@click.option("--show", is_flag=True, help="Print every conversation, not only those that went otherwise.")
def stories(only: str, write: Path | None, show: bool) -> None:
    """Play the stories against a real gateway and the trained model."""
    content, _ = Content.load(ROOT / "content", drafts=True)
    if content is None:
        raise click.ClickException("The content has errors: ngazi content check")
    wanted = [each for each in stories_in() if only in ("", each.name)]
    token, port = secrets.token_hex(16), free_port()
    rasa = Rasa(token, f"http://127.0.0.1:{port}/rasa/webhook", log="stories.log")
    played: list[Played] = []
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder), port, token, rasa)
        try:
            stage.start()
            of_rasa = rasa.version()
            for each in play_all(wanted, content, stage):
                played.append(each)
                click.echo(f"{each.story} {each.language}: {each.failure or f'well, {each.seconds:.1f} s'}")
                if show or each.failure:
                    click.echo(written(each.said))
        except NotUp as error:
            raise click.ClickException(f"The gateway did not start.\n{error}") from error
        finally:
            stage.stop()
    failures = sum(bool(each.failure) for each in played)
    click.echo(f"{len(played) - failures} of {len(played)} stories went as they are written.")
    if failures:
        raise click.ClickException("What was said stands above.")
    if write:
        said = {(each.story, each.language): each.said for each in played}
        write.write_text(page(said, date.today(), version("ngazi"), of_rasa), "utf-8")  # noqa: DTZ011  the reader's day
        click.echo(f"Written: {write}")


def play_all(wanted: Sequence[Story], content: Content, stage: Stage) -> Iterator[Played]:
    """Each story in each of its languages."""
    for story in wanted:
        for language in story.languages:
            playing, begun, failure = Playing(story, language, content, stage), time.monotonic(), ""
            try:
                playing.play()
            except (Failed, Unclear, NoAnswer, OSError, ValueError) as error:
                failure = str(error) or type(error).__name__
            yield Played(story.name, language, playing.said, time.monotonic() - begun, failure)
