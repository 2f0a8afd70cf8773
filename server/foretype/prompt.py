"""What a model is sent for the text around the cursor, and how its answer is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from foretype import comments, indentation
from foretype.document import Anchor, Snapshot, View
from foretype.settings import Settings
from foretype.snippet import Snippet
from foretype.templates import (
    Template,
    tells_suffix,
    tells_suffix_first,
    template_for,
)
from foretype.trim import MIN_OVERLAP_CHARS, Shape, is_closing_punctuation


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is sent, and how to read its answer."""

    max_tokens: int
    temperature: float = 0.0
    text: str = ""
    """For `/completions`; empty for a chat."""
    suffix: str | None = None
    """For the request's own field; None where the markers in `text` tell it."""
    messages: tuple[Message, ...] = ()
    stop: tuple[str, ...] = ()
    """Strings the endpoint is asked to stop at; no API takes more than four."""
    leaks: tuple[str, ...] = ()
    """Strings that are never part of a completion: the first one ends it."""
    opening: str = ""
    """What the answer begins with that is not part of the completion."""
    cache_key: str = ""
    """What has prompts of one document served from one cache."""
    indent: str = ""
    """What each level is indented by where the answer goes; empty where any may be."""
    blank: str = ""
    """White space before the cursor that was left out, for the model to begin with."""
    extra: tuple[Snippet, ...] = ()
    """Text from elsewhere, where the API has a field for it."""

    @property
    def n_chars(self) -> int:
        """How long all of it is."""
        n_chars = len(self.text) + len(self.suffix or "")
        n_chars += sum(len(snippet.text) for snippet in self.extra)
        return n_chars + sum(len(message.content) for message in self.messages)


# Code in the vocabularies of today has 3 to 4 characters a token, in a twentieth of
# texts less than 3.4: with fewer than there are, a budget is on the safe side.
CHARS_PER_TOKEN = 3.3
# So much text before the cursor says how it is indented.
N_INDENT_CHARS = 4_000
_FENCE_END = "\n```"
_CHAT_TAGS = (
    "<fill>",
    "</fill>",
    "<after>",
    "</after>",
    "<before>",
    "</before>",
    "<file ",
    "</file>",
)
CHAT_SYSTEM = """\
You are the completion engine of a text editor. \
You get the text after the cursor, then the text before the cursor. \
Reply with the text that belongs at the cursor, between <fill> and </fill>, \
and with nothing else: no explanation, no code fence, nothing that is already there. \
Keep the indentation and the style of the text. \
Write the rest of the line, or the rest of the block if the line opens one.

Example:
<after>
    return total
</after>
<before>
def sum_of_squares(numbers):
    total = 0
    for number in numbers:
        total +=</before>
<fill> number * number</fill>"""


def view(settings: Settings, chars_per_token: float) -> View:
    """How much text around the cursor a prompt has room for."""
    completion = settings.completion
    suffix_tokens = 0
    if tells_suffix_first(settings):
        suffix_tokens = completion.suffix_tokens
    elif tells_suffix(settings):
        suffix_tokens = completion.last_suffix_tokens
    return View(
        prefix_chars=round(settings.prefix_tokens * chars_per_token),
        suffix_chars=round(suffix_tokens * chars_per_token),
    )


def build(
    snapshot: Snapshot,
    shape: Shape,
    temperature: float = 0.0,
) -> Prompt:
    """The prompt for the text around the cursor, in the form the model was trained on.

    Text before a marker of that form, which the model would take for structure, is
    left out on the far side of it; a snippet that has one is left out.
    """
    settings = snapshot.settings
    # The head is further up in the same file, and changes less often.
    prefix = _with_newline_ends(snapshot.head + snapshot.prefix)
    suffix = _with_newline_ends(_suffix(snapshot))
    max_tokens = (
        settings.completion.max_tokens_line
        if shape is Shape.LINE
        else settings.completion.max_tokens_block
    )
    template = template_for(settings.model_name, settings.endpoint.template)
    if settings.speaks_chat:
        prompt = _chat(snapshot, prefix, suffix, max_tokens)
    elif settings.wire == "infill":
        extra = tuple(_without_reserved(snapshot.snippets, ()))
        prompt = Prompt(max_tokens, text=prefix, suffix=suffix, extra=extra)
    elif settings.endpoint.template == "suffix":
        files = _as_comments(snapshot)
        # Where nothing follows, some endpoints take the field for a mistake.
        prompt = Prompt(max_tokens, text=files + prefix, suffix=suffix or None)
    elif template is not None:
        prompt = _in_markers(snapshot, template, prefix, suffix, shape)
        prompt = replace(prompt, max_tokens=max_tokens)
    else:
        prompt = _plain(snapshot, prefix, max_tokens)
    return replace(
        prompt,
        temperature=temperature,
        cache_key=snapshot.uri,
        indent=indentation.unit_of(prefix[-N_INDENT_CHARS:]) or snapshot.indent,
    )


