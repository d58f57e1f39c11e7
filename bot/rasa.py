"""Rasa beside Ngazi: its virtual environment, training, serving and measuring. `python -m bot.rasa train`."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
import zlib
from pathlib import Path

import click

from bot.measure import test
from bot.server import ASSISTANT, HOME, MODEL, QUIET, ROOT, Rasa, rasa_command, server, stop
from bot.stories import stories

LOCK = ROOT / "requirements-rasa.txt"
PYTHONS = ("python3.10", "python3.9", "python3.8")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Rasa for Ngazi: make its environment, train it, run it, measure it."""


@main.command()
def setup() -> None:
    """Make .rasa, an environment of its own with Python 3.8 to 3.10 (2.7 GB, some minutes)."""
    ready = HOME / "ready"
    state = str(hash_of(LOCK))
    if ready.exists() and ready.read_text() == state:
        return
    python = _python()
    click.echo(f"Making .rasa with {python}; this takes some minutes and 2.7 GB.")
    shutil.rmtree(HOME, ignore_errors=True)
    subprocess.run([python, "-m", "venv", str(HOME)], check=True)
    pip = [str(HOME / "bin" / "python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", str(LOCK)], check=True)
    ready.write_text(state)


def hash_of(path: Path) -> int:
    """A number that changes with the file."""
    return zlib.crc32(path.read_bytes())


def _python() -> str:
    wanted = [os.environ["NGAZI_RASA_PYTHON"]] if os.environ.get("NGAZI_RASA_PYTHON") else list(PYTHONS)
    for each in wanted:
        found = shutil.which(each)
        if found and _is_old_enough(found):
            return found
    raise click.ClickException(
        "Rasa 3.6 needs Python 3.8, 3.9 or 3.10, and none was found as: "
        f"{', '.join(wanted)}. Install one (pyenv install 3.10) and name it: NGAZI_RASA_PYTHON=/path/to/python3.10"
    )


def _is_old_enough(python: str) -> bool:
    code = "import sys, venv; sys.exit(not (3, 8) <= sys.version_info[:2] <= (3, 10))"
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0


@main.command()
def train() -> None:
    """Train the assistant on the examples of all languages."""
    began = time.monotonic()
    parts = ("--config", "config.yml", "--domain", "domain.yml", "--data", "data", "--out", str(MODEL.parent))
    command = rasa_command("train", *parts, "--fixed-model-name", MODEL.name.removesuffix(".tar.gz"), "--force")
    done = subprocess.run(command, cwd=ASSISTANT, env=os.environ | QUIET, capture_output=True, text=True, check=False)
    if done.returncode or not MODEL.exists():
        raise click.ClickException(f"Rasa did not train.\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    click.echo(f"Trained in {time.monotonic() - began:.0f} s: {MODEL.relative_to(ROOT)}")


@main.command()
@click.option("--port", default=5005, show_default=True)
@click.option("--actions", default="http://127.0.0.1:8000/rasa/webhook", show_default=True, help="The gateway's route.")
def serve(port: int, actions: str) -> None:
    """Run Rasa on this machine only. NGAZI_RASA_TOKEN must be that of the gateway."""
    token = os.environ.get("NGAZI_RASA_TOKEN", "")
    if not token:
        raise click.ClickException("NGAZI_RASA_TOKEN is not set: give the gateway and Rasa the same long random word.")
    click.echo(f"Rasa listens on http://127.0.0.1:{port}. For the gateway: NGAZI_RASA_URL=http://127.0.0.1:{port}")
    os.execve(*server(port, token, actions))


@main.command()
@click.option("--port", default=5005, show_default=True, help="Of Rasa.")
def play(port: int) -> None:
    """Run Rasa and a gateway with a web chat, until Ctrl-C. For trying; a service runs the two by itself."""
    token = secrets.token_urlsafe(24)
    gateway_port = os.environ.get("NGAZI_PORT", "8000")
    gateway = {
        "NGAZI_RASA_TOKEN": token, "NGAZI_RASA_URL": f"http://127.0.0.1:{port}", "NGAZI_CHAT": "on",
        "NGAZI_HOST": "127.0.0.1", "NGAZI_PORT": gateway_port, "NGAZI_DRAFTS": "show",
    }  # fmt: skip
    rasa = Rasa(token, f"http://127.0.0.1:{gateway_port}/rasa/webhook", port, "rasa.log")
    rasa.start()
    ngazi = subprocess.Popen([str(Path(sys.executable).with_name("ngazi")), "serve"], env=os.environ | gateway)
    try:
        rasa.wait()
        here = f"http://127.0.0.1:{gateway_port}"
        click.echo(f"The web chat: {here}/chat   The practice phone: {here}/")
        ngazi.wait()
    except KeyboardInterrupt:
        pass
    finally:
        stop(ngazi)
        rasa.stop()


main.add_command(test)
main.add_command(stories)


if __name__ == "__main__":
    sys.exit(main())
