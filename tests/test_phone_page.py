from __future__ import annotations

import itertools
import os
import re
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Route, expect, sync_playwright

from dialogs.content import Content
from dialogs.rehearse import read
from gateway.simulator_page import REGIONS, RESERVED, numbers
from tests.conftest import CHROMIUM
from tests.running import DIRECT, RunningGateway, running_gateway

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "phone.png"
QUIET = [  # no sandbox, since tests may run as root; and none of Chromium's own calls to the network
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PEOPLE = itertools.count()
MOST_SCREENS = 120  # of one walk; a dialog that never ends fails here


@pytest.fixture(scope="module")
def content() -> Content:
    content, problems = Content.load(ROOT / "content", drafts=True)
    assert content is not None, problems
    return content


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; where it is missing, conftest.py has skipped all that needs it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1100, "height": 760})
    context.set_default_timeout(10_000)
    yield context
    context.close()


class Phone:
    """The page as a person uses it: looks at the screen, presses keys."""

    def __init__(self, context: BrowserContext, url: str, content: Content, number: str) -> None:
        self.content = content
        self.page = context.new_page()
        self.mistakes: list[str] = []
        self.page.on("pageerror", lambda error: self.mistakes.append(str(error)))
        self.page.goto(url)
        self.page.get_by_label("Phone number").fill(number)
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_label("Number to dial")).to_be_visible()

    def said(self, id: str, language: str = "sw") -> str:
        """A text of the content, its placeholders left out at its ends."""
        return self.content.text(id, language)

    @property
    def screen(self) -> str:
        self.page.locator("#screen:not([data-view=busy])").wait_for()
        return self.page.locator("#text").inner_text()

    def press(self, keys: str) -> None:
        for key in keys:
            self.page.locator(f"[data-key='{key}']").click()

    def dial(self) -> str:
        self.press("*384*77#")
        expect(self.page.get_by_label("Number to dial")).to_have_value("*384*77#")
        self.page.get_by_role("button", name="Call", exact=True).click()
        return self.screen

    def hang_up(self) -> None:
        self.page.get_by_role("button", name="Hang up").click()

    def answer(self, keys: str) -> str:
        self.press(keys)
        self.page.get_by_role("button", name="Send", exact=True).click()
        screen = self.screen
        expect(self.page.locator("#meter")).not_to_have_class(re.compile("over"))
        assert self.page.locator("#screen").get_attribute("data-view") in ("asks", "ended")
        return screen

    def choose(self, text: str) -> str:
        """Press the key of the choice that reads so, turning pages until it is there."""
        for _ in range(9):
            for key, choice in re.findall(r"^([1-8])\. (.*)$", self.screen, re.MULTILINE):
                if choice == text:
                    return self.answer(key)
            self.answer("9")
        raise AssertionError(f"“{text}” is on no page; the last:\n{self.screen}")

    def go_on_until(self, text: str, key: str = "1") -> list[str]:
        """Press 1 (Next, or the first choice) until a screen holds the text, or the call ends. All the screens."""
        screens = [self.screen]
        while text not in screens[-1] and self.page.locator("#screen[data-view=asks]").count():
            assert len(screens) < MOST_SCREENS, screens[-3:]
            screens.append(self.answer(key))
        return screens

    def come_in(self) -> str:
        """Dial for the first time, and get to the menu in Swahili."""
        self.dial()
        self.choose("Kiswahili")
        self.choose(self.said("hello:adult.choices.yes"))
        return self.choose(self.said("hello:consent.choices.yes"))


@pytest.fixture
def phone(context: BrowserContext, gateway: RunningGateway, content: Content) -> Iterator[Phone]:
    phone = Phone(context, gateway.url, content, f"+2556212341{next(PEOPLE):02}")
    yield phone
    assert not phone.mistakes


