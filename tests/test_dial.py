from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dialogs.rehearse import read
from gateway.dial import dial, extension
from tests.running import RunningGateway, running_gateway


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(tmp_path_factory.mktemp("gateway"), NGAZI_CHAT="on") as gateway:
        yield gateway


def play(url: str, *typed: str, phone: str = "+255621234501", code: str = "", chat: bool = False) -> Result:
    options = ["--url", url, "--phone", phone, *(["--code", code] if code else []), *(["--chat"] if chat else [])]
    return CliRunner().invoke(dial, options, input="".join(f"{line}\n" for line in typed))


def test_a_call_from_a_pipe_is_written_down(gateway: RunningGateway) -> None:
    result = play(gateway.url, "1", "1", "1", "/hang")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[1:3] == ["phone +255621234501", "dials *384*77#"]
    assert "> 1. English" in lines
    assert any(line.endswith(" of 160 septets") for line in lines)
    assert "> Safe and fair work. Choose a number." in lines
    assert lines[-1] == "hangs up"


def test_what_is_written_down_can_be_rehearsed(gateway: RunningGateway) -> None:
    result = play(gateway.url, "1", "1", "1", "/help", "/inbox", "/sms HELP", "/hang", phone="+255621234502")
    verbs = [act.verb for act in read(result.output)]
    assert verbs == ["use", "dial", "type", "type", "type", "text", "hang up"]


def test_dialling_again_goes_on_where_the_call_was_left(gateway: RunningGateway) -> None:
    result = play(gateway.url, "1", "1", "1", "1", "1", "1", "1", "/dial", phone="+255621234503")
    assert result.output.count("dials *384*77#") == 2
    assert "> You stopped in" in result.output


def test_an_sms_shows_what_comes_back_and_stays_in_the_inbox(gateway: RunningGateway) -> None:
    result = play(gateway.url, "/sms HELP", "/inbox", phone="+255621234504")
    assert result.exit_code == 0, result.output
    answer = result.output.split("texts HELP\n> ")[1].split("\n")[0]
    assert f"# {answer}" in result.output


def test_in_a_chat_whole_sentences_are_written_and_answered(gateway: RunningGateway) -> None:
    words = ("hello", "English", "yes", "yes", "test my group", "next")
    result = play(gateway.url, *words, chat=True, phone="+255621234509")
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"# {gateway.url}, /help lists the commands\nphone +255621234509\n# Choose your")
    assert "dials" not in result.output
    menu = result.output.split("chats yes\n")[2].splitlines()
    assert menu[:2] == ["> Safe and fair work. Choose a number.", "> 1. Am I ready?"]
    assert "chats test my group\n> This is practice, not an audit." in result.output
    assert result.output.endswith("chats next\n> What do you do?\n> 1. Lead or keep records\n> 2. Work at the site\n"
                                  "> 3. Buy or help\n> 0. Back\n")  # fmt: skip


def test_a_chat_that_was_stopped_tells_how_to_come_back(gateway: RunningGateway) -> None:
    result = play(gateway.url, "hello", "English", "yes", "yes", "STOP", "/look", chat=True, phone="+255621234510")
    stopped, looked = result.output.split("chats STOP\n")[1].split("# ", 1)
    assert stopped.startswith("> ")
    assert "START" in stopped
    assert "START. START" not in result.output
    assert "START" in looked


def test_a_call_and_a_chat_take_turns_and_can_be_rehearsed(gateway: RunningGateway) -> None:
    typed = ("hello", "/dial", "1", "1", "1", "/hang", "English", "/chat yes")
    result = play(gateway.url, *typed, chat=True, phone="+255621234511")
    verbs = [(act.verb, act.what) for act in read(result.output)]
    assert verbs == [
        *(("use", "+255621234511"), ("chat", "hello"), ("dial", "*384*77#"), ("type", "1"), ("type", "1")),
        *(("type", "1"), ("hang up", ""), ("chat", "English"), ("chat", "yes")),
    ]


def test_a_chat_too_long_is_told_and_may_be_written_again(gateway: RunningGateway) -> None:
    result = play(gateway.url, "a" * 2500, chat=True, phone="+255621234512")
    assert result.exit_code == 1
    assert "too long for one message" in result.output


def test_a_server_without_a_web_chat_is_told(tmp_path: Path) -> None:
    with running_gateway(tmp_path) as gateway:
        result = play(gateway.url, "hello", chat=True)
    assert result.exit_code == 1
    assert "has no web chat. Start it with NGAZI_CHAT=on." in result.output


def test_an_empty_line_is_send_with_an_empty_box(gateway: RunningGateway) -> None:
    result = play(gateway.url, "1", "", phone="+255621234505")
    assert result.output.count("> Are you 18 or over?") == 2
    assert "\n<\n" in result.output


def test_typing_without_a_call_says_so(gateway: RunningGateway) -> None:
    result = play(gateway.url, "/hang", "1", phone="+255621234506")
    assert "# No call is open." in result.output


def test_without_a_number_one_of_the_server_is_played(gateway: RunningGateway) -> None:
    result = CliRunner().invoke(dial, ["--url", f"{gateway.url}/"], input="/quit\n1\n")
    assert result.exit_code == 0, result.output
    assert "phone +255" in result.output
    assert "< 1" not in result.output


def test_a_number_is_understood_in_any_writing(gateway: RunningGateway) -> None:
    assert "phone +255621234507\n" in play(gateway.url, phone="00255 621-234507").output


def test_a_wrong_number_is_told(gateway: RunningGateway) -> None:
    result = play(gateway.url, phone="12")
    assert result.exit_code == 2
    assert "country code" in result.output


def test_another_code_is_told(gateway: RunningGateway) -> None:
    result = play(gateway.url, code="*100#", phone="+255621234508")
    assert result.exit_code == 1
    assert "answers *384*77#, not *100#" in result.output


def test_what_is_dialled_behind_the_code_is_typed_at_once() -> None:
    assert extension("*384*77#", "*384*77#") == ""
    assert extension("*384*77#", "*384*77*3*1#") == "3*1"
    assert extension("*384*77#", "*384*7#") is None
    assert extension("*384*77#", "*384*778#") is None


def test_no_server_is_told_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        result = play(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert result.exit_code == 1
    assert "No server answers at http://127.0.0.1:" in result.output
    assert "ngazi serve" in result.output


def test_an_address_that_is_none_is_told() -> None:
    result = play("nowhere")
    assert result.exit_code == 2
    assert "no address of a server" in result.output


@contextmanager
def stranger(status: int, body: str) -> Iterator[str]:
    """A server that is not ours: it gives the same answer to everything."""

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (404, "Not found", "has no practice phone"),
        (500, "Oops", "reports an error (500)"),
        (200, "<html>", "is not Ngazi"),
        (200, "[]", "is not Ngazi"),
    ],
)
def test_a_server_without_a_simulator_is_told(status: int, body: str, words: str) -> None:
    with stranger(status, body) as url:
        result = play(url)
    assert result.exit_code == 1
    assert words in result.output


def test_a_real_channel_has_no_phone_to_play(tmp_path: Path) -> None:
    real = {
        "NGAZI_CHANNELS": "ke=africastalking://user:key@?code=*384*77%23&secret=3TPUoqZk5rQb7GdXnotreal",
        "NGAZI_SECRET_KEY": "not a secret, only long enough to be one",
    }
    with running_gateway(tmp_path, **real) as gateway:
        result = play(gateway.url)
    assert result.exit_code == 1
    assert "has no practice phone" in result.output
