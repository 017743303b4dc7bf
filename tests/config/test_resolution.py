"""The laws of origin: which source wins, what is refused, and that every message names the place."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.api.settings import ServerSettings
from tallygate.config import ConfigError, Resolved, Settings, list_settings, resolve
from tallygate.config.environment import variable_of
from tallygate.genai.secret import Secret
from tests.config.samples import SAMPLES

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"

# A value that each setting accepts and that is not its default, as a variable would hold it.


def read(environ: Mapping[str, str] | None = None, text: str = "", folder: Path | None = None) -> Resolved:
    """Resolve with a file of that text, if any, and nothing else around."""
    folder = folder or Path("/nonexistent")
    if text:
        (folder / "tallygate.toml").write_text(text)
    return resolve(environ=environ or {}, folder=folder)


def problems(environ: Mapping[str, str] | None = None, text: str = "", folder: Path | None = None) -> list[str]:
    """The lines of the refusal."""
    with pytest.raises(ConfigError) as caught:
        read(environ, text, folder)
    return str(caught.value).splitlines()


def test_nothing_is_needed() -> None:
    resolved = read()
    assert resolved.settings.server == ServerSettings()
    assert resolved.settings.data.is_absolute()
    assert resolved.settings.database_url == f"sqlite:///{resolved.settings.data}/tallygate.db"
    assert {origin.place for origin in resolved.origins.values()} == {"default"}


def test_later_sources_win(tmp_path: Path) -> None:
    text = "[server]\nport = 1001\n"
    (tmp_path / "tallygate.toml").write_text(text)
    seen: list[tuple[int, str]] = []
    environ: dict[str, str] = {}
    for change in ({}, {"PORT": "1002"}, {"TALLYGATE_SERVER__PORT": "1003"}):
        environ |= change
        resolved = resolve(environ=environ, folder=tmp_path)
        seen.append((resolved.settings.server.port, resolved.origins["server.port"].place))
    resolved = resolve(environ=environ, flags={"server.port": 1004, "server.host": None}, folder=tmp_path)
    seen.append((resolved.settings.server.port, resolved.origins["server.port"].place))
    assert seen == [
        (1001, "tallygate.toml:2"),
        (1002, "PORT"),
        (1003, "TALLYGATE_SERVER__PORT"),
        (1004, "--port"),
    ]


def test_every_setting_has_a_sample() -> None:
    assert set(SAMPLES) == set(list_settings())


def test_the_reference_has_every_setting_in_order_and_no_other() -> None:
    headings = [line.removeprefix("## ") for line in REFERENCE.read_text("utf-8").splitlines() if line[:3] == "## "]
    assert headings == [f"`{name}`" for name in list_settings()]


@pytest.mark.parametrize("setting", list_settings())
def test_every_setting_can_be_set_by_the_environment(setting: str) -> None:
    variable = variable_of(tuple(setting.replace("NAME", "lab").split(".")))
    resolved = read({variable: SAMPLES[setting]})
    named = setting.replace("NAME", "lab")
    assert resolved.origins[named].place == variable
    value = {value.setting: value.value for value in resolved.values}[named]
    assert value not in (None, (), {}, "")
    assert value == _dig(resolved.settings, named)


@pytest.mark.parametrize("setting", list_settings())
def test_every_setting_can_be_read_from_a_file_that_a_variable_names(setting: str, tmp_path: Path) -> None:
    (tmp_path / "value").write_text(SAMPLES[setting] + "\n")
    variable = variable_of(tuple(setting.replace("NAME", "lab").split(".")))
    by_file = read({f"{variable}_FILE": str(tmp_path / "value")})
    assert by_file.settings == read({variable: SAMPLES[setting]}).settings


@pytest.mark.parametrize("setting", list_settings())
def test_every_setting_but_secrets_can_stand_in_the_file(setting: str, tmp_path: Path) -> None:
    named = setting.replace("NAME", "lab")
    variable = variable_of(tuple(named.split(".")))
    section, _, key = named.rpartition(".")
    value = _dig(read({variable: SAMPLES[setting]}).settings, named)
    header = f"[{section}]\n" if section else ""
    if isinstance(value, Secret):
        (refusal,) = problems({}, f"{header}{key} = '{value.reveal()}'\n", tmp_path)
        assert "a secret does not belong in a file" in refusal
        assert value.reveal() not in refusal
        return
    written = SAMPLES[setting]
    if isinstance(value, (str, Path)):
        written = f'"{written}"'
    elif isinstance(value, bool):
        written = str(value).lower()
    elif key == "targets":
        written = '["lab/a", "lab/b"]'
    resolved = read({}, f"{header}{key} = {written}\n", tmp_path)
    assert _dig(resolved.settings, named) == value
    assert resolved.origins[named].place == f"tallygate.toml:{2 if section else 1}"


def _dig(settings: Settings, named: str) -> object:
    value: object = settings
    for part in named.split("."):
        value = value[part] if isinstance(value, dict) else getattr(value, part)
    return value


@pytest.mark.parametrize(
    ("text", "expected", "line"),
    [
        ("prot = 1", "prot: no such setting", 1),
        ("port = 1", "port: no such setting; did you mean server.port?", 1),
        ("\n[server]\nprot = 1", "server.prot: no such setting; did you mean server.port?", 3),
        ("[sever]\nport = 1", "sever: no such setting; did you mean server?", 1),
        ("[store]\nheartbeat_s = 1\nlease_s = 3", "store: a lease_s of 3 is too short for a heartbeat_s of 1", 3),
        (
            "[providers.lab]\nbase = 'http://lab'",
            "providers.lab.base: no such setting; did you mean providers.lab.base_url?",
            2,
        ),
        (
            "[models.'qwen3.5']\ntarget = ['a/b']",
            'models."qwen3.5".target: no such setting; did you mean models."qwen3.5".targets?',
            2,
        ),
        ("server = 3", "server: expected a table, as in [server]", 1),
        ("[providers]\nlab = 3", "providers.lab: expected a table, as in [providers.lab]", 2),
        (
            "[server]\nport = 'abc'",
            'server.port: expected an integer from 0 to 65535, got "abc"',
            2,
        ),
        (
            "[server]\nport = 70000",
            "server.port: expected an integer from 0 to 65535, got 70000",
            2,
        ),
        ("[server]\nport = true", "server.port: expected an integer from 0 to 65535, got true", 2),
        ("discover = 'yes'", 'discover: expected true or false, got "yes"', 1),
        ("[data]\nx = 1", "data: expected a path, got { x = 1 }", 1),
        (
            "[providers.lab]\nauth = 'basic'",
            'providers.lab.auth: expected one of "bearer", "none", "x-api-key", "x-goog-api-key", got "basic"',
            2,
        ),
        (
            "[models.q]\nprice = { input = 0.2 }",
            (
                'models.q.price: expected "free" or a table with input, output, cache_read, cache_write, '
                "cache_write_1h, "
                "audio_input, reasoning, audio_output, call, image, second, character, tool_use, tiers, factor, "
                "got { input = 0.2 }"
            ),
            2,
        ),
        (
            "[models.q]\nprice = { inptu = '1' }",
            'models.q.price: unknown key "inptu"; did you mean "input"?',
            2,
        ),
        (
            "[models.q]\ntargets = [\n  'a/b',\n  'c',\n]",
            'models.q.targets: expected a list, each item "provider/model", got ["a/b", "c"]',
            2,
        ),
    ],
)
def test_a_bad_file_is_refused_with_name_and_line(text: str, expected: str, line: int, tmp_path: Path) -> None:
    assert problems({}, text, tmp_path) == [f"{expected} (from tallygate.toml:{line})"]


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        (
            "TALLYGATE_PORT",
            "1",
            "TALLYGATE_PORT: no such setting; did you mean TALLYGATE_SERVER__PORT? (from the environment)",
        ),
        (
            "TALLYGATE_SERVER",
            "1",
            "TALLYGATE_SERVER: no such setting; did you mean TALLYGATE_SERVER__HOST? (from the environment)",
        ),
        (
            "TALLYGATE_SERVER__PORT",
            "abc",
            'server.port: expected an integer from 0 to 65535, got "abc" (from TALLYGATE_SERVER__PORT)',
        ),
        ("PORT", "abc", 'server.port: expected an integer from 0 to 65535, got "abc" (from PORT)'),
        ("TALLYGATE_DISCOVER", "maybe", 'discover: expected true or false, got "maybe" (from TALLYGATE_DISCOVER)'),
        (
            "TALLYGATE_DATA_FILE",
            "/nonexistent/x",
            "cannot read /nonexistent/x: No such file or directory (from TALLYGATE_DATA_FILE)",
        ),
        (
            "TALLYGATE_CONFIG",
            "/nonexistent/x.toml",
            "cannot read the configuration file /nonexistent/x.toml: No such file or directory (from TALLYGATE_CONFIG)",
        ),
    ],
)
def test_a_bad_variable_is_refused_by_name(variable: str, value: str, expected: str) -> None:
    assert problems({variable: value}) == [expected]


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    lines = problems({"TALLYGATE_DISCOVER": "x", "TALLYGATE_NOPE": "1"}, "prot = 1\n[server]\nport = 'x'\n", tmp_path)
    assert [line.split(":")[0] for line in lines] == ["prot", "TALLYGATE_NOPE", "discover", "server.port"]


def test_a_file_that_is_not_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    (line,) = problems({}, "[server]\nport = \n", tmp_path)
    assert "not TOML" in line
    assert "line 2" in line
    assert "tallygate.toml" in line


@given(text=st.text(max_size=30))
def test_no_text_in_a_variable_escapes_as_another_error(text: str) -> None:
    for variable in ("TALLYGATE_SERVER__PORT", "TALLYGATE_MODELS__Q__PRICE", "TALLYGATE_MODELS__Q__TARGETS"):
        try:
            read({variable: text})
        except ConfigError as error:
            (problem,) = error.problems
            seen = problem.origin.place
        else:
            seen = variable
        assert seen == variable


def test_relative_paths_start_at_the_file_that_says_them(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    file = tmp_path / "etc" / "gateway.toml"
    file.write_text('data = "store"\n[providers.lab]\napi_key_file = "lab.key"\n')
    resolved = resolve(Path("etc/gateway.toml"), environ={}, folder=tmp_path)
    assert resolved.settings.data == tmp_path / "etc" / "store"
    assert resolved.settings.providers["lab"].api_key_file == tmp_path / "etc" / "lab.key"
    assert resolved.origins["data"].place == "etc/gateway.toml:1"
    by_variable = resolve(Path("etc/gateway.toml"), environ={"TALLYGATE_DATA": "here"}, folder=tmp_path)
    assert by_variable.settings.data == tmp_path / "here"
    by_flag = resolve(environ={}, flags={"data": Path("there")}, folder=tmp_path)
    assert by_flag.settings.data == tmp_path / "there"


def test_the_flag_names_the_file_before_the_variable_and_the_folder(tmp_path: Path) -> None:
    for name, port in (("tallygate.toml", 1), ("b.toml", 2), ("c.toml", 3)):
        (tmp_path / name).write_text(f"[server]\nport = {port}\n")
    environ = {"TALLYGATE_CONFIG": str(tmp_path / "b.toml")}
    assert resolve(environ={}, folder=tmp_path).settings.server.port == 1
    assert resolve(environ=environ, folder=tmp_path).settings.server.port == 2
    assert resolve(Path("c.toml"), environ=environ, folder=tmp_path).settings.server.port == 3


def test_a_variable_finds_the_name_that_the_file_spells(tmp_path: Path) -> None:
    text = '[providers."My-Lab.2"]\nbase_url = "http://a"\n'
    resolved = read({"TALLYGATE_PROVIDERS__MY_LAB_2__BASE_URL": "http://b"}, text, tmp_path)
    assert {name: provider.base_url for name, provider in resolved.settings.providers.items()} == {
        "My-Lab.2": "http://b"
    }


def test_a_secret_shows_nowhere() -> None:
    resolved = read({"TALLYGATE_ADMIN_KEY": "swordfish", "TALLYGATE_KEYS__PEPPER": "ab" * 32})
    assert resolved.settings.admin_key == Secret("swordfish")
    assert "swordfish" not in repr(resolved)
    assert "abab" not in repr(resolved)


@pytest.mark.parametrize("host", ["x86_64-conda-linux-gnu", "laptop", ""])
def test_a_host_variable_that_names_the_machine_is_not_an_address_to_listen_on(host: str) -> None:
    assert read({"HOST": host}).settings.server.host == "127.0.0.1"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "127.0.0.2", "localhost"])
def test_a_host_variable_with_an_address_counts(host: str) -> None:
    resolved = read({"HOST": host})
    assert (resolved.settings.server.host, resolved.origins["server.host"].place) == (host, "HOST")


def test_what_kubernetes_sets_for_a_service_of_our_name_is_let_be() -> None:
    resolved = read(
        {
            "TALLYGATE_SERVICE_HOST": "10.0.0.1",
            "TALLYGATE_SERVICE_PORT": "8255",
            "TALLYGATE_SERVICE_PORT_HTTP": "8255",
            "TALLYGATE_PORT": "tcp://10.0.0.1:8255",
            "TALLYGATE_PORT_8255_TCP": "tcp://10.0.0.1:8255",
            "TALLYGATE_PORT_8255_TCP_PROTO": "tcp",
            "TALLYGATE_PORT_8255_TCP_PORT": "8255",
            "TALLYGATE_PORT_8255_TCP_ADDR": "10.0.0.1",
            "TALLYGATE_METRICS_PORT": "tcp://10.0.0.1:9000",
        }
    )
    assert resolved.settings.server == ServerSettings()


def test_an_empty_variable_is_not_set() -> None:
    assert read({"TALLYGATE_SERVER__PORT": "", "TALLYGATE_NOPE": "", "PORT": ""}).settings == read().settings


def test_without_a_home_folder_the_data_folder_must_be_named() -> None:
    # The child has no HOME and an id that no user has, as containers do.
    code = (
        "import os\n"
        "from tallygate.config import ConfigError, resolve\n"
        "import pwd\n"
        "taken = {user.pw_uid for user in pwd.getpwall()}\n"
        "os.setuid(next(uid for uid in range(40000, 60000) if uid not in taken))\n"
        "print(resolve(flags={'data': '/srv/x'}).settings.data)\n"
        "try:\n"
        "    resolve()\n"
        "except ConfigError as error:\n"
        "    print(error)\n"
    )
    if os.getuid() != 0:
        pytest.skip("only root may become a user without a home")
    environ = {key: value for key, value in os.environ.items() if key != "HOME"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ, check=False)
    assert run.stdout.splitlines() == [
        "/srv/x",
        "data: there is no home folder to put ~ for; give a whole path (from default)",
    ], run.stderr


def test_reading_the_configuration_imports_no_room_that_serves() -> None:
    code = "import sys, tallygate.config; print('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(run.stdout.split())
    assert modules.isdisjoint({"sqlalchemy", "alembic", "aiohttp", "uvicorn", "pydantic", "asyncio", "typer"})
    ours = {name for name in modules if name.startswith("tallygate.") and name.count(".") > 1}
    rooms = {
        name for name in ours if not name.startswith(("tallygate.config.", "tallygate.genai.", "tallygate.errors."))
    }
    assert {name.rsplit(".", 1)[1] for name in rooms} == {"settings", "base", "guardrails", "networks"}


def test_settings_are_frozen_values() -> None:
    settings = read().settings
    with pytest.raises(AttributeError):
        settings.discover = False  # pyright: ignore[reportAttributeAccessIssue]
    assert isinstance(settings, msgspec.Struct)
