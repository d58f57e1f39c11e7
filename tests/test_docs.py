"""The docs tell the truth: links lead somewhere, examples run, commands and settings exist, versions agree."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from dialogs import rehearse
from dialogs.content import Content, Keeper
from dialogs.problem import Problem, errors
from gateway.cli import main
from gateway.settings import declared
from tests.phones import Site

ROOT = Path(__file__).resolve().parent.parent
GENERATED = ("docs/problems.md", "docs/settings.md", "docs/standards.md", "docs/phone.png")
PAGES = (
    "README.md",
    "CHANGELOG.md",
    "content/README.md",
    *sorted(f"docs/{each.name}" for each in ROOT.glob("docs/*.md")),
)
DIALOGS = "docs/write-a-dialog.md"

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
OUR_FILE = re.compile(r"(?:bot|content|dialogs|docs|gateway|tests)/[\w./-]*\w(?:/|\.\w+)")
FILE_REMARK = re.compile(r"# (content/(?:dialogs|reminders)/([a-z0-9_]+)\.yaml)\n")
FOR_TESTS = {"NGAZI_NEED_BROWSER", "NGAZI_RASA_PYTHON", "NGAZI_RASA_ACTIONS"}  # read by the tests only


class Example(NamedTuple):
    """One complete file of an example, and the call shown after it."""

    file: str
    name: str
    source: str
    call: str


def read(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def prose(page: str) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", read(page))


def commands(page: str) -> Iterator[str]:
    """What a reader may type: lines of shell blocks, and code within sentences."""
    text = read(page)
    for language, body in FENCE.findall(text):
        if language in ("sh", "ini"):
            yield from body.replace("\\\n", " ").splitlines()
    yield from CODE.findall(FENCE.sub("", text))


def examples() -> list[Example]:
    """The examples of the page on dialogs, in their order."""
    found: list[Example] = []
    for language, body in FENCE.findall(read(DIALOGS)):
        if language == "yaml":
            remark = FILE_REMARK.match(body)
            assert remark, f"an example does not begin with its file: {body[:60]!r}"
            found.append(Example(remark[1], remark[2], body, ""))
        elif language == "text":
            found[-1] = found[-1]._replace(call=body)
    return found


EXAMPLES = examples()


def anchors(page: str) -> set[str]:
    """What headings are reached by, as GitHub makes it of them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    plain = (re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


# --- links and files ---


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for link in LINK.findall(prose(page)):
        if link.startswith(("http://", "https://")):
            continue
        file, _, anchor = link.partition("#")
        target = (ROOT / page).parent.joinpath(file).resolve() if file else ROOT / page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), f"{page}: {link} is not there"
        if anchor:
            assert anchor in anchors(str(target.relative_to(ROOT))), f"{page}: {link} has no such heading"


@pytest.mark.parametrize("page", [page for page in PAGES if page not in GENERATED])
def test_every_file_that_is_named_exists(page: str) -> None:
    shown = {example.file for example in EXAMPLES}
    made = {"content/locale/source.pot"}
    for code in CODE.findall(prose(page)):
        if OUR_FILE.fullmatch(code) and code not in shown | made:
            places = (ROOT / code, (ROOT / page).parent / code)
            assert any(place.exists() for place in places), f"{page}: {code}"


def test_every_page_is_in_the_index() -> None:
    listed = set(LINK.findall(read("docs/README.md")))
    assert {each.name for each in (ROOT / "docs").glob("*.md")} - {"README.md"} <= listed


def test_the_pages_that_others_make_are_linked_and_there() -> None:
    linked = {f"docs/{Path(link).name}" for page in PAGES for link in LINK.findall(prose(page))}
    assert set(GENERATED) <= linked
    assert [page for page in GENERATED if not (ROOT / page).exists()] == []


# --- commands and settings ---


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_ngazi_exists_with_its_options(page: str) -> None:
    for line in commands(page):
        for written in re.findall(r"(?:^|/bin/)ngazi (.+)", line.strip()):
            check_command(written.split(), f"{page}: {line}")


def check_command(words: list[str], where: str) -> None:
    command: click.Command = main
    context = click.Context(main)
    while words and isinstance(command, click.Group):
        if words[0].startswith("-"):
            break
        name = words.pop(0).rstrip(".,:;")
        if name in ("…", "..."):
            return
        found = command.get_command(context, name)
        assert found is not None, f"{where}: there is no {name}"
        command = found
    known = {option for parameter in command.params for option in parameter.opts} | {"--help", "--version", "-h"}
    for word in words:
        if word.startswith("--"):
            assert word.partition("=")[0] in known, f"{where}: there is no {word}"


