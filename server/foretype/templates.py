"""A table of model families: how each is told what stands around the cursor."""

from __future__ import annotations

import re
from dataclasses import dataclass

from foretype.endpoint_settings import SUFFIX_FIRST_WIRES
from foretype.settings import Settings


@dataclass(frozen=True, slots=True)
class Template:
    """How a model family is told what stands before and after the hole."""

    family: str
    names: str
    """A regular expression, searched in the model's name in lower case."""
    form: str
    """The prompt, with `{prefix}` and `{suffix}` in the order of its training.

    `{files}` is text from elsewhere, `{name}` the file's own name, `{language}` the
    editor's word for its language, `{mode}` is `LINE` or `BLOCK`.
    """
    stop: tuple[str, ...]
    """All strings that end an answer; the first four are sent."""
    file: str = ""
    """A text from elsewhere, with its `{name}` and `{text}`; a comment by default."""
    own: str = ""
    """What says, behind such texts, that the file at hand begins, with its `{name}`."""

    @property
    def reserved(self) -> tuple[str, ...]:
        """The markers: text that holds one of these would be read as structure."""
        return tuple(dict.fromkeys((*_MARKER.findall(self.form), *self.stop)))

    @property
    def is_suffix_first(self) -> bool:
        """Whether the text after the cursor comes before what changes with each key."""
        return self.form.find("{suffix}") < self.form.find("{prefix}")


_MARKER = re.compile(r"<[^<>\s{}]+>|\[[A-Z]+\]")

# Sources: each family's model card, or the repository it is published in. The first one
# whose `names` match is taken, so narrow names stand before wide ones.
TEMPLATES = (
    Template(
        "qwen",
        r"qwen.*coder|codeqwen",
        "{files}<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
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
        file="<|file_sep|>{name}\n{text}\n",
        own="<|file_sep|>{name}\n",
    ),
    Template(
        "codegemma",
        r"codegemma",
        "<|fim_prefix|>{files}{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
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
        "<|fim_prefix|>{files}{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
        (
            "<|end_of_text|>",
            "<|fim_prefix|>",
            "<|fim_suffix|>",
            "<|fim_middle|>",
        ),
    ),
    Template(
        "starcoder2",
        r"starcoder-?2",
        "{files}<fim_prefix>{prefix}<fim_suffix>{suffix}<fim_middle>",
        (
            "<|endoftext|>",
            "<file_sep>",
            "<fim_prefix>",
            "<fim_suffix>",
            "<fim_middle>",
            "<repo_name>",
        ),
        file="<file_sep>{name}\n{text}\n",
        own="<file_sep>{name}\n",
    ),
    Template(
        "starcoder",
        r"starcoder|stable-?code|granite.*code",
        "<fim_prefix>{files}{prefix}<fim_suffix>{suffix}<fim_middle>",
        (
            "<|endoftext|>",
            "<filename>",
            "<fim_prefix>",
            "<fim_suffix>",
            "<fim_middle>",
            "<reponame>",
            "<file_sep>",
        ),
    ),
    Template(
        "codellama",
        r"code-?llama",
        "<PRE> {files}{prefix} <SUF>{suffix} <MID>",
        ("<EOT>", "<PRE>", "<SUF>", "<MID>"),
    ),
    Template(
        "deepseek",
        r"deepseek-?coder",
        "<｜fim▁begin｜>{files}{prefix}<｜fim▁hole｜>{suffix}<｜fim▁end｜>",  # noqa: RUF001
        (
            "<｜end▁of▁sentence｜>",  # noqa: RUF001
            "<｜fim▁begin｜>",  # noqa: RUF001
            "<｜fim▁hole｜>",  # noqa: RUF001
            "<｜fim▁end｜>",  # noqa: RUF001
        ),
        file="#{name}\n{text}\n",
        own="#{name}\n",
    ),
    Template(
        "codestral",
        r"codestral",
        "[SUFFIX]{suffix}[PREFIX]{files}{prefix}",
        ("</s>", "[PREFIX]", "[SUFFIX]", "\n+++++ ", "[MIDDLE]"),
        file="+++++ {name}\n{text}\n\n",
        own="+++++ {name}\n",
    ),
    Template(
        "mellum",
        r"mellum",
        "{files}<filename>{name}\n<fim_suffix>{suffix}<fim_prefix>{prefix}<fim_middle>",
        (
            "<|endoftext|>",
            "<filename>",
            "<fim_suffix>",
            "<fim_prefix>",
            "<fim_middle>",
        ),
        file="<filename>{name}\n{text}\n",
    ),
    Template(
        "seed-coder",
        r"seed-?coder",
        "<[fim-suffix]>{suffix}<[fim-prefix]>{files}{prefix}<[fim-middle]>",
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
        "<fim-prefix>{files}{prefix}<fim-suffix>{suffix}<fim-middle>",
        ("<|endoftext|>", "<fim-prefix>", "<fim-suffix>", "<fim-middle>"),
    ),
    Template(
        "refact",
        r"refact",
        "<fim_suffix>{suffix}<fim_prefix>{files}{prefix}<fim_middle>",
        ("<|endoftext|>", "<fim_suffix>", "<fim_prefix>", "<fim_middle>"),
    ),
    Template(
        "codegeex",
        r"codegeex",
        "<|user|>\n{files}###PATH:{name}\n###LANGUAGE:{language}\n###MODE:{mode}\n"
        "<|code_suffix|>{suffix}<|code_prefix|>{prefix}<|code_middle|><|assistant|>\n",
        (
            "<|endoftext|>",
            "<|user|>",
            "<|code_prefix|>",
            "<|code_suffix|>",
            "<|code_middle|>",
            "<|assistant|>",
        ),
        file="###REFERENCE:\n###PATH:{name}\n{text}\n",
    ),
    Template(
        "aixcoder",
        r"aixcoder",
        "▁<AIX-SPAN-PRE>▁<AIX-SPAN-POST>{suffix}▁<AIX-SPAN-MIDDLE>"
        "# the file path is: {name}\n# the code file is written by {language}\n"
        "{files}{prefix}",
        (
            "</s>",
            "<AIX-SPAN-PRE>",
            "<AIX-SPAN-POST>",
            "<AIX-SPAN-MIDDLE>",
        ),
    ),
    Template(
        "glm",
        r"glm-?4",
        "<|code_prefix|>{files}{prefix}<|code_suffix|>{suffix}<|code_middle|>",
        (
            "<|endoftext|>",
            "<|code_prefix|>",
            "<|code_suffix|>",
            "<|code_middle|>",
        ),
    ),
)


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


def tells_suffix_first(settings: Settings) -> bool:
    """Whether the model is told the text after the cursor before that in front of it.

    Where the request has a field for it, it comes last in the prompts that are made,
    but for some wires.
    """
    if settings.speaks_chat or settings.wire in SUFFIX_FIRST_WIRES:
        return True
    template = template_for(settings.model_name, settings.endpoint.template)
    return template is not None and template.is_suffix_first
