from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from dialogs.content import Content
from tests.running import RunningGateway, running_gateway
from tests.test_phone_page import browser, content  # noqa: F401  fixtures

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "chat.png"
SMALL = {"width": 320, "height": 568}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def partner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A partner's site on another origin: its folder and its address."""
    folder = tmp_path_factory.mktemp("partner")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://localhost:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, partner: tuple[Path, str]) -> Iterator[RunningGateway]:
    settings = {"NGAZI_CHAT": "on", "NGAZI_CHAT_ORIGINS": partner[1]}
    with running_gateway(tmp_path_factory.mktemp("gateway"), **settings) as gateway:
        yield gateway


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:  # noqa: F811
    context = browser.new_context(viewport={"width": 480, "height": 760}, locale="en-GB")
    context.set_default_timeout(10_000)
    yield context
    context.close()


class Chat:
    """The page as a person uses it."""

    def __init__(self, page: Page, url: str, mistakes: list[str] | None = None) -> None:
        self.page, self.mistakes = page, mistakes if mistakes is not None else []
        page.on("pageerror", lambda error: self.mistakes.append(str(error)))
        page.on("console", lambda told: self.mistakes.append(told.text) if told.type == "error" else None)
        page.goto(f"{url}/chat")

    def start(self) -> str:
        """Press the first button."""
        self.page.get_by_role("button", name="Start").click()
        return self.answer

    @property
    def answer(self) -> str:
        """The newest answer, once it is there."""
        expect(self.page.locator("#log")).to_have_attribute("aria-busy", "false")
        expect(self.page.locator(".wait")).to_have_count(0)
        return self.page.locator(".said.theirs p").last.inner_text()

    def press(self, words: str) -> str:
        """A button of the newest answer."""
        button = self.page.locator(".said.theirs").last.get_by_role("button")
        button.filter(has_text=re.compile(rf"^\d+\s*{re.escape(words)}$|^{re.escape(words)}$")).click()
        return self.answer

    def write(self, text: str) -> str:
        """Type it and press Enter."""
        box = self.page.get_by_role("textbox")
        box.fill(text)
        box.press("Enter")
        return self.answer

    def join(self, language: str = "English") -> str:
        """To the menu."""
        self.start()
        self.press(language)
        self.page.locator(".said.theirs").last.get_by_role("button").first.click()
        expect(self.page.locator(".said.own")).to_have_count(2)
        _ = self.answer
        self.page.locator(".said.theirs").last.get_by_role("button").first.click()
        expect(self.page.locator(".said.own")).to_have_count(3)
        return self.answer

    def storage(self, kind: str) -> str | None:
        """What is kept."""
        found: str | None = self.page.evaluate(f"{kind}.getItem('ngazi-chat')")
        return found


@pytest.fixture
def chat(context: BrowserContext, gateway: RunningGateway) -> Iterator[Chat]:
    chat = Chat(context.new_page(), gateway.url)
    yield chat
    assert chat.mistakes == []


def test_a_visitor_goes_from_the_first_screen_into_the_questions_and_comes_back(chat: Chat) -> None:
    page = chat.page
    assert chat.storage("sessionStorage") is None  # nothing before somebody wants it
    assert chat.join() == "Safe and fair work. Choose a number."
    chat.press("Am I ready?")
    question = chat.write("1")
    if os.environ.get("NGAZI_SCREENSHOT"):
        page.screenshot(path=PICTURE, animations="disabled")
    page.reload()
    assert chat.answer == question
    expect(page.locator("#door")).to_be_hidden()
    assert chat.page.context.cookies() == []


def test_old_buttons_are_words_only(chat: Chat) -> None:
    chat.join()
    first = chat.page.locator(".said.theirs").first
    expect(first.get_by_role("button")).to_have_count(0)
    expect(first.locator("li").first).to_have_text("1 English")


