"""What a model is sent for the text around the cursor, and how its answer is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from foretype.context import Snippet
from foretype.document import Anchor, Snapshot
from foretype.settings import Settings
from foretype.trim import MIN_OVERLAP_CHARS, Shape


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
    blank: str = ""
    """White space before the cursor that was left out, for the model to begin with."""

    @property
    def n_chars(self) -> int:
        """How long all of it is."""
        n_chars = len(self.text) + len(self.suffix or "")
        return n_chars + sum(len(message.content) for message in self.messages)

    @property
    def n_tokens(self) -> int:
        """About how many tokens it is, as long as no endpoint has counted them."""
        return round(self.n_chars / CHARS_PER_TOKEN)


@dataclass(frozen=True, slots=True)
class Template:
    """How a model family is told what stands before and after the hole."""

    family: str
    names: str
    """A regular expression, searched in the model's name in lower case."""
    form: str
    """The prompt, with `{prefix}` and `{suffix}` in the order of its training.

    `{name}` is the file's, `{language}` the editor's word for its language.
    """
    stop: tuple[str, ...]
    """All strings that end an answer; the first four are sent."""

    @property
    def reserved(self) -> tuple[str, ...]:
        """The markers: text that holds one of these would be read as structure."""
        return tuple(dict.fromkeys((*_MARKER.findall(self.form), *self.stop)))


_MARKER = re.compile(r"<[^<>\s{}]+>|\[[A-Z]+\]")

# Sources: each family's model card, or the repository it is published in. The first one
# whose `names` match is taken, so narrow names stand before wide ones.
TEMPLATES = (
    Template(
        "qwen",
        r"qwen.*coder|codeqwen",
        "<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
        (
            "<|endoftext|>",
            "<|fim_prefix|>",
            "<|fim_suffix|>",
            "<|fim_middle|>",
            "<|fim_pad|>",
            "<|file_sep|>",
            "<|repo_name|>",
            "<|im_end|>",
            "<|cursor|>",
        ),
    ),
    Template(
        "codegemma",
        r"codegemma",
        "<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
        (
            "<|file_separator|>",
            "<|fim_prefix|>",
            "<|fim_suffix|>",
            "<|fim_middle|>",
            "<eos>",
        ),
    ),
    Template(
        "granite",
        r"granite-?4",
        "<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
        (
            "<|end_of_text|>",
            "<|fim_prefix|>",
            "<|fim_suffix|>",
            "<|fim_middle|>",
        ),
    ),
    Template(
        "starcoder",
        r"starcoder|stable-?code|granite.*code",
        "<fim_prefix>{prefix}<fim_suffix>{suffix}<fim_middle>",
        (
            "<|endoftext|>",
            "<file_sep>",
            "<fim_prefix>",
            "<fim_suffix>",
            "<fim_middle>",
            "<repo_name>",
        ),
    ),
    Template(
        "codellama",
        r"code-?llama",
        "<PRE> {prefix} <SUF>{suffix} <MID>",
        ("<EOT>", "<PRE>", "<SUF>", "<MID>"),
    ),
    Template(
        "deepseek",
        r"deepseek-?coder",
        "<｜fim▁begin｜>{prefix}<｜fim▁hole｜>{suffix}<｜fim▁end｜>",  # noqa: RUF001
        (
            "<｜end▁of▁sentence｜>",  # noqa: RUF001
            "<｜fim▁begin｜>",  # noqa: RUF001
            "<｜fim▁hole｜>",  # noqa: RUF001
            "<｜fim▁end｜>",  # noqa: RUF001
        ),
    ),
    Template(
        "codestral",
        r"codestral",
        "[SUFFIX]{suffix}[PREFIX]{prefix}",
        ("</s>", "[PREFIX]", "[SUFFIX]", "[MIDDLE]"),
    ),
    Template(
        "mellum",
        r"mellum",
        "<filename>{name}\n<fim_suffix>{suffix}<fim_prefix>{prefix}<fim_middle>",
        (
            "<|endoftext|>",
            "<filename>",
            "<fim_suffix>",
            "<fim_prefix>",
            "<fim_middle>",
        ),
    ),
    Template(
        "seed-coder",
        r"seed-?coder",
        "<[fim-suffix]>{suffix}<[fim-prefix]>{prefix}<[fim-middle]>",
        (
            "<[end▁of▁sentence]>",
            "<[fim-suffix]>",
            "<[fim-prefix]>",
            "<[fim-middle]>",
        ),
    ),
    Template(
        "santacoder",
        r"santacoder",
        "<fim-prefix>{prefix}<fim-suffix>{suffix}<fim-middle>",
        ("<|endoftext|>", "<fim-prefix>", "<fim-suffix>", "<fim-middle>"),
    ),
    Template(
        "refact",
        r"refact",
        "<fim_suffix>{suffix}<fim_prefix>{prefix}<fim_middle>",
        ("<|endoftext|>", "<fim_suffix>", "<fim_prefix>", "<fim_middle>"),
    ),
    Template(
        "codegeex",
        r"codegeex",
        "<|user|>\n###PATH:{name}\n###LANGUAGE:{language}\n###MODE:LINE\n"
        "<|code_suffix|>{suffix}<|code_prefix|>{prefix}<|code_middle|><|assistant|>\n",
        (
            "<|endoftext|>",
            "<|user|>",
            "<|code_prefix|>",
            "<|code_suffix|>",
            "<|code_middle|>",
            "<|assistant|>",
        ),
    ),
    Template(
        "glm",
        r"glm-?4",
        "<|code_prefix|>{prefix}<|code_suffix|>{suffix}<|code_middle|>",
        (
            "<|endoftext|>",
            "<|code_prefix|>",
            "<|code_suffix|>",
            "<|code_middle|>",
        ),
    ),
)

