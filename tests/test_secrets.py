"""Secrets are masked before a text is sent, and ordinary code stays what it is.

No secret stands in this file: each is put together when a test runs, of random parts.
"""

from __future__ import annotations

import base64
import json
import random
import re
import string
from collections.abc import Iterator

import hypothesis.strategies as st
import pytest
import redact_secret
from hypothesis import given

from foretype.secrets import Masker

RANDOM = random.Random(7)
LETTERS = string.ascii_letters
DIGITS = string.digits
WORD = LETTERS + DIGITS
UPPER = string.ascii_uppercase + DIGITS
HEX = "0123456789abcdef"
URL_SAFE = WORD + "_-"
BASE64 = WORD + "+/"


def some(n_chars: int, alphabet: str = WORD) -> str:
    return "".join(RANDOM.choice(alphabet) for _ in range(n_chars))


def jwt_part(value: object) -> str:
    encoded = base64.urlsafe_b64encode(json.dumps(value).encode())
    return encoded.decode().rstrip("=")


# Those that are told by their own form, wherever they stand.
KEYS = {
    "Age": "AGE-" + "SECRET-KEY-1" + some(58, UPPER),
    "Anthropic": "sk" + "-ant-api03-" + some(93, URL_SAFE) + "AA",
    "Atlassian": "AT" + "ATT3xFf" + some(180, URL_SAFE),
    "AWS access key": "AK" + "IA" + some(16, string.ascii_uppercase + "234567"),
    "AWS temporary key": "AS" + "IA" + some(16, string.ascii_uppercase + "234567"),
    "Databricks": "da" + "pi" + some(32, HEX),
    "DigitalOcean": "do" + "p_v1_" + some(64, HEX),
    "Discord bot": "M" + some(23) + "." + some(6) + "." + some(38),
    "Docker Hub": "dck" + "r_pat_" + some(27, URL_SAFE),
    "Dynatrace": "dt" + "0c01." + some(24, UPPER) + "." + some(64, UPPER),
    "Fly": "Fm" + "2_" + some(100),
    "GitHub classic": "gh" + "p_" + some(36),
    "GitHub fine-grained": "github" + "_pat_" + some(22) + "_" + some(59),
    "GitHub server": "gh" + "s_" + some(36),
    "GitLab": "gl" + "pat-" + some(20),
    "GitLab job": "gl" + "cbt-" + some(20),
    "Google access": "ya" + "29." + some(80, URL_SAFE),
    "Google API": "AI" + "za" + some(35, URL_SAFE),
    "Google OAuth": "GOC" + "SPX-" + some(28, URL_SAFE),
    "Grafana": "gl" + "sa_" + some(32) + "_" + some(8, HEX),
    "Groq": "gs" + "k_" + some(52),
    "Heroku": "HRKU" + "-" + some(60, URL_SAFE),
    "Hugging Face": "h" + "f_" + some(34, LETTERS),
    "JWT": ".".join(
        (jwt_part({"alg": "HS256"}), jwt_part({"sub": "1"}), some(43, URL_SAFE))
    ),
    "Linear": "lin" + "_api_" + some(40),
    "Mailchimp": some(32, HEX) + "-us12",
    "Mailgun": "ke" + "y-" + some(32, HEX),
    "New Relic": "NR" + "AK-" + some(27, UPPER),
    "Notion": "nt" + "n_" + some(46),
    "npm": "np" + "m_" + some(36),
    "OpenAI": "sk" + "-" + some(20) + "T3Blb" + "kFJ" + some(20),
    "OpenAI project": "sk" + "-proj-" + some(74) + "T3Blb" + "kFJ" + some(74),
    "OpenRouter": "sk" + "-or-v1-" + some(64, HEX),
    "Perplexity": "pp" + "lx-" + some(48),
    "PlanetScale": "psc" + "ale_tkn_" + some(43, URL_SAFE),
    "Postman": "PM" + "AK-" + some(24, HEX) + "-" + some(34, HEX),
    "PyPI": "py" + "pi-AgEIcHlwaS5vcmc" + some(120, URL_SAFE),
    "Replicate": "r" + "8_" + some(37),
    "SendGrid": "S" + "G." + some(22, URL_SAFE) + "." + some(43, URL_SAFE),
    "Shopify": "sh" + "pat_" + some(32, HEX),
    "Slack app": "xa" + "pp-1-A" + some(10, UPPER) + f"-{10**12}-" + some(64, HEX),
    "Slack bot": "xo" + f"xb-{10**11}-{10**12}-" + some(24),
    "Square": "sq" + "0csp-" + some(43, URL_SAFE),
    "Stripe": "sk" + "_live_" + some(24),
    "Stripe restricted": "rk" + "_live_" + some(24),
    "Stripe test": "sk" + "_test_" + some(24),
    "Stripe webhook": "wh" + "sec_" + some(32),
    "Telegram": some(1, "123456789") + some(9, DIGITS) + ":AA" + some(33, URL_SAFE),
    "Terraform Cloud": some(14) + "." + "atlas" + "v1." + some(67, URL_SAFE),
    "Twilio": "S" + "K" + some(32, HEX),
    "Vault": "hv" + "s." + some(90, URL_SAFE),
    "xAI": "xa" + "i-" + some(80),
}
PLACES = {
    "a call": 'client = Client("{}", timeout_s=3)',
    "a comment": "# The old one was {}",
    "a list": "- {}",
    "a variable": "export SERVICE={}",
    "markup": "<value>{}</value>",
}