def test_the_page_speaks_the_language_that_was_chosen(chat: Chat) -> None:
    chat.join("Kiswahili")
    expect(chat.page.get_by_role("button", name="Tuma")).to_be_visible()
    expect(chat.page.locator("html")).to_have_attribute("lang", "sw")
    expect(chat.page.get_by_role("textbox", name="Andika hapa")).to_be_visible()


def test_a_device_remembers_only_if_it_is_told_to(chat: Chat) -> None:
    page, context = chat.page, chat.page.context
    chat.start()
    assert chat.storage("sessionStorage")
    assert chat.storage("localStorage") is None
    fresh = context.new_page()
    fresh.goto(page.url)
    expect(fresh.get_by_role("button", name="Start")).to_be_visible()
    page.get_by_label("Remember me on this device").check()
    assert chat.storage("localStorage")
    assert chat.storage("sessionStorage") is None
    fresh.reload()
    expect(fresh.locator(".said.theirs p")).to_have_text("Choose your language")
    expect(fresh.get_by_label("Remember me on this device")).to_be_checked()
    fresh.get_by_label("Remember me on this device").uncheck()
    assert fresh.evaluate("localStorage.length") == 0
    expect(page.get_by_label("Remember me on this device")).not_to_be_checked()


def test_two_windows_of_one_chat_show_the_same_place(chat: Chat, gateway: RunningGateway) -> None:
    chat.page.get_by_label("Remember me on this device").check()
    chat.join()
    other = Chat(chat.page.context.new_page(), gateway.url, chat.mistakes)
    assert other.answer == "Safe and fair work. Choose a number."
    here = chat.press("Short lessons")
    expect(other.page.locator(".said.theirs p").last).to_have_text(here)
    back = other.press("Back")
    expect(chat.page.locator(".said.theirs p").last).to_have_text(back)


def test_a_copied_window_that_is_behind_gets_what_was_written_back(chat: Chat, gateway: RunningGateway) -> None:
    chat.join()
    kept = chat.storage("sessionStorage")
    other = Chat(chat.page.context.new_page(), gateway.url, chat.mistakes)
    other.page.evaluate("kept => sessionStorage.setItem('ngazi-chat', kept)", kept)
    other.page.reload()
    _ = other.answer
    here = chat.press("Short lessons")
    assert other.write("3") == here
    expect(other.page.get_by_role("textbox")).to_have_value("3")
    other.page.get_by_role("textbox").press("Enter")
    expect(other.page.locator(".said.own")).to_have_count(1)
    assert other.answer != here


def test_it_is_used_with_the_keyboard_alone(chat: Chat) -> None:
    keyboard = chat.page.keyboard
    keyboard.press("Tab")
    keyboard.press("Enter")
    _ = chat.answer
    chat.page.locator(".said.theirs button").first.focus()
    keyboard.press("Enter")
    _ = chat.answer
    expect(chat.page.locator(".said.theirs").last.get_by_role("button").first).to_be_focused()
    chat.page.get_by_role("textbox").focus()
    keyboard.type("1")
    keyboard.press("Shift+Enter")
    keyboard.press("Backspace")
    keyboard.press("Enter")
    _ = chat.answer
    expect(chat.page.get_by_role("textbox")).to_be_focused()


def test_it_is_read_out_to_who_does_not_see_it(chat: Chat) -> None:
    chat.start()
    log = chat.page.get_by_role("log", name="Conversation")
    expect(log).to_have_attribute("aria-live", "polite")
    chat.press("English")
    expect(log.locator(".own .quiet")).to_have_text("You:")
    expect(log.locator(".theirs .quiet").last).to_have_text("Answer:")
    expect(chat.page.get_by_role("checkbox")).to_have_accessible_description(re.compile("others use this device"))


def test_emoji_and_right_to_left_text_are_shown_as_they_are_written(chat: Chat) -> None:
    chat.join()
    chat.write("هل أنا جاهز؟ 🙂")
    own = chat.page.locator(".said.own p").last
    expect(own).to_have_text("هل أنا جاهز؟ 🙂")
    assert own.evaluate("each => getComputedStyle(each).direction") == "rtl"


