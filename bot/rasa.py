"""Rasa beside Ngazi: its virtual environment, training, serving and measuring. `python -m bot.rasa train`.

Rasa 3.6 needs Python 3.8 to 3.10 and cannot share our environment, so it lives in one of its own and is spoken to over
HTTP only. Nothing here imports it.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
ASSISTANT = ROOT / "bot" / "assistant"
HOME = ROOT / ".rasa"
MODEL = HOME / "models" / "ngazi.tar.gz"
LOCK = ROOT / "requirements-rasa.txt"
PYTHONS = ("python3.10", "python3.9", "python3.8")
LANGUAGES = ("en", "sw", "fr", "es")
QUIET = {"RASA_TELEMETRY_ENABLED": "false", "SQLALCHEMY_SILENCE_UBER_WARNING": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
PATIENCE = 120.0  # seconds until it answers
NO_INTENT = ("out_of_scope", "nlu_fallback")


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
    import zlib

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


def _rasa(*words: str) -> list[str]:
    return [str(HOME / "bin" / "python"), "-m", "rasa", *words]


@main.command()
def train() -> None:
    """Train the assistant on the examples of all languages."""
    began = time.monotonic()
    parts = ("--config", "config.yml", "--domain", "domain.yml", "--data", "data", "--out", str(MODEL.parent))
    command = _rasa("train", *parts, "--fixed-model-name", MODEL.name.removesuffix(".tar.gz"), "--force")
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
    os.execve(*_server(port, token, actions))


def _server(port: int, token: str, actions: str) -> tuple[str, list[str], dict[str, str]]:
    credentials = ASSISTANT / "credentials.yml"
    if not credentials.exists():
        credentials = ASSISTANT / "credentials.example.yml"
    words = ["run", "--enable-api", "-i", "127.0.0.1", "-p", str(port), "-m", str(MODEL), "--auth-token", token]
    words += ["--endpoints", str(ASSISTANT / "endpoints.yml"), "--credentials", str(credentials)]
    command = _rasa(*words)
    return command[0], command, os.environ | QUIET | {"NGAZI_RASA_TOKEN": token, "NGAZI_RASA_ACTIONS": actions}


@contextmanager
def running(token: str) -> Iterator[str]:
    """A server with the trained model, until the end of the block; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    program, command, environ = _server(port, token, "http://127.0.0.1:9/rasa/webhook")
    HOME.joinpath("log").mkdir(exist_ok=True)
    with (HOME / "log" / "test.log").open("w") as log:
        process = subprocess.Popen(command, executable=program, env=environ, stdout=log, stderr=log, cwd=HOME)
    try:
        _await(f"http://127.0.0.1:{port}/status?token={token}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
    raise click.ClickException("Rasa did not start; see .rasa/log/test.log")


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
    program, command, environ = _server(port, token, f"http://127.0.0.1:{gateway_port}/rasa/webhook")
    HOME.joinpath("log").mkdir(exist_ok=True)
    with (HOME / "log" / "rasa.log").open("w") as log:
        rasa = subprocess.Popen(command, executable=program, env=environ, stdout=log, stderr=log, cwd=HOME)
    ngazi = subprocess.Popen([str(Path(sys.executable).with_name("ngazi")), "serve"], env=os.environ | gateway)
    try:
        _await(f"http://127.0.0.1:{port}/status?token={token}", rasa)
        here = f"http://127.0.0.1:{gateway_port}"
        click.echo(f"The web chat: {here}/chat   The practice phone: {here}/")
        ngazi.wait()
    except KeyboardInterrupt:
        pass
    finally:
        for process in (ngazi, rasa):
            process.terminate()
            process.wait(30)


@main.command()
@click.option("--threshold", default=0.6, show_default=True, help="How sure it must be: NGAZI_RASA_THRESHOLD.")
@click.option("--confusions", default=8, show_default=True, help="So many of the most frequent mix-ups.")
def test(threshold: float, confusions: int) -> None:
    """Measure the trained model on the held-out sentences, over HTTP as the gateway asks it."""
    token = secrets.token_hex(16)
    with running(token) as url:
        for language in LANGUAGES:
            rows = [(text, intent, *_parsed(url, token, text)) for intent, text in held_out(language)]
            _report(language, rows, threshold, confusions)


def held_out(language: str) -> Iterator[tuple[str, str]]:
    """(intent, sentence) of the test set of a language."""
    intent = ""
    for line in (ASSISTANT / "tests" / f"test_{language}.yml").read_text("utf-8").splitlines():
        if line.startswith("- intent: "):
            intent = line.removeprefix("- intent: ").strip()
        elif line.startswith("    - "):
            yield intent, line.removeprefix("    - ")


def _parsed(url: str, token: str, text: str) -> tuple[str, float]:
    body = json.dumps({"text": text}).encode()
    request = urllib.request.Request(f"{url}/model/parse?token={token}", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        found = json.load(answer)
    ranking = [each for each in found["intent_ranking"] if each["name"] != "nlu_fallback"]
    best = max(ranking, key=lambda each: float(each["confidence"]))
    return str(best["name"]), float(best["confidence"])


Row = tuple[str, str, str, float]  # sentence, intent meant, intent found, confidence


def _report(language: str, rows: Sequence[Row], threshold: float, confusions: int) -> None:
    inside = [row for row in rows if row[1] not in NO_INTENT]
    outside = [row for row in rows if row[1] in NO_INTENT]
    right = sum(row[1] == row[2] for row in inside)
    sure = [row for row in inside if row[3] >= threshold and row[2] not in NO_INTENT]
    false = [row for row in outside if row[3] >= threshold and row[2] not in NO_INTENT]
    held = sum(row[1] == row[2] for row in sure) / max(len(sure), 1)
    click.echo(
        f"{language}: {len(inside)} questions, intent accuracy {right / len(inside):.3f}; at {threshold}: answered "
        f"{len(sure) / len(inside):.3f}, of these right {held:.3f}; "
        f"{len(outside)} out of scope, false answers {len(false) / len(outside):.3f}"
    )
    mixed = Counter((row[1], row[2]) for row in rows if row[1] != row[2])
    for (meant, found), count in mixed.most_common(confusions):
        click.echo(f"    {count} x {meant} taken for {found}")


if __name__ == "__main__":
    sys.exit(main())