# A word with digits and signs in it, as people choose.
PASSWORD = "kX9mQ2" + "vL7pZr4"
# Those that are told by what stands around them, with `{}` in the place of the secret.
VALUES = {
    "AWS secret key": ('aws_secret_access_key = "{}"', some(38) + "/+"),
    "AWS secret key in a file": ("aws_secret_access_key = {}", some(38) + "/+"),
    "Azure storage": (
        '"AccountName=a;AccountKey={};EndpointSuffix=core.windows.net"',
        some(86, BASE64) + "==",
    ),
    "Azure shared access": (
        '"https://a.blob.core.windows.net/c?sv=2022-11-02&sig={}"',
        some(42) + "%3D",
    ),
    "Azure client secret": ('client_secret = "{}"', some(3) + "8Q~" + some(34)),
    "basic authentication": ('get("https://admin:{}@example.org/")', some(10)),
    "basic header": (
        '{{"Authorization": "Basic {}"}}',
        base64.b64encode(f"admin:{PASSWORD}".encode()).decode(),
    ),
    "bearer header": ("curl -H 'Authorization: Bearer {}' https://a", some(40)),
    "Cloudflare": ('CLOUDFLARE_API_TOKEN = "{}"', some(40, URL_SAFE)),
    "connection string": ('"Server=db;User Id=sa;Password={};"', PASSWORD),
    "curl's user": ("curl -u admin:{} https://example.org", PASSWORD),
    "Discord webhook": (
        '"https://discord.com/api/webhooks/' + some(18, DIGITS) + '/{}"',
        some(68, URL_SAFE),
    ),
    "Django": ('SECRET_KEY = "{}"', some(50, WORD + "!@#$^&*(-_=+)")),
    "MongoDB": ('"mongodb+srv://u:{}@c.mongodb.net/x"', some(16)),
    "MySQL": ("DATABASE_URL=mysql://root:{}@127.0.0.1/app", "x9!" + some(9)),
    "npm's settings": ("//registry.npmjs.org/:_authToken={}", some(36, HEX + "-")),
    "PostgreSQL": ('"postgresql://app:{}@db:5432/app"', "Hq7" + some(9)),
    "RabbitMQ": ("amqp://guest:{}@mq//", some(12)),
    "Redis": ("redis://:{}@cache:6379/0", some(16)),
    "Sentry": ('dsn = "https://{}@o1.ingest.sentry.io/2"', some(32, HEX)),
    "signed address": ("https://a.s3/b?X-Amz-Signature={}", some(64, HEX)),
    "Slack webhook": (
        '"https://hooks.slack.com/services/{}"',
        "T" + some(9, UPPER) + "/B" + some(9, UPPER) + "/" + some(24),
    ),
    "Twilio's token": ('twilio_auth_token = "{}"', some(32, HEX)),
    "key in Go": ('secretKey := "{}"', some(32, HEX)),
    "key in JavaScript": ("const clientSecret = '{}';", some(32)),
    "key in JSON": ('{{"x-api-key": "{}"}}', some(32)),
    "key in Python": ('api_key = "{}"', some(32)),
    "key in YAML": ("apiKey: {}", some(32)),
    "password": ('password = "{}"', PASSWORD),
    "password as an argument": ("connect(user='me', password='{}')", PASSWORD),
    "password as an option": ("mysqldump --password {} app", PASSWORD),
    "password compared": ('if password == "{}":', PASSWORD),
    "password in JSON": ('  "db_password": "{}",', "kX9#mQ2$vL7p"),
    "password in XML": ("<password>{}</password>", PASSWORD),
    "password in YAML": ("  password: {}", PASSWORD),
    "password in a pair": ('("password", "{}")', PASSWORD),
    "password in a shell": ("export DB_PASSWORD={}", PASSWORD),
    "password in a table": ('os.environ["DB_PASSWORD"] = "{}"', PASSWORD),
    "password without its vowels": ("MYSQL_PWD={}", PASSWORD),
}