@pytest.mark.parametrize("page", PAGES)
def test_every_make_command_stands_in_the_makefile(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.M))
    for line in commands(page):
        for target in re.findall(r"^\s*make ([a-z-]+)", line):
            assert target in targets, f"{page}: make {target}"


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_that_is_named_exists(page: str) -> None:
    known = {setting.name for setting in declared().values()} | FOR_TESTS
    assert set(re.findall(r"\bNGAZI_[A-Z_]+", read(page))) - known == set()


def test_every_setting_is_explained() -> None:
    page = read("docs/settings.md")
    assert [setting.name for setting in declared().values() if f"`{setting.name}`" not in page] == []


def test_the_changelog_begins_with_the_version_of_the_project() -> None:
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    first = re.search(r"^## (.+)$", read("CHANGELOG.md"), re.M)
    assert first
    assert re.fullmatch(rf"\[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d", first[1])


# --- the examples of the page on dialogs ---


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's content with all examples in it, the main menu leading to the last of the dialogs."""
    folder = tmp_path_factory.mktemp("docs") / "content"
    shutil.copytree(ROOT / "content", folder)
    for example in EXAMPLES:
        file = folder.parent / example.file
        assert not file.exists(), f"{example.file} is a dialog of the project already"
        file.parent.mkdir(exist_ok=True)
        file.write_text(example.source, "utf-8")
    menu = folder / "dialogs" / "menu.yaml"
    written = re.sub(r"^( +)choices:\n", r"\1choices:\n\1  examples: Examples\n", menu.read_text("utf-8"), flags=re.M)
    menu.write_text(re.sub(r"^( +)go:\n", r"\1go:\n\1  examples: /examples\n", written, flags=re.M), "utf-8")
    return folder


@pytest.fixture(scope="module")
def plain_problems() -> list[Problem]:
    """What is wrong without the examples."""
    return Content.load(ROOT / "content", drafts=True)[1]


def test_the_examples_pass_the_checker(folder: Path, plain_problems: list[Problem]) -> None:
    content, problems = Content.load(folder, drafts=True)
    known = {(problem.slug, problem.text) for problem in plain_problems}
    fresh = [each for each in problems if (each.slug, each.text) not in known and each.slug != "missing"]
    assert [str(each) for each in errors(problems)] == []
    assert [str(each) for each in fresh] == []
    assert content is not None
    assert {example.name for example in EXAMPLES} <= content.dialogs.keys() | content.series.keys()


def test_the_page_explains_every_key() -> None:
    from dialogs.reading.grammar import EVERY_KEY, LEVELS, MEANINGS, WRITTEN
    from dialogs.script import SWITCHES

    page = prose(DIALOGS)
    for word in (*EVERY_KEY, *LEVELS, *MEANINGS, *WRITTEN, *SWITCHES):
        assert f"`{word}`" in page, word


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each.call], ids=lambda example: example.name)
def test_the_phone_shows_what_the_page_shows(
    example: Example, folder: Path, empty_sqlite: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    content = tmp_path / "content"
    shutil.copytree(folder, content)
    choices = "    choices:\n      examples: Examples\n      lessons: Short lessons\n"
    ways = f"    go:\n      examples: /{example.name}\n      lessons: /lessons\n"
    start = "title: Main menu\nresume: never\nsteps:\n  home:\n    ask: Safe and fair work. Choose a number.\n"
    (content / "dialogs" / "menu.yaml").write_text(start + choices + ways, "utf-8")
    shutil.copy(empty_sqlite, tmp_path / "ngazi.db")
    site = Site(f"sqlite:///{tmp_path / 'ngazi.db'}", tmp_path, Keeper(content, drafts=True))
    try:
        phone = site.phone()
        phone.join()
        call = f"< 1\n{example.call}"
        differences, shown = rehearse.play(rehearse.read(call), phone)
    finally:
        site.stop()
    if request.config.getoption("--update") and differences:
        before, source, after = read(DIALOGS).partition(example.source)
        now = rehearse.rewritten(call, shown).removeprefix("< 1\n")
        after = after.replace(f"```text\n{example.call}```", f"```text\n{now}```", 1)
        (ROOT / DIALOGS).write_text(before + source + after, "utf-8")
    assert request.config.getoption("--update") or [str(each) for each in differences] == []