def test_what_is_said_is_never_taken_for_html(chat: Chat) -> None:
    chat.join()
    chat.page.route("**/chat/say", partial(answer, text="<img src=x onerror=alert(1)>", choices=[("1", "<b>x</b>")]))
    assert chat.write("<i>hello</i>") == "<img src=x onerror=alert(1)>"
    expect(chat.page.locator(".said.own p").last).to_have_text("<i>hello</i>")
    assert chat.page.locator("#log :is(img, i)").count() == 0


def test_a_long_answer_begins_at_its_first_line_and_scrolls(chat: Chat) -> None:
    chat.join()
    chat.page.route("**/chat/say", partial(answer, text="\n".join(f"Line {n}" for n in range(99)), choices=[]))
    chat.write("1")
    log = chat.page.locator("#log").bounding_box()
    last = chat.page.locator(".said.theirs").last.bounding_box()
    assert log
    assert last
    assert 0 <= last["y"] - log["y"] < 30
    assert chat.page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    assert chat.page.locator("#log").evaluate("log => log.scrollHeight > log.clientHeight")


def test_a_picture_that_is_pasted_gets_a_kind_word_and_is_not_sent(chat: Chat) -> None:
    chat.join()
    with chat.page.expect_request("**/chat/say") as sent:
        chat.page.evaluate(
            """() => {
              const clipboardData = new DataTransfer();
              clipboardData.items.add(new File(["x".repeat(9999)], "pit.jpg", { type: "image/jpeg" }));
              dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true }));
            }"""
        )
    assert len(sent.value.post_data or "") < 200
    expect(chat.page.locator(".said.own p").last).to_have_text("[pit.jpg]")
    assert chat.answer.startswith("We can read only text here.")


def test_a_message_without_an_answer_is_brought_again_and_counts_once(chat: Chat) -> None:
    chat.join()
    numbers = []

    def lose(route: Route) -> None:
        numbers.append(number_of(route))
        if len(numbers) == 1:
            route.fetch()  # it arrives; its answer does not
            route.abort()
        else:
            route.continue_()

    chat.page.route("**/chat/say", lose)
    lessons = chat.press("Short lessons")
    assert numbers == [numbers[0]] * 2
    expect(chat.page.get_by_role("alert")).to_be_hidden()
    chat.page.unroute("**/chat/say", lose)
    chat.page.reload()
    assert chat.answer == lessons
    chat.mistakes.clear()  # Chromium's own word on the lost answer


def test_a_gateway_that_is_away_is_told_in_words_and_nothing_is_lost(chat: Chat) -> None:
    chat.join()
    chat.page.route("**/chat/say", lambda route: route.abort())
    chat.page.get_by_role("textbox").fill("Short lessons")
    chat.page.get_by_role("button", name="Send").click()
    expect(chat.page.get_by_role("alert")).to_contain_text("There is no connection now.", timeout=15_000)
    chat.page.unroute_all()
    chat.page.get_by_role("button", name="Try again").click()
    expect(chat.page.locator(".said.theirs button").first).to_be_enabled()
    assert "lesson" in chat.answer.lower()
    expect(chat.page.get_by_role("alert")).to_be_hidden()
    chat.mistakes.clear()


@pytest.mark.parametrize(("status", "words"), [(429, "That was very fast."), (413, "This is too long for us.")])
def test_a_refusal_is_told_in_words(chat: Chat, status: int, words: str) -> None:
    chat.join()
    chat.page.route("**/chat/say", lambda route: route.fulfill(status=status))
    chat.page.get_by_role("textbox").fill("hello")
    chat.page.get_by_role("textbox").press("Enter")
    expect(chat.page.get_by_role("alert")).to_contain_text(words)
    chat.mistakes.clear()


def test_an_id_that_the_gateway_does_not_know_is_replaced(chat: Chat) -> None:
    chat.page.evaluate("""sessionStorage.setItem("ngazi-chat", '{"id": "AAAAAAAAAAAAAAAAAAAAAA", "number": 7}')""")
    chat.page.reload()
    assert chat.answer == "Choose your language"
    chat.mistakes.clear()  # Chromium's own word on the 403


