from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.channels import OPTIONS, SettingsError
from gateway.settings import Settings, declared
from gateway.settings_page import describe

KEY = "k" * 43
DOCS = Path(__file__).parent.parent / "docs" / "settings.md"
REAL = "ke=africastalking://user:hushkey@?code=*384*77%23&secret=hushsecretpath123"


@pytest.fixture
def read(tmp_path):
    """Settings with these variables set, in a data folder of their own."""

    def settings(**environ: str) -> Settings:
        return Settings.read({"NGAZI_DATA": str(tmp_path / "data"), **environ})

    return settings


def test_nothing_needs_to_be_set_to_try_it_out(read, tmp_path):
    settings = read()
    assert settings.simulated
    assert list(settings.channels) == ["sim"]
    assert settings.channels["sim"].code == "*384*77#"
    assert settings.database_url == f"sqlite:///{tmp_path}/data/ngazi.db"
    assert (settings.host, settings.port, settings.drafts, settings.sweep_days) == ("127.0.0.1", 8000, False, 90)
    assert settings.content.is_dir()


def test_a_simulated_gateway_makes_its_secret_key_once_and_says_so(read, tmp_path):
    first, again = read(), read()
    file = tmp_path / "data" / "secret.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert len(first.secret_key) >= 32
    assert str(file) in first.notices[0]
    assert again.secret_key == first.secret_key
    assert again.notices == ()


def test_the_simulator_keeps_its_own_secret_per_data_folder(read, tmp_path):
    first, again = read(), read()
    other = Settings.read({"NGAZI_DATA": str(tmp_path / "other")})
    assert first.channels["sim"].secrets == again.channels["sim"].secrets
    assert first.channels["sim"].secrets != other.channels["sim"].secrets


def test_a_real_channel_needs_a_secret_key_that_somebody_set(read, tmp_path):
    with pytest.raises(SettingsError, match=r"^NGAZI_SECRET_KEY is missing"):
        read(NGAZI_CHANNELS=REAL)
    assert not (tmp_path / "data" / "secret.key").exists()


def test_a_channel_is_read_from_its_address(read):
    written = "ke=africastalking://user:a%2Fb+c@?code=*384*77%23&secret=new-one-of-two-12,old&max_septets=182&strip=1"
    settings = read(NGAZI_CHANNELS=f"{written}&price=0.8KES&country=ke", NGAZI_SECRET_KEY=KEY)
    channel = settings.channels["ke"]
    assert (channel.name, channel.provider, channel.user, channel.key) == ("ke", "africastalking", "user", "a/b+c")
    assert channel.secrets == ("new-one-of-two-12", "old")
    assert (channel.code, channel.price, channel.country, channel.strip) == ("*384*77#", "0.8KES", "KE", 1)
    assert (channel.room.septets, channel.room.prefix, channel.room.pages) == (182, 4, True)
    assert not settings.simulated


def test_a_plus_in_an_option_stays_a_plus(read):
    written = "mg=twilio://AC1:token@?from=+15005550006&secret=hushsecretpath123"
    settings = read(NGAZI_CHANNELS=written, NGAZI_SECRET_KEY=KEY)
    assert settings.channels["mg"].options["from"] == "+15005550006"


def test_several_channels_have_blanks_or_lines_between_them(read):
    both = f"{REAL}\n  mg=twilio://AC1:token@?secret=hushsecretpath456"
    assert list(read(NGAZI_CHANNELS=both, NGAZI_SECRET_KEY=KEY).channels) == ["ke", "mg"]