@pytest.mark.browser
@pytest.mark.slow
def test_a_miner_can_be_played_from_the_first_call_to_the_result(phone: Phone) -> None:
    page, said = phone.page, phone.said
    menu = phone.come_in()
    assert said("menu:home.ask") in menu.replace("\n", " ")
    expect(page.locator("#language")).to_have_text("Kiswahili (sw)")
    expect(page.locator("#draft")).to_be_visible()
    expect(page.locator("#place")).to_have_text("menu › home")

    phone.choose(said("menu:home.choices.lessons"))
    phone.choose(said("lessons:list.choices.certification"))
    lesson = phone.go_on_until(said("lessons:list.ask"))
    assert len(lesson) > 3
    assert any(said("certification:who.choices.outside") in screen for screen in lesson)

    phone.hang_up()
    phone.dial()
    phone.choose(said("menu:home.choices.ready"))
    phone.choose(said("ready:list.choices.starter"))
    phone.answer("1")
    phone.answer("1")
    for choice in ("role.choices.worker", "mineral.choices.gold"):
        phone.choose(said(f"starter:{choice}"))
    for _ in range(3):
        phone.answer("1")
    question = phone.go_on_until("\n3. ")[-1]
    place = page.locator("#place").inner_text()
    assert place.startswith("starter › ")
    if os.environ.get("NGAZI_SCREENSHOT"):
        PICTURE.parent.mkdir(exist_ok=True)
        page.mouse.move(0, 0)
        page.screenshot(path=PICTURE, animations="disabled")

    phone.hang_up()
    assert said("starter:title") in phone.dial()
    assert phone.choose(said("common:resume_on")) == question
    expect(page.locator("#place")).to_have_text(place)

    quiz = phone.go_on_until(said("menu:home.ask"))
    assert len(quiz) > 5
    phone.hang_up()
    written = read(page.locator("#transcript").inner_text())
    assert [act.verb for act in written[:6]] == ["use", "dial", "type", "type", "type", "type"]
    assert written[-1].verb == "hang up"


@pytest.mark.browser
def test_an_sms_is_answered_in_the_inbox_and_unread_until_it_is_opened(phone: Phone) -> None:
    page = phone.page
    page.get_by_role("button", name="New phone").click()
    page.get_by_role("button", name="Write").click()
    page.get_by_label("Your message").fill("HELP")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#text")).to_have_text("Message sent.")
    page.get_by_role("button", name="OK").click()
    expect(page.locator("#unread")).to_contain_text("1 unread")
    page.get_by_role("button", name="Messages (1)").click()
    page.get_by_role("button", name="Unread").click()
    assert "STOP" in phone.screen
    page.get_by_role("button", name="Back").click()
    page.get_by_role("button", name="Back").click()
    expect(page.locator("#unread")).to_be_hidden()
    page.reload()
    expect(page.get_by_role("button", name="Messages", exact=True)).to_be_visible()
    expect(page.locator("#transcript")).to_be_empty()


@pytest.mark.browser
def test_letters_are_written_with_the_digit_keys(phone: Phone) -> None:
    phone.page.get_by_role("button", name="Write").click()
    phone.press("4433")
    phone.page.wait_for_timeout(1100)
    phone.press("3")
    expect(phone.page.get_by_label("Your message")).to_have_value("hed")


@pytest.mark.browser
def test_a_keyboard_plays_the_phone_too(phone: Phone) -> None:
    keyboard = phone.page.keyboard
    keyboard.type("*384*77#")
    keyboard.press("Enter")
    assert "1. English" in phone.screen
    keyboard.type("12")
    keyboard.press("Backspace")
    expect(phone.page.get_by_label("Your answer")).to_have_value("1")
    keyboard.press("Escape")
    expect(phone.page.get_by_label("Number to dial")).to_be_visible()


@pytest.mark.browser
def test_the_number_and_those_played_before_are_remembered(phone: Phone) -> None:
    page = phone.page
    page.get_by_label("Country").select_option("GH")
    number = page.get_by_label("Phone number").input_value()
    assert number.startswith("+233")
    page.get_by_role("button", name="New phone").click()
    newer = page.get_by_label("Phone number").input_value()
    assert newer.startswith("+233")
    assert newer != number
    page.reload()
    expect(page.get_by_label("Phone number")).to_have_value(newer)
    page.get_by_role("button", name=number).click()
    expect(page.get_by_label("Phone number")).to_have_value(number)


@pytest.mark.browser
def test_a_number_that_is_none_is_refused_in_words(phone: Phone) -> None:
    page = phone.page
    page.get_by_label("Phone number").fill("12")
    page.keyboard.press("Enter")
    assert "country code" in page.locator("#number").evaluate("field => field.validationMessage")


