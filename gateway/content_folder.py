"""Which content folder a command `ngazi content ...` means. One that writes never takes the program's own unasked."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click

from dialogs.content import BUNDLED, find_folder
from dialogs.written import COMMON, FOLDERS

P = ParamSpec("P")
R = TypeVar("R")


def reads(command: Callable[Concatenate[Path, P], R]) -> Callable[P, R]:
    """The command with its folder in front. The content that came with the program will do; it is told which it is."""
    return _with_folder(command, writes=False)


def writes(command: Callable[Concatenate[Path, P], R]) -> Callable[P, R]:
    """The command with its folder in front, which somebody has named or stands in; else it is refused."""
    return _with_folder(command, writes=True)


def _with_folder(command: Callable[Concatenate[Path, P], R], *, writes: bool) -> Callable[P, R]:
    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return command(_meant(click.get_current_context().obj, writes=writes), *args, **kwargs)

    return run


def _meant(named: Path | None, *, writes: bool) -> Path:
    folder = named or find_folder(os.environ)
    found = named is None and not os.environ.get("NGAZI_CONTENT") and folder == BUNDLED
    # In the program's own project its content is what is meant, wherever in it one stands.
    if found and not Path.cwd().is_relative_to(BUNDLED.parent):
        if writes:
            raise click.ClickException(
                "There is no folder content here. Say which one: --content FOLDER, or set NGAZI_CONTENT."
            )
        click.echo(f"Reading the content that came with the program: {BUNDLED}", err=True)
    if not folder.is_dir():
        raise click.ClickException(f"There is no folder {folder}.")
    if not (folder / COMMON).exists() and (likely := _nearby(folder)):
        raise click.ClickException(f"{folder} is not the content folder; did you mean {likely}?")
    return folder


def _nearby(folder: Path) -> Path | None:
    """The content folder that lies in this one, or that this one is a part of."""
    below, above = folder / "content", Path(os.path.normpath(folder / ".."))
    if (below / COMMON).is_file():
        return below
    return above if folder.absolute().name in FOLDERS and (above / COMMON).is_file() else None
