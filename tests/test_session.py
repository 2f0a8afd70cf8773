"""What a session makes of the settings of all its sources together."""

from __future__ import annotations

import asyncio

import pytest

from foretype.document import Document
from foretype.layers import Layer
from foretype.session import Session


def test_what_a_later_source_sets_is_not_missing() -> None:
    session = Session(
        [
            Layer("config.toml", {"endpoint": {"base_url": "http://h/v1"}}),
            Layer("the environment", {"FORETYPE_ENDPOINT_MODEL": "m"}, "environment"),
        ]
    )
    assert session.new_problems() == []
    assert session.settings.endpoint.model == "m"


def test_a_problem_is_returned_once() -> None:
    session = Session([Layer("config.toml", {"endpoint": {"modle": "m"}})], ["broken"])
    broken, unknown = session.new_problems()
    assert broken == "broken"
    assert "endpoint.modle" in unknown
    assert session.has_reported(unknown)
    session.configure(Layer("the editor", {"endpoint": {"baseUrl": 1}}, "json"))
    (wrong,) = session.new_problems()
    assert "endpoint.baseUrl" in wrong
    assert session.new_problems() == []


@pytest.mark.asyncio
async def test_no_model_is_made_before_the_settings_are_all_there() -> None:
    session = Session([])
    document = Document("file:///a.py", "python", 1, "a = 1\n")
    session.open(document)
    # An editor says so as soon as it has opened a document.
    session.focused(document.uri)
    running = asyncio.all_tasks() - {asyncio.current_task()}
    assert running == set()
    assert session.models.statuses.empty()
    await session.close()