KINDS = ("", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED ")


def key_block(kind: str = "RSA ", n_lines: int = 6) -> list[str]:
    """A private key as PEM has it."""
    return [
        f"-----BEGIN {kind}PRIVATE" + " KEY-----",
        *(some(64, BASE64) for _ in range(n_lines)),
        some(22, BASE64) + "==",
        f"-----END {kind}PRIVATE" + " KEY-----",
    ]


def check_masked(text: str, secret: str) -> None:
    """All of a secret is masked, with as many characters as it has."""
    masked = Masker().mask(text)
    at = text.index(secret)
    assert masked[at : at + len(secret)] == re.sub(r"\S", "*", secret)
    assert len(masked) == len(text)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", KEYS)
def test_a_key_is_masked_wherever_it_stands(kind: str, place: str) -> None:
    check_masked(PLACES[place].format(KEYS[kind]), KEYS[kind])


@pytest.mark.parametrize("kind", VALUES)
def test_a_secret_is_masked_where_its_surroundings_tell(kind: str) -> None:
    form, secret = VALUES[kind]
    above = "import os\r\n\r\n\r\ndef connect():\r\n    "
    check_masked(above + form.format(secret) + "\r\n    return None\r\n", secret)


@pytest.mark.parametrize("kind", KINDS)
def test_a_private_key_is_masked(kind: str) -> None:
    header, *body, footer = key_block(kind)
    check_masked(
        f'KEY = """\n{header}\n' + "\n".join(body) + f'\n{footer}\n"""\n', body[0]
    )
    for line in body:
        check_masked("\n".join((header, *body, footer)), line)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("    ", ""),
        ('    "', '\\n"'),
        ("# ", ""),
        ('  + "', '\\n" +'),
        ("", "\r"),
    ],
)
def test_a_private_key_is_masked_in_the_form_of_a_program(
    before: str, after: str
) -> None:
    block = key_block()
    text = "\n".join(before + line + after for line in block)
    for line in block[1:-1]:
        check_masked(text, line)


def test_a_private_key_is_masked_as_far_as_it_is_in_view() -> None:
    block = key_block(n_lines=6)
    for first in range(len(block)):
        for last in range(first + 1, len(block) + 1):
            seen = block[first:last]
            body = [line for line in seen if "-----" not in line]
            has_frame = len(body) < len(seen)
            n_full = sum(len(line) == 64 for line in body)
            if n_full >= 3 or (n_full and has_frame):
                for line in body:
                    check_masked("\n".join(seen), line)