def received(raw: str, prompt: Prompt, anchor: Anchor, *, is_final: bool) -> str:
    """The completion in what a model has written so far, without its wrapping.

    What may yet turn out to be wrapping is held back until it is decided.
    """
    text = raw
    if prompt.opening:
        text = _unwrapped(raw, prompt.opening, is_final)
        text = _without_echo(text, anchor.line_prefix, is_final)
    if prompt.blank:
        text = _without_blank(text, prompt.blank)
    ends = [at for at in map(text.find, prompt.leaks) if at >= 0]
    if ends:
        text = text[: min(ends)]
    elif not is_final:
        text = text[: len(text) - _n_held_back(text, prompt.leaks)]
    text = text.replace("\r\n", "\n").removesuffix("\r")
    text = indentation.indented(
        text, prompt.indent, is_at_line_start=not anchor.line_prefix
    )
    return text if anchor.line_end == "\n" else text.replace("\n", anchor.line_end)


def _in_markers(
    snapshot: Snapshot,
    template: Template,
    prefix: str,
    suffix: str,
    shape: Shape,
) -> Prompt:
    reserved = template.reserved
    return Prompt(
        0,
        text=template.form.format(
            files=_files(snapshot, template),
            prefix=_after_reserved(prefix, reserved),
            # Some models loop where nothing follows; a file ends with a line end.
            suffix=_before_reserved(suffix, reserved) or "\n",
            name=_after_reserved(_file_name(snapshot), reserved),
            language=_after_reserved(snapshot.language_id, reserved),
            mode=shape.name,
        ),
        stop=template.stop[:4],
        leaks=reserved,
    )


def _plain(
    snapshot: Snapshot,
    prefix: str,
    max_tokens: int,
) -> Prompt:
    # NB: In most vocabularies a word's token begins with its space, so that after a
    # space by itself hardly a word can follow: `return ` goes on with a number.
    blank = _blank_at_end(snapshot.anchor.line_prefix)
    text = _as_comments(snapshot) + prefix[: len(prefix) - len(blank)]
    return Prompt(max_tokens, text=text, blank=blank)


def _chat(
    snapshot: Snapshot,
    prefix: str,
    suffix: str,
    max_tokens: int,
) -> Prompt:
    name = _after_reserved(_file_name(snapshot), _CHAT_TAGS)
    prefix = _after_reserved(prefix, _CHAT_TAGS)
    suffix = _before_reserved(suffix, _CHAT_TAGS)
    files = "".join(
        f'<file name="{snippet.name}">\n{snippet.text}\n</file>\n'
        for snippet in _without_reserved(snapshot.snippets, _CHAT_TAGS)
    )
    # What changes with every key comes last, so that the rest is served from a cache.
    content = (
        f"{files}{name} ({snapshot.language_id})\n"
        f"<after>{suffix}</after>\n<before>{prefix}</before>"
    )
    return Prompt(
        max_tokens,
        messages=(Message("system", CHAT_SYSTEM), Message("user", content)),
        stop=("</fill>",),
        leaks=_CHAT_TAGS,
        opening="<fill>",
    )


def _files(snapshot: Snapshot, template: Template) -> str:
    """Text from elsewhere in the form that a family knows, and what ends it."""
    if not template.file:
        return _as_comments(snapshot, template.reserved)
    told = [
        template.file.format(name=snippet.name, text=snippet.text)
        for snippet in _without_reserved(snapshot.snippets, template.reserved)
    ]
    if told and template.own:
        name = _after_reserved(_file_name(snapshot), template.reserved)
        told.append(template.own.format(name=name))
    return "".join(told)