@pytest.mark.parametrize("how", ["alone", "embedded"])
def test_it_fits_the_smallest_phone_and_a_partners_page(
    browser: Browser,  # noqa: F811
    gateway: RunningGateway,
    partner: tuple[Path, str],
    how: str,
) -> None:
    context = browser.new_context(viewport=SMALL, has_touch=True, locale="en-GB")  # type: ignore[arg-type]
    context.set_default_timeout(10_000)
    page = context.new_page()
    mistakes: list[str] = []
    page.on("console", lambda told: mistakes.append(told.text) if told.type == "error" else None)
    folder, site = partner
    if how == "embedded":
        (folder / "index.html").write_text(
            "<!doctype html><link rel=icon href='data:,'><meta name=viewport content='width=device-width'>"
            "<h1>Partner</h1><style>iframe { width: 100%; height: 440px; border: 0 }</style>"
            f"<iframe src='{gateway.url}/chat' title='Chat'></iframe>"
        )
    page.goto(site if how == "embedded" else f"{gateway.url}/chat")
    frame = page.frame_locator("iframe") if how == "embedded" else page
    frame.get_by_role("button", name="Start").click()
    for choice in ("English", "Yes", "Yes"):
        frame.locator(".said.theirs").last.get_by_role("button", name=choice).click()
    expect(frame.locator(".said.theirs").last).to_contain_text("Safe and fair work. Choose a number.")
    inner = page.frames[-1]
    assert inner.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert inner.evaluate("document.documentElement.scrollHeight <= innerHeight")
    assert inner.locator("#log").bounding_box()["height"] > 150  # type: ignore[index]
    expect(frame.get_by_role("button", name="Send")).to_be_in_viewport()
    if folder_of_pictures := os.environ.get("NGAZI_SCREENSHOT_FOLDER"):
        page.screenshot(path=f"{folder_of_pictures}/chat-{how}.png")
    assert mistakes == []
    context.close()


def test_a_site_that_was_not_named_cannot_show_it(
    context: BrowserContext, gateway: RunningGateway, partner: tuple[Path, str]
) -> None:
    folder, site = partner
    (folder / "other.html").write_text(f"<iframe src='{gateway.url}/chat'></iframe>")
    page = context.new_page()
    page.goto(site.replace("localhost", "127.0.0.1") + "/other.html")
    expect(page.frame_locator("iframe").get_by_role("button", name="Start")).to_have_count(0)


def test_it_works_where_the_browser_keeps_nothing(context: BrowserContext, gateway: RunningGateway) -> None:
    context.add_init_script(
        """for (const kind of ["localStorage", "sessionStorage"]) {
          Object.defineProperty(window, kind, { get() { throw new DOMException("no", "SecurityError"); } });
        }"""
    )
    chat = Chat(context.new_page(), gateway.url)
    assert chat.join() == "Safe and fair work. Choose a number."
    expect(chat.page.get_by_role("checkbox")).to_have_count(0)
    assert chat.mistakes == []


def test_without_javascript_it_says_so(browser: Browser, gateway: RunningGateway, content: Content) -> None:  # noqa: F811
    context = browser.new_context(java_script_enabled=False, locale="fr-FR")
    page = context.new_page()
    page.goto(f"{gateway.url}/chat")
    said = content.text("common:chat_script", "fr").replace("{code}", "*384*77#")
    assert said in page.locator("noscript").evaluate("each => each.innerText")
    expect(page.locator("noscript p")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    context.close()


def number_of(route: Route) -> int:
    """What the page numbered its message with."""
    number: int = json.loads(route.request.post_data or "{}")["number"]
    return number


def answer(route: Route, text: str, choices: list[tuple[str, str]]) -> None:
    """An answer of the test's own."""
    buttons = [{"key": key, "text": words} for key, words in choices]
    route.fulfill(json={"text": text, "choices": buttons, "more": True, "number": number_of(route), "language": ""})