def test_a_private_key_on_one_line_is_masked_without_its_other_end() -> None:
    header, *body, footer = key_block()
    escaped = "\\n".join(body)
    check_masked(f'{{"private_key": "{header}\\n{escaped}', escaped)
    check_masked(f'{escaped}\\n{footer}\\n"}}', escaped)


def test_a_private_key_of_openpgp_is_masked() -> None:
    body = [some(64, BASE64) for _ in range(4)] + ["=" + some(4, BASE64)]
    frame = "PGP PRIVATE" + " KEY BLOCK-----"
    text = "\n".join(
        (f"-----BEGIN {frame}", "Version: GnuPG v2", "", *body, f"-----END {frame}")
    )
    for line in body:
        check_masked(text, line)


def test_a_private_key_of_putty_is_masked() -> None:
    body = [some(64, BASE64) for _ in range(4)]
    head = ("PuTTY-User" + "-Key-File-2: ssh-rsa", "Encryption: none", "Comment: me")
    text = "\n".join(
        (*head, "Private-Lines: 4", *body, "Private-MAC: " + some(40, HEX))
    )
    for line in body:
        check_masked(text, line)


# What stays

INNOCENT = r"""
password = get_password()
token: str
def login(user: str, password: str) -> None:
api_key = os.environ["API_KEY"]
api_key: str | None = None
password = ""
password: string;
secret_key = settings.SECRET_KEY
self.token = token
token = tokens[idx]
self.username, self.password = credentials
cache_token = current_token
serving(wire, api_key=api_key)
context.load_cert_chain(CERTFILE, password=KEY_PASSWORD.encode())
context.load_cert_chain(CERTFILE, password=getpass_exception)
if password != confirm_password:
"password": "password",
PASSWORD_FIELD = "password"
password = getpass.getpass("Password: ")
<input type="password" name="password">
# see 9fceb02d0ae598e95dc970b74767f19372d61af8 for why
REQUEST_ID = "123e4567-e89b-12d3-a456-426614174000"
color: #ff00aa;
background: rgba(12, 34, 56, 0.78);
data = "SGVsbG8gd29ybGQ="
class AbstractSingletonProxyFactoryBeanConfigurationManagerImpl:
url = "https://example.org/path?query=1#fragment"
git clone https://github.com/foretype/foretype.git
email = "someone@example.org"
ssh git@github.com:foretype/foretype.git
raise AuthenticationError("token is invalid or expired")
token = request.headers.get("Authorization")
headers = {"Authorization": f"Bearer {token}"}
"postgresql://{user}:{password}@{host}:{port}/{name}"
DATABASE_URL = "postgresql://localhost:5432/app"
const apiKey = process.env.API_KEY;
private readonly apiKey: string;
let token = try lexer.nextToken()
max_tokens = 4096
stats.count(Counted.INPUT_TOKENS, "codestral-2508", 900)
("input tokens", "codestral-2508"): 1_000,
tokenizer = AutoTokenizer.from_pretrained("bert-base-uncased")
assert digest == "d41d8cd98f00b204e9800998ecf8427e"
key = "primary"
primary_key = True
keyboard_shortcut = "ctrl+shift+p"
public_key = load_public_key(path)
PASSWORD_MIN_LENGTH = 12
raise ValueError("The password must have at least 12 characters")
auth_token_expiry_seconds: 3600
session_token = secrets.token_urlsafe(32)
version = "1.0.0-beta.1+exp.sha.5114f85"
import { createSecretKey } from "node:crypto";
#define TOKEN_MAX_LENGTH 256
type Token struct { Kind TokenKind; Text string }
SELECT password_hash FROM users WHERE id = $1;
password: ${{ secrets.DB_PASSWORD }}
password: ${DB_PASSWORD}
api_key = "<your api key>"
api_key = "YOUR_API_KEY"
password = "changeme"
export API_KEY=$(cat key.txt)
re.compile(r"(?:ghp|gho|ghu)_[A-Za-z0-9_]{36}")
const uuid = "f47ac10b-58cc-4372-a567-0e02b2c3d479"; // v4
0x7fff5fbff8a0: 48 89 e5 48 83 ec 10
secret: bool = False
"scripts": {"test": "jest --passWithNoTests"},
assertTrue(bypass("anotherdomain.com:8888"))
("http", "user/name", "password", "localhost:22")
std::string token = parser.next();
fn token(&self) -> Option<&Token> {
passwd = pwd.getpwnam(name)
pwd = os.getcwd()
print(f"password for {user!r} was reset at {when:%H:%M:%S}")
@app.route("/reset-password/<token>", methods=["POST"])
kubectl get secret my-app-secret -o yaml
secretName: my-app-tls
passwordResetUrl = "https://example.org/account/password/reset/confirm"
api_key_env = "FORETYPE_ENDPOINT_API_KEY"
if "BEGIN RSA PRIVATE KEY" in text:
""".strip().splitlines()


