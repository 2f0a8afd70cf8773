"""The wires by the names that `endpoint.wire` has for them."""

from __future__ import annotations

from foretype.chat import ChatWire
from foretype.completions import CompletionsWire
from foretype.fim import FimWire
from foretype.infill import InfillWire
from foretype.mistral_fim import MistralFimWire
from foretype.ollama import OllamaWire
from foretype.responses import ResponsesWire
from foretype.wire import Wire

WIRES: dict[str, type[Wire]] = {
    "completions": CompletionsWire,
    "chat": ChatWire,
    "responses": ResponsesWire,
    "fim": FimWire,
    "mistral-fim": MistralFimWire,
    "infill": InfillWire,
    "ollama": OllamaWire,
}