def _as_comments(snapshot: Snapshot, reserved: tuple[str, ...] = ()) -> str:
    """Text from elsewhere, each behind a comment with its name."""
    opens, closes = comments.around(snapshot.language_id)
    told = []
    for snippet in _without_reserved(snapshot.snippets, reserved):
        text = snippet.text
        if not snippet.is_code:
            lines = text.split("\n")
            text = "\n".join(f"{opens} {line}{closes}" for line in lines)
        told.append(f"{opens} {snippet.name}{closes}\n{text}\n\n")
    if told:
        name = _after_reserved(_file_name(snapshot), reserved)
        told.append(f"{opens} {name}{closes}\n")
    return "".join(told)


def _without_reserved(
    snippets: Sequence[Snippet], reserved: tuple[str, ...]
) -> list[Snippet]:
    """Snippets with the line ends models know, less those that have a marker."""
    told = (
        replace(snippet, text=_with_newline_ends(snippet.text).rstrip("\n"))
        for snippet in snippets
    )
    return [
        snippet
        for snippet in told
        if not any(marker in snippet.name + snippet.text for marker in reserved)
    ]


def _suffix(snapshot: Snapshot) -> str:
    """The text after the cursor that the model is told.

    It begins with the next line where what is left of the cursor's only closes what is
    open: the same while that line is written, whatever the editor closes or takes back.
    """
    rest = snapshot.anchor.line_suffix
    suffix = snapshot.suffix
    if is_closing_punctuation(rest):
        suffix = suffix[len(rest) :]
    return suffix if suffix.strip() else ""


def _file_name(snapshot: Snapshot) -> str:
    return PurePosixPath(unquote(urlsplit(snapshot.uri).path)).name


def _unwrapped(raw: str, opening: str, is_final: bool) -> str:
    """A chat's answer without the tag or the code fence it begins with."""
    text = raw.lstrip()
    if text.startswith(opening):
        return text[len(opening) :]
    if opening.startswith(text) and not is_final:
        return ""
    if text.startswith("```"):
        _, line_end, code = text.partition("\n")
        code, fence, _ = (line_end + code).partition(_FENCE_END)
        if not fence and not is_final:
            code = code[: len(code) - _n_held_back(code, (_FENCE_END,))]
        return code.removeprefix("\n")
    if "```".startswith(text) and not is_final:
        return ""
    return raw


def _without_echo(text: str, line_prefix: str, is_final: bool) -> str:
    """The text less a repetition of the cursor's line, which chats are prone to."""
    echo = line_prefix.lstrip()
    if len(echo) < MIN_OVERLAP_CHARS:
        return text
    answered = text.lstrip(" \t")
    if answered.startswith(echo):
        return answered[len(echo) :]
    return "" if echo.startswith(answered) and not is_final else text


def _n_held_back(text: str, leaks: tuple[str, ...]) -> int:
    """How many characters at the end may be the beginning of a leak."""
    if not leaks:
        return 0
    heads = {leak[0] for leak in leaks}
    tail = text[max(0, len(text) + 1 - max(map(len, leaks))) :]
    for at, char in enumerate(tail):
        if char in heads and any(leak.startswith(tail[at:]) for leak in leaks):
            return len(tail) - at
    return 0


def _without_blank(text: str, blank: str) -> str:
    """The text less the spaces at its beginning that stand in the document already.

    A text that begins with none goes on from another document than this one.
    """
    if not text.startswith(" "):
        return ""
    n_spaces = len(text) - len(text.lstrip(" "))
    return text[min(n_spaces, len(blank)) :]


def _blank_at_end(line_prefix: str) -> str:
    """The spaces between the last word of a line and the cursor."""
    content = line_prefix.rstrip(" ")
    return line_prefix[len(content) :] if content.strip() else ""


def _with_newline_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _after_reserved(text: str, reserved: tuple[str, ...]) -> str:
    starts = ((text.rfind(marker), marker) for marker in reserved)
    return text[max((at + len(m) for at, m in starts if at >= 0), default=0) :]


def _before_reserved(text: str, reserved: tuple[str, ...]) -> str:
    found = (text.find(marker) for marker in reserved)
    return text[: min((at for at in found if at >= 0), default=len(text))]
