#!/usr/bin/env bash
# The tests of Neovim, Vim and Emacs, and the style of the plugin: installs what they need,
# and runs them in the virtual environment of the `test` extra.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=${PYTHON:-.venv/bin/python}

missing=()
command -v vim > /dev/null || missing+=(vim-nox)
command -v emacs > /dev/null || missing+=(emacs-nox)
[ -d /usr/share/emacs/site-lisp/elpa-src ] || missing+=(elpa-eglot elpa-lsp-mode)
command -v npm > /dev/null || missing+=(nodejs npm)
if [ ${#missing[@]} -gt 0 ]; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

# StyLua as WebAssembly: the package with its program downloads that when it is installed.
npm install --silent --no-save --ignore-scripts --prefix build/stylua @johnnymorganz/stylua@2.5.2
node tests/editors/stylua.mjs build/stylua editors/nvim

"$python" -m pytest --numprocesses=2 tests/nvim editors/vim editors/emacs "$@"
