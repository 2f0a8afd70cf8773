"""Secrets in a text that is to be sent: found, and masked where they stand.

The detector is the `redact-secret` package, which looks at a text as a whole, on this
machine and without the network. Here is what it misses, and which of its guesses at
code are wrong. Files that hold nothing but keys are the matter of `exclusions`.
"""

from __future__ import annotations

import enum
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from math import log2

_MASK = "*"
# Not counting line ends and indentation, so that both stay.
_VISIBLE = re.compile(r"\S")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE = re.compile(r"[^\r\n]+")

# Lines whose secrets are kept: those of some dozen views, mostly in less than 2 MB.
_N_LINES = 4_096
# A longer line is looked at each time.
_MAX_KEPT_CHARS = 1_000

# What the detector is not sure of where it goes by a name before a value.
_BY_NAME = "generic-token"
# Code that stands where a value might: `get()`, `self.key`, `Class.method(x)`, `name)`.
_EXPRESSION = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|->|::|\?\.)[\w$]+)*(?:[(\[{)].*)?")

# Each with a string that is in every match, so that most cost only a search for that.
# A group is the secret, where not all of it is.
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (needle, re.compile(form))
    for needle, form in (
        ("AC", r"\bAC[0-9a-f]{32}\b"),
        ("AGE-SECRET-KEY-", r"\bAGE-SECRET-KEY-[0-9A-Z]{40,}"),
        ("FlyV1", r"\bFlyV1 ([\w+/=,-]{20,})"),
        ("HRKU-", r"\bHRKU-[\w-]{36,}"),
        # A key on one line, whose other end is out of view.
        ("PRIVATE KEY", r"PRIVATE KEY(?: BLOCK)?-----((?:\\[rn]|[\w+/=]){16,})"),
        (
            "PRIVATE KEY",
            r"(?<![\w+/=\\])((?:\\[rn]|[\w+/=]){16,}+)-----END [A-Z ]*PRIV",
        ),
        ("PRIVATE-TOKEN", r"PRIVATE-TOKEN:\s*([\w.-]{16,})"),
        ("SK", r"\bSK[0-9a-f]{32}\b"),
        ("_tkn_", r"\bpscale_tkn_[\w.=-]{32,}"),
        ("atlasv1", r"\b[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,}"),
        ("dt0", r"\bdt0[a-z]\d\d\.[A-Z0-9]{24}(?:\.[A-Z0-9]{64})?"),
        ("fm", r"\bfm[12][ar]?_[\w+/=-]{40,}"),
        ("Fm", r"\bFm[12]_[\w+/=-]{40,}"),
        ("hooks.slack.com", r"hooks\.slack\.com/\w+/([\w+/-]{20,})"),
        ("key-", r"\bkey-[0-9a-f]{32}\b"),
        ("ntn_", r"\bntn_[A-Za-z0-9]{40,}"),
        ("secret_", r"\bsecret_[A-Za-z0-9]{40,}\b"),
        ("sig=", r"[?&;]sig=([\w%+/=-]{30,})"),
        ("Signature=", r"[?&]X-(?:Amz|Goog)-Signature=([0-9a-f]{64,})"),
        ("webhooks/", r"discord(?:app)?\.com/api/(?:v\d+/)?webhooks/(\d+/[\w-]{30,})"),
        ("webhook.office.com", r"webhook\.office\.com/webhookb2/([\w@/-]{40,})"),
        ("ya29.", r"\bya29\.[\w-]{20,}"),
        # Discord's: the number of a user in Base64, a time, and a signature.
        (".", r"\b[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,40}\b"),
        # A user name of an address that is a key, as Sentry's.
        ("://", r"://([0-9a-f]{32})(?::[0-9a-f]{32})?@"),
    )
)

# Values that have a telling name before or around them: `PGPASSWORD=..`,
# `"token", ".."`, `if pwd == ".."`, `set_token("..")`, `<password>..</password>`,
# `--password ..`.
_NAMED = re.compile(
    r"""(?ix)
    (?P<open> ['"] [\w.-]* )?
    (?: pass(?:word|wd|phrase|code) | (?<![a-z]) pass (?![a-z]) | pwd | secret
      | token (?!s|i[sz]) | credential
      | (?:api|access|auth|account|encryption|signing|private|client)[_-]?key )
    [\w-]{0,20}
    (?:
        ['"\]]{0,3} \s*
        (?: [:=!]?==? | := | => | : | \bis\b | (?(open) (?<=['"]) , | (?!) ) ) \s*
        [bfru@]{0,2} (?P<quote>['"`]) (?P<quoted>[^\s'"`]{8,200}) (?P=quote)
      | \( \s* (?P<mark>['"`]) (?P<argument>[^\s'"`]{8,200}) (?P=mark)
      | > (?P<element>[^\s<>]{8,200}) </
      | = (?P<bare>[^\s'"`,;&()<>{}\[\]]{8,200}) (?=[\s;&'"`]|$)
      | \s (?P<option>(?=\S*\d)[^\s'"`,;&()<>{}\[\]=]{12,200}) (?=\s|$)
    )
    """
)
# One of these is in every such name.
_NAME_WORDS = ("pass", "pwd", "secret", "token", "credential", "key")
_VALUES = ("quoted", "argument", "element", "bare", "option")
# As `curl` takes a name and a password.
_USER_OPTION = re.compile(r"\s(?:-u|--user)[ =]['\"]?[\w.@-]+:([^\s'\"$]{6,})")
# What stands for a value that is elsewhere: `${NAME}`, `{{ name }}`, `<key>`, `%s`.
_PLACEHOLDER = re.compile(
    r"^[$%{<]|\$[{(]|\{\w*\}|\{\{|%[sd]|\*{3}|\.{3}|x{4}"
    r"|(?i:example|change.?me|placeholder|dummy|your[_-])"
)
_ADDRESS = re.compile(r"[\w.-]+:\d{1,5}|[\w.+-]+@[\w.-]+\.[a-z]{2,}")
# Bits in a character: words have less than random letters and digits.
_MIN_ENTROPY_BITS = 2.8

# What frames a block of Base64 lines: a key that PEM, OpenPGP or PuTTY writes, or one
# that is public and stays.
_FRAME = re.compile(
    r"-----(?P<edge>BEGIN|END) (?P<label>[A-Z0-9 ]{1,60})-----"
    r"|(?P<putty_begin>PuTTY-User-Key-File-\d)|(?P<putty_end>Private-MAC)"
)
# A line of a block, in quotes or behind a comment's mark as well.
_BODY = re.compile(
    r"""[ \t]*+(?:[#*>|+.]|//|--)?[ \t]*+["'`]?"""
    r"""(?:(?P<base64>[A-Za-z0-9+/]*+={0,3}+)|=[A-Za-z0-9+/]{4})"""
    r"""(?:\\r)?(?:\\n)?["'`]?[ \t]*[,;\\+.)]{0,3}[ \t]*"""
)
# The mark of a comment, the text, and what joins it to the next one: `# "..." +`.
_MAX_BODY_WORDS = 3
_HEADER = re.compile(r"[ \t#*\"']*[A-Z][A-Za-z0-9-]{2,30}: [^\r\n]*")
_MAX_BODY_LINE_CHARS = 200
# A word of a program has less.
_MIN_BODY_CHARS = 16
# So many in a row of a length at which tools break lines are a key without its frame,
# which is outside of the view.
_N_BODY_LINES = 3
_BODY_LINE_CHARS = {64, 70}

Span = tuple[int, int]


class _Frame(enum.Enum):
    KEY_BEGINS = enum.auto()
    KEY_ENDS = enum.auto()
    PUBLIC = enum.auto()


@dataclass(frozen=True, slots=True)
class _Look:
    """What is seen in one line alone."""

    spans: tuple[Span, ...]
    """The secrets that the detector misses."""
    frame: _Frame | None
    is_body: bool
    """Whether it may stand between the lines of a frame."""
    n_base64_chars: int


class Masker:
    """Masks the secrets in texts, most of whose lines come again and again."""

    def __init__(self) -> None:
        self._look = lru_cache(_N_LINES)(_look)

    def mask(self, text: str) -> str:
        """The text with `*` for every character of a secret, its lines as they were.

        The text before and the text after a cursor are masked in one piece, or what is
        on both sides of it would not be seen.
        """
        # A secret may come to light when another one beside it is gone.
        while (masked := self._masked(text)) != text:
            text = masked
        return text

    def _masked(self, text: str) -> str:
        spans = [*_detected(text), *self._missed(text)]
        if not spans:
            return text
        pieces: list[str] = []
        end = 0
        for start, stop in sorted(spans):
            start = max(start, end)
            if start < stop:
                pieces += (text[end:start], _VISIBLE.sub(_MASK, text[start:stop]))
                end = stop
        return "".join((*pieces, text[end:]))

    def _missed(self, text: str) -> Iterator[Span]:
        """What the detector misses, line by line, as one line is new at each key."""
        lines = [*_LINE.finditer(text)]
        looks = [
            self._look(line) if len(line) <= _MAX_KEPT_CHARS else _look(line)
            for line in map(re.Match.group, lines)
        ]
        for line, look in zip(lines, looks, strict=True):
            for start, stop in look.spans:
                yield line.start() + start, line.start() + stop
        for idx in _key_lines(looks):
            yield lines[idx].span()


def _detected(text: str) -> Iterator[Span]:
    """What the detector finds, less what is code."""
    # Imported here, so that the server's start does not wait for it.
    import redact_secret

    # Half a pair is no character to the detector; the replacement is as long.
    scanned = _SURROGATE.sub("\ufffd", text)
    try:
        findings = redact_secret.scan(scanned)
    except redact_secret.SecretScanError:
        # What was not looked at is not sent.
        yield 0, len(text)
        return
    for found in findings:
        if found.detector != _BY_NAME or not _is_code(text, found.start, found.end):
            yield found.start, found.end


def _is_code(text: str, start: int, stop: int) -> bool:
    """Whether what looks like a value is an expression, such as `get_password()`."""
    if text[start - 1 : start] in ("'", '"', "`"):
        return False
    value = text[start:stop]
    if not _EXPRESSION.fullmatch(value):
        return False
    is_name = value.isidentifier()
    return not is_name or not any(char.isdigit() for char in value)


def _look(line: str) -> _Look:
    frame = None
    if found := _FRAME.search(line):
        if "PRIVATE KEY" in (found["label"] or "PRIVATE KEY"):
            begins = found["edge"] == "BEGIN" or found["putty_begin"]
            frame = _Frame.KEY_BEGINS if begins else _Frame.KEY_ENDS
        else:
            frame = _Frame.PUBLIC
    is_short = len(line) <= _MAX_BODY_LINE_CHARS and frame is None
    # Most lines of code have more words, which costs less to see.
    may_be_body = is_short and len(line.split(None, _MAX_BODY_WORDS)) <= _MAX_BODY_WORDS
    body = _BODY.fullmatch(line) if may_be_body else None
    is_header = is_short and _HEADER.fullmatch(line) is not None
    return _Look(
        spans=tuple(_missed_in(line)),
        frame=frame,
        is_body=body is not None or is_header,
        n_base64_chars=len(body["base64"] or "") if body else 0,
    )


def _key_lines(looks: Sequence[_Look]) -> Iterator[int]:
    """Which lines are of a private key, of which a part may be out of view."""
    for idx, look in enumerate(looks):
        if look.frame is _Frame.KEY_BEGINS:
            yield from _block(looks, idx + 1, 1)
        elif look.frame is _Frame.KEY_ENDS:
            yield from _block(looks, idx - 1, -1)
    idx = 0
    for n_chars, group in groupby(looks, key=lambda look: look.n_base64_chars):
        n_lines = sum(1 for _ in group)
        if n_chars in _BODY_LINE_CHARS and n_lines >= _N_BODY_LINES:
            above, below = _block(looks, idx, -1), _block(looks, idx, 1)
            edges = (above[-1] - 1, below[-1] + 1)
            frames = [looks[e].frame for e in edges if 0 <= e < len(looks)]
            if _Frame.PUBLIC not in frames:
                yield from (*above, *below)
        idx += n_lines


def _block(looks: Sequence[_Look], idx: int, step: int) -> list[int]:
    """The lines that belong together from one on, as long as they may be a key's."""
    found = []
    while 0 <= idx < len(looks) and looks[idx].is_body:
        found.append(idx)
        idx += step
    is_key = any(looks[i].n_base64_chars >= _MIN_BODY_CHARS for i in found)
    return found if is_key else []


def _missed_in(line: str) -> Iterator[Span]:
    for needle, form in _FORMS:
        if needle in line:
            for found in form.finditer(line):
                yield found.span(found.lastindex or 0)
    for found in _USER_OPTION.finditer(line):
        yield found.span(1)
    lower = line.lower()
    if not any(word in lower for word in _NAME_WORDS):
        return
    for found in _NAMED.finditer(line):
        kind = next(k for k in _VALUES if found[k] is not None)
        if _is_random(found[kind]):
            yield found.span(kind)


def _is_random(value: str) -> bool:
    """Whether a value is more than a word, a path or a name of something."""
    if _PLACEHOLDER.search(value) or _ADDRESS.fullmatch(value):
        return False
    if not any(map(str.isdigit, value)) or not any(map(str.isalpha, value)):
        return False
    shares = (n / len(value) for n in Counter(value).values())
    return -sum(share * log2(share) for share in shares) >= _MIN_ENTROPY_BITS