# Code in the vocabularies of today has 3 to 4; fewer is the safe side of a budget.
CHARS_PER_TOKEN = 3.3
_FENCE_END = "\n```"
_CHAT_TAGS = ("<fill>", "</fill>", "<after>", "</after>", "<before>", "</before>")
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


def template_for(model_name: str, setting: str) -> Template | None:
    """The family of a model: by the setting, or by its name where that says `auto`."""
    if setting == "auto":
        name = model_name.lower()
        return next((t for t in TEMPLATES if re.search(t.names, name)), None)
    return next((t for t in TEMPLATES if t.family == setting), None)


def tells_suffix(settings: Settings) -> bool:
    """Whether the model will be told the text after the cursor."""
    return (
        settings.speaks_chat
        or settings.endpoint.template == "suffix"
        or template_for(settings.model_name, settings.endpoint.template) is not None
    )


def build(
    snapshot: Snapshot,
    snippets: Sequence[Snippet],
    shape: Shape,
    temperature: float = 0.0,
) -> Prompt:
    """The prompt for the text around the cursor, in the form the model was trained on.

    Text before a marker of that form, which the model would take for structure, is
    left out on the far side of it.
    """
    settings = snapshot.settings
    prefix, suffix = _with_newlines(snapshot, snippets)
    max_tokens = (
        settings.completion.max_tokens_line
        if shape is Shape.LINE
        else settings.completion.max_tokens_block
    )
    template = template_for(settings.model_name, settings.endpoint.template)
    if settings.speaks_chat:
        prompt = _chat(snapshot, prefix, suffix, max_tokens)
    elif settings.endpoint.template == "suffix":
        prompt = Prompt(max_tokens, text=prefix, suffix=suffix)
    elif template is not None:
        prompt = _in_markers(snapshot, template, prefix, suffix, max_tokens)
    else:
        prompt = _plain(snapshot, prefix, max_tokens)
    return replace(prompt, temperature=temperature, cache_key=snapshot.uri)


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
    return text if anchor.line_end == "\n" else text.replace("\n", anchor.line_end)


def _in_markers(
    snapshot: Snapshot, template: Template, prefix: str, suffix: str, max_tokens: int
) -> Prompt:
    return Prompt(
        max_tokens,
        text=template.form.format(
            prefix=_after_reserved(prefix, template.reserved),
            suffix=_before_reserved(suffix, template.reserved),
            name=_after_reserved(_file_name(snapshot), template.reserved),
            language=_after_reserved(snapshot.language_id, template.reserved),
        ),
        stop=template.stop[:4],
        leaks=template.reserved,
    )


def _plain(snapshot: Snapshot, prefix: str, max_tokens: int) -> Prompt:
    # NB: In most vocabularies a word's token begins with its space, so that after a
    # space by itself hardly a word can follow: `return ` goes on with a number.
    blank = _blank_at_end(snapshot.anchor.line_prefix)
    return Prompt(max_tokens, text=prefix[: len(prefix) - len(blank)], blank=blank)


def _chat(snapshot: Snapshot, prefix: str, suffix: str, max_tokens: int) -> Prompt:
    name = _after_reserved(_file_name(snapshot), _CHAT_TAGS)
    prefix = _after_reserved(prefix, _CHAT_TAGS)
    suffix = _before_reserved(suffix, _CHAT_TAGS)
    # What changes with every key comes last, so that the rest is served from a cache.
    content = (
        f"{name} ({snapshot.language_id})\n"
        f"<after>{suffix}</after>\n<before>{prefix}</before>"
    )
    return Prompt(
        max_tokens,
        messages=(Message("system", CHAT_SYSTEM), Message("user", content)),
        stop=("</fill>",),
        leaks=_CHAT_TAGS,
        opening="<fill>",
    )


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


def _with_newlines(snapshot: Snapshot, snippets: Sequence[Snippet]) -> tuple[str, str]:
    """The text before and after, with the line ends models have seen most.

    Snippets stand first: they change less often than the text at the cursor.
    """
    before = "".join(snippet.text for snippet in snippets) + snapshot.prefix
    return _with_newline_ends(before), _with_newline_ends(snapshot.suffix)


def _with_newline_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _after_reserved(text: str, reserved: tuple[str, ...]) -> str:
    starts = ((text.rfind(marker), marker) for marker in reserved)
    return text[max((at + len(m) for at, m in starts if at >= 0), default=0) :]


def _before_reserved(text: str, reserved: tuple[str, ...]) -> str:
    found = (text.find(marker) for marker in reserved)
    return text[: min((at for at in found if at >= 0), default=len(text))]
