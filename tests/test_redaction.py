"""No secret in what is told."""

import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.errors import InputError, Problem, StoreError
from sweeper.redaction import MARK, redacted, secret_in

SECRET = "open-sesame-42"


@pytest.fixture(autouse=True)
def no_token_of_ray(monkeypatch, tmp_path):
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "none"))


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://sweeper:{SECRET}@host:5432/db",
        f"postgresql+psycopg2://sweeper:{SECRET}%40@host/db",
        f"mysql://sweeper:a/b@c{SECRET}@host/db",
        f"https://user:{SECRET}@host/path and more",
        f"https://{SECRET}{SECRET}@host/path",
        f"postgresql://host/db?user=a&password={SECRET}",
        f"https://host/x?a=1&access_token={SECRET}&b=2",
        f"{{'Authorization': 'Bearer {SECRET}'}}",
        f"authorization: basic {SECRET}",
    ],
)
def test_addresses_are_told_without_their_secret(text):
    told = redacted(f"({text})")
    assert SECRET not in told
    assert MARK in told
    assert redacted(told) == told
    assert secret_in(text) == "an address with a password or a token"
    assert secret_in(told) == ""


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:////data/results/mlflow.db",
        "http://127.0.0.1:5000/#/experiments/1/runs/2",
        "http://127.0.0.1:5000/runs of me@example.org",
        "openclip/ViT-B-16-quickgelu@openai",
        "ssh://git@host/repository",
        "s3://bucket/key=1/x",
        "key=value",
    ],
)
def test_what_holds_no_secret_stays_as_it_is(text):
    assert redacted(text) == text
    assert secret_in(text) == ""


@pytest.mark.parametrize(
    "name",
    ["RAY_AUTH_TOKEN", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "HF_TOKEN",
     "PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID",
     "AWS_SESSION_TOKEN", "MY_API_KEY", "db_secret"],
)  # fmt: skip
def test_values_of_the_environment_whose_name_says_so_are_hidden(monkeypatch, name):
    monkeypatch.setenv(name, f"{SECRET}/+")
    assert redacted(f"a {SECRET}/+ b {SECRET}%2F%2B") == f"a {MARK} b {MARK}"
    assert secret_in(f"a {SECRET}/+") == f"the value of {name}"


def test_short_values_other_names_and_paths_of_key_files_are_no_secrets(monkeypatch, tmp_path):
    file = tmp_path / "id_ed25519"
    file.touch()
    monkeypatch.setenv("A_TOKEN", "on")
    monkeypatch.setenv("KEYBOARD", "qwertyuiop")
    monkeypatch.setenv("MONKEY", "chimpanzee")
    monkeypatch.setenv("SSH_KEY", str(file))
    text = f"on qwertyuiop chimpanzee {file}"
    assert redacted(text) == text


def test_the_token_of_a_ray_cluster_is_hidden(monkeypatch, tmp_path):
    (tmp_path / "token").write_text(f"{SECRET}\n")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    assert redacted(f"x{SECRET}x") == f"x{MARK}x"


def test_of_two_secrets_one_in_the_other_nothing_is_left(monkeypatch):
    monkeypatch.setenv("A_TOKEN", SECRET)
    monkeypatch.setenv("B_TOKEN", f"{SECRET}-and-more")
    assert redacted(f"{SECRET}-and-more") == MARK


def test_errors_tell_no_secret():
    address = f"postgresql://u:{SECRET}@h/db"
    assert SECRET not in str(StoreError(f"{address}: cannot be reached"))
    assert SECRET not in str(InputError(Problem("--store", address, "another")))


def test_a_traceback_of_the_command_tells_no_secret():
    code = "from sweeper.cli.output import redact_streams; redact_streams(); redact_streams()\n"
    code += f"print('http://u:{SECRET}@h')\nraise ValueError('at http://u:{SECRET}@h')"
    run = subprocess.run([sys.executable, "-"], input=code, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (1, f"http://u:{MARK}@h\n")
    assert f"ValueError: at http://u:{MARK}@h" in run.stderr
    assert SECRET not in run.stderr


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(st.sampled_from("a:/@?&=.%'\" 1\n"), max_size=40))
def test_twice_is_as_good_as_once(text):
    text = f"http://u:{text}"
    assert redacted(redacted(text)) == redacted(text)


@pytest.mark.parametrize(
    "part", ["QUJD", "://a:", "&token", "https://a", "?a&key", "authorization"]
)
def test_long_texts_take_no_time(part):
    start = time.monotonic()
    redacted(part * 50_000)
    assert time.monotonic() - start < 5