@pytest.mark.browser
def test_another_code_reaches_nobody(phone: Phone) -> None:
    phone.press("*100#")
    phone.page.get_by_role("button", name="Call", exact=True).click()
    assert "invalid code" in phone.screen


@pytest.mark.browser
def test_a_refused_call_is_told_and_the_keys_go_on_working(phone: Phone) -> None:
    def refuse(route: Route) -> None:
        route.fulfill(status=403, body="Forbidden")

    phone.page.route("**/ussd", refuse)
    assert "Connection problem" in phone.dial()
    expect(phone.page.get_by_role("alert")).to_contain_text("refuses this phone (403)")
    phone.page.unroute("**/ussd", refuse)
    phone.page.get_by_role("button", name="OK").click()
    assert "1. English" in phone.dial()
    expect(phone.page.get_by_role("alert")).to_be_hidden()


@pytest.mark.browser
def test_an_answer_that_is_no_screen_ends_the_call(phone: Phone) -> None:
    phone.page.route("**/ussd", lambda route: route.fulfill(body="<b>Hello</b>"))
    assert "Connection problem" in phone.dial()
    expect(phone.page.get_by_role("alert")).to_contain_text("not with a screen")


@pytest.mark.browser
def test_text_of_the_server_is_never_taken_for_html(phone: Phone) -> None:
    phone.page.route("**/ussd", lambda route: route.fulfill(body="CON <img src=x onerror=alert(1)>"))
    assert phone.dial() == "<img src=x onerror=alert(1)>"
    assert phone.page.locator("#text img, #transcript img, #raw img").count() == 0


@pytest.mark.browser
@pytest.mark.slow
def test_a_server_that_is_down_is_told_and_nothing_is_lost(
    context: BrowserContext, content: Content, tmp_path: Path
) -> None:
    with running_gateway(tmp_path) as gateway:
        phone = Phone(context, gateway.url, content, "+254712123456")
        menu = phone.come_in()
        gateway.stop()
        phone.press("1")
        phone.page.get_by_role("button", name="Send", exact=True).click()
        assert "Connection problem" in phone.screen
        expect(phone.page.get_by_role("alert")).to_contain_text("does not answer")
        gateway.start()
        phone.hang_up()
        assert phone.dial() == menu
        expect(phone.page.get_by_role("alert")).to_be_hidden()


@pytest.mark.browser
def test_the_page_fits_a_small_telephone(browser: Browser, gateway: RunningGateway, content: Content) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 640}, has_touch=True)
    phone = Phone(context, gateway.url, content, "+255621234590")
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()


def test_every_country_has_numbers_of_its_own_to_play_with() -> None:
    every = [number for region in (*REGIONS, RESERVED) for number in numbers(region)]
    assert len(set(every)) == len(every)
    assert all(len(numbers(region)) > 9 for region in (*REGIONS, RESERVED))
    assert all(re.fullmatch(r"\+120255501\d\d", number) for number in numbers(RESERVED))


def test_files_beside_the_page_are_not_served(gateway: RunningGateway) -> None:
    for name in ("simulator_page.py", "..%2fsettings.py", "phone.html.bak"):
        with pytest.raises(urllib.error.HTTPError, match="404") as refused:
            DIRECT.open(f"{gateway.url}/simulator/{name}")
        refused.value.close()


def test_there_is_no_page_beside_a_real_channel(tmp_path: Path) -> None:
    real = {
        "NGAZI_CHANNELS": "ke=africastalking://user:key@?code=*384*77%23&secret=3TPUoqZk5rQb7GdXnotreal",
        "NGAZI_SECRET_KEY": "not a secret, only long enough to be one",
    }
    with running_gateway(tmp_path, **real) as gateway:
        for path in ("/simulator/channel", "/simulator/inbox?phone=%2B255621234567", "/simulator/phone.js"):
            with pytest.raises(urllib.error.HTTPError, match="404") as refused:
                DIRECT.open(gateway.url + path)
            refused.value.close()
        with DIRECT.open(gateway.url + "/") as front:
            assert b"phone.js" not in front.read()