def test_secrets_are_never_printed(read):
    url = "postgresql://user:hushpassword@db/ngazi"
    shared = REAL + "&shared_key=hushshared"
    keys = {"NGAZI_SECRET_KEY": "hush" + KEY, "NGAZI_RASA_TOKEN": "hushtoken"}
    settings = read(NGAZI_CHANNELS=shared, NGAZI_DATABASE_URL=url, **keys)
    assert "NGAZI_RASA_TOKEN is short enough to be guessed." in settings.notices
    assert "hush" not in repr(settings) + str(settings) + repr(settings.channels["ke"])


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("NGAZI_PORT", "eighty", "must be a number from 0 to 65535"),
        ("NGAZI_PORT", "٨٠٠٠٠٠", "must be a number from 0 to 65535"),
        ("NGAZI_PORT", "²", "must be a number from 0 to 65535"),
        ("NGAZI_SWEEP_DAYS", "0", "must be a number from 1 to 3650"),
        ("NGAZI_DRAFTS", "yes", "must be show or hide"),
        ("NGAZI_PUBLIC_URL", "ngazi.example.org", "must look like https://ngazi.example.org"),
        ("NGAZI_PUBLIC_URL", "https://[x", "must look like https://ngazi.example.org"),
        ("NGAZI_CONTENT", "/nowhere/at/all", "names a folder that is not there"),
        ("NGAZI_RASA_TOKEN", "hush/x", "may have only letters, digits and . _ ~ -"),
        ("NGAZI_DATABASE_URL", "mysql://x/hush", "must begin with sqlite:/// or postgresql://"),
        ("NGAZI_DATABASE_URL", "hush", "must begin with sqlite:/// or postgresql://"),
        ("NGAZI_SECRET_KEY", "hush", "too short"),
        ("NGAZI_CHANNELS", "hush", "is made of name=provider://..."),
        ("NGAZI_CHANNELS", "KE=africastalking://u:hush@?secret=hush", "is made of name=provider://..."),
        ("NGAZI_CHANNELS", "ke=nobody://u:hush@?secret=hush", "no known provider in channel ke"),
        ("NGAZI_CHANNELS", "ke=africastalking://u:hush@?code=*384*77#&secret=hush", "write it as %23"),
        ("NGAZI_CHANNELS", "ke=africastalking://u:hush@?secrt=hush", "perhaps secret was meant"),
        ("NGAZI_CHANNELS", "ke=africastalking://u:hush@?secret=hu/sh", "may have only letters"),
        ("NGAZI_CHANNELS", "ke=africastalking://u:hush@?code=*1%23", "channel ke needs secret="),
        ("NGAZI_CHANNELS", "ke=africastalking://u:hush@[?secret=hush", "cannot be read in channel ke"),
        ("NGAZI_CHANNELS", f"{REAL} {REAL}", "names the channel ke twice"),
        ("NGAZI_CHANNELS", f"{REAL} sim=simulator://@?code=*1%23", "a simulator next to a real channel"),
        ("NGAZI_CHANNELS", REAL + "&max_septets=1000", "max_septets of channel ke is a number from 40 to 182"),
        ("NGAZI_CHANNELS", REAL + "&strip=x", "strip of channel ke is a number from 0 to 9"),
        ("NGAZI_CHANNELS", REAL + "&country=Kenya", "two letters for the country of channel ke"),
    ],
)
def test_a_wrong_setting_is_told_in_one_sentence_that_names_it_and_shows_no_secret(read, name, value, told):
    environ = {"NGAZI_SECRET_KEY": KEY, name: value}
    with pytest.raises(SettingsError) as caught:
        read(**environ)
    sentence = str(caught.value)
    assert sentence.startswith(name)
    assert told in sentence
    assert "hush" not in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"^NGAZI_DATA: the folder .* cannot be made: Not a directory"):
        Settings.read({"NGAZI_DATA": str(tmp_path / "file" / "data")})


def test_an_empty_setting_counts_as_none(read):
    assert read(NGAZI_PORT="", NGAZI_CHANNELS=" ").port == 8000


def test_a_slip_in_a_name_is_noticed(read):
    assert "NGAZI_DATABSE_URL is no setting. Did you mean NGAZI_DATABASE_URL?" in read(NGAZI_DATABSE_URL="").notices


def test_a_secret_that_can_be_guessed_is_noticed(read):
    settings = read(NGAZI_CHANNELS="ke=africastalking://u:k@?secret=abc", NGAZI_SECRET_KEY=KEY)
    assert settings.notices == ("NGAZI_CHANNELS: the secret of channel ke is short enough to be guessed.",)


def test_an_old_name_of_postgresql_is_understood(read):
    assert read(NGAZI_DATABASE_URL="postgres://u@h/d").database_url == "postgresql://u@h/d"


def test_every_setting_and_option_has_its_line_in_the_docs():
    page = DOCS.read_text()
    for setting in declared().values():
        assert f"| `{setting.name}` |" in page
        assert setting.doc
    for option in OPTIONS:
        assert f"| `{option}` |" in page


def test_the_page_of_the_settings_is_what_the_program_says():
    assert DOCS.read_text() == describe(), "make it again: ngazi settings > docs/settings.md"
