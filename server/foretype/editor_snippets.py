"""What a person puts into an editor's configuration to have it start the server."""

from __future__ import annotations

import json

_NEOVIM = """\
Neovim 0.12, in init.lua (docs/editors/neovim.md has the plugin for older ones):

  vim.lsp.config('foretype', {{ cmd = {{ {command} }} }})
  vim.lsp.enable('foretype')
  vim.lsp.inline_completion.enable()
  vim.keymap.set('i', '<Tab>', function()
    return vim.lsp.inline_completion.get() and '' or '<Tab>'
  end, {{ expr = true }})
"""
_VS_CODE = """\
VS Code, with the extension, in settings.json:

  "foretype.server.command": [{command}]
"""
_OTHER = """\
Any other editor that speaks LSP 3.18 starts, for all languages:

  {command} --stdio
"""


def all_of(command: str) -> str:
    """For Neovim, VS Code and others, with the command that starts the server."""
    # JSON's strings are Lua's as well.
    quoted = json.dumps(command)
    return "\n".join(
        (
            _NEOVIM.format(command=quoted),
            _VS_CODE.format(command=quoted),
            _OTHER.format(command=f'"{command}"' if " " in command else command),
        )
    ).rstrip()