@pytest.mark.parametrize("line", INNOCENT)
def test_ordinary_code_stays(line: str) -> None:
    assert Masker().mask(line) == line
    indented = f"def f():\n    {line}\n    return 1\n"
    assert Masker().mask(indented) == indented


def test_ordinary_code_stays_together() -> None:
    text = "\n".join(INNOCENT)
    assert Masker().mask(text) == text


@pytest.mark.parametrize("label", ["CERTIFICATE", "PUBLIC KEY", "RSA PUBLIC KEY"])
def test_what_is_public_stays(label: str) -> None:
    body = [some(64, BASE64) for _ in range(6)]
    block = [f"-----BEGIN {label}-----", *body, f"-----END {label}-----"]
    for seen in (block, block[:-1], block[1:]):
        assert Masker().mask("\n".join(seen)) == "\n".join(seen)


def test_code_after_the_name_of_a_key_stays() -> None:
    text = 'BEGIN = "-----BEGIN PRIVATE' + ' KEY-----"\n\n\ndef read():\n    pass\n'
    assert Masker().mask(text) == text


# Whatever the text is


def texts() -> Iterator[st.SearchStrategy[str]]:
    yield st.text()
    # Half a pair, as an editor may send.
    yield st.text(st.characters(categories=["Cs"]), max_size=2)
    yield st.sampled_from(["\n", "\r", "\r\n", " ", '"', "'", "=", ": ", "\\n", "://"])
    yield st.sampled_from(["password", "api_key", "secret", "token", "user:", "@host"])
    yield st.sampled_from([*KEYS.values(), *(v for _, v in VALUES.values())])
    yield st.sampled_from([f for f, _ in VALUES.values()])
    yield st.sampled_from([*key_block(), "\n".join(key_block()), *INNOCENT])


ANY = st.lists(st.one_of(*texts()), max_size=12).map("".join)


@given(ANY)
def test_places_and_lines_stay(text: str) -> None:
    masked = Masker().mask(text)
    assert len(masked) == len(text)
    ends = re.compile(r"\s")
    assert [*map(re.Match.span, ends.finditer(masked))] == [
        *map(re.Match.span, ends.finditer(text))
    ]
    assert all(new in ("*", old) for new, old in zip(masked, text, strict=True))


@given(ANY)
def test_what_is_masked_is_masked_for_good(text: str) -> None:
    masked = Masker().mask(text)
    assert Masker().mask(masked) == masked


@given(st.lists(ANY, max_size=4))
def test_what_is_remembered_changes_nothing(several: list[str]) -> None:
    masker = Masker()
    assert [masker.mask(text) for text in several] == [
        Masker().mask(text) for text in several
    ]


def test_a_text_the_detector_refuses_is_masked_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(text: str) -> None:
        raise redact_secret.FindingLimitExceededError

    monkeypatch.setattr(redact_secret, "scan", refuse)
    assert Masker().mask("x = 1\n  y = 2\n") == "* * *\n  * * *\n"
