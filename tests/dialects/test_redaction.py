"""A provider's words lose what is secret in them and keep what helps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.dialects.redaction import MESSAGE_CHARACTERS_MAX, redact

SECRETS = [
    "sk-proj-abcDEF123456ghiJKL",
    "sk-ant-api03-AbC123_x-yz",
    "lx-4f9a8b7c6d5e",
    "gsk_9aB8cD7eF6gH5",
    "AIzaSyA1b2C3d4E5f6G7h8",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "org-AbC123xyz789",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "AKIAIOSFODNN7EXAMPLE",
    "0123456789abcdef0123456789abcdef",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("frame", ["{}", "Incorrect key: {}.", "you sent ({}) twice", '{{"key":"{}"}}', "é{}é x"])
def test_keys_and_accounts_do_not_show(secret: str, frame: str) -> None:
    assert secret[4:] not in redact(frame.format(f" {secret} "))


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abc", "abc"),
        ('{"authorization": "Basic dXNlcg"}', "dXNlcg"),
        ("x-api-key: hunter2", "hunter2"),
        ("x-goog-api-key=hunter2", "hunter2"),
        ("Incorrect API key provided: hunter2.", "hunter2"),
        ("your access_token=hunter2 is old", "hunter2"),
        ("password: hunter2", "hunter2"),
        ("Cookie: hunter2", "hunter2"),
        ("GET https://user:hunter2@host.example/x failed", "hunter2"),
        ("GET https://host.example/x?sig=hunter2 failed", "hunter2"),
        ("s3://bucket/x?token=hunter2", "hunter2"),
    ],
)
def test_named_secrets_and_addresses_that_carry_one_do_not_show(text: str, secret: str) -> None:
    assert secret not in redact(text)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('bad: Traceback (most recent call last): File "/srv/x.py", line 3, in f ValueError', "bad: [removed]"),
        ('at File "worker.py", line 17, in run: too long', "at [removed]: too long"),
        ("cannot open /home/lab/models/a.bin", "cannot open [removed]"),
        ("10.20.30.40:8080 says no, and 127.0.0.1 too.", "[removed] says no, and [removed] too."),
        ("gpu-17.cluster.internal and a.b.svc.cluster.local are busy", "[removed] and [removed] are busy"),
    ],
)
def test_a_machine_does_not_show(text: str, left: str) -> None:
    assert redact(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "Invalid type for /properties/day, see /v1/models; temperature 0.1.2 is internal, not local.",
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
        "The model `claude-3-5-sonnet-20241022` does not exist",
        "deepseek/deepseek-r1-distill-qwen-32b:free is not a valid model ID",
        "meta-llama/Llama-3.2-90B-Vision-Instruct-Turbo is not served",
        "max_tokens: 5000 is too large, see https://docs.example/api",
        "Invalid value for 'messages[0].content[1].image_url.url'.",
        "Invalid schema for function 'get_weather': required is missing.",
    ],
)
def test_what_helps_stays(text: str) -> None:
    assert redact(text) == text


def test_a_message_is_one_line_without_control_characters() -> None:
    assert redact("a\r\n\x1b[31mb\x00\u202ec\u2028d ") == "a [31mb c d"


@given(st.text(max_size=5_000))
def test_any_text_becomes_one_short_printable_line(text: str) -> None:
    line = redact(text)
    assert len(line) <= MESSAGE_CHARACTERS_MAX
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in line)


@pytest.mark.parametrize("unit", ["sk-", "a://", "Bearer ", "api key ", "x-", "eyJ.", "a1", "password:"])
def test_long_hostile_texts_take_no_time(unit: str) -> None:
    assert len(redact(unit * 100_000)) <= MESSAGE_CHARACTERS_MAX
