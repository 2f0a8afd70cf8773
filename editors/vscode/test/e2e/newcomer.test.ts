// From nothing to a suggestion, in a profile that has only the extension.

import assert from "node:assert/strict";
import { access, readdir, readFile } from "node:fs/promises";
import * as path from "node:path";
import { after, afterEach, before, test } from "node:test";
import { Endpoint } from "./endpoint.ts";
import { Host } from "./host.ts";
import { within } from "./wait.ts";
import { Window } from "./window.ts";

const KEY = "sk-not-a-real-key-0123456789";
// pip gets some thirty packages over the network.
const INSTALL_DEADLINE_MS = 240_000;
const AREA = `\
import math


class Circle:
    def __init__(self, radius: float) -> None:
        self.radius = radius

    def area(self) -> float:
        `;

let endpoint: Endpoint;
let elsewhere: Endpoint;
let host: Host;
let vscode: Window;

before(async () => {
  endpoint = await Endpoint.start();
  elsewhere = await Endpoint.start();
  host = await Host.open("newcomer", {
    files: {
      "workspace/circle.py": AREA,
      // What a folder of somebody else's may try.
      "workspace/.vscode/settings.json": JSON.stringify({
        "foretype.server.command": ["/bin/false"],
        "foretype.endpoint.baseUrl": elsewhere.baseUrl,
        "foretype.endpoint.apiKeyEnv": "HOME",
        "foretype.completion.enabled": true,
      }),
      "workspace/foretype": "#!/bin/sh\nexit 1\n",
    },
    settings: {
      "foretype.endpoint.baseUrl": endpoint.baseUrl,
      "foretype.endpoint.model": "qwen2.5-coder",
      "foretype.endpoint.template": "suffix",
    },
  });
  vscode = new Window(host.page);
});

after(async () => {
  await host?.close();
  await endpoint?.stop();
  await elsewhere?.stop();
});

afterEach(async (context) => {
  if ("passed" in context && context.passed === false) {
    await vscode?.picture(`failed ${context.name}`);
  }
});

test("the server is offered, and installed only when that is agreed to", async () => {
  const offer = vscode.message("Install Foretype's server");
  await offer.waitFor();
  await vscode.statusIs(/not installed on this machine/);
  await vscode.picture("offer");
  const storage = host.file("data/User/globalStorage/foretype.foretype");
  await assert.rejects(access(path.join(storage, "venv")));

  await offer.getByRole("button", { name: "Install for an Endpoint" }).click();
  const progress = vscode.message(/Installing Foretype: (making|getting|installing)/);
  await progress.waitFor();
  await vscode.statusIs(/being installed/);
  const bar = ".notifications-toasts .monaco-progress-container.active";
  assert.equal(await vscode.page.locator(bar).count(), 1);
  await vscode.picture("installing");
  await vscode.statusIs(/ready|The server runs/, INSTALL_DEADLINE_MS);
  await vscode.message("Installing Foretype").waitFor({ state: "hidden" });
  assert.deepEqual(await vscode.messages(), []);
  const [pid] = await host.serverPids();
  assert.ok((await readFile(`/proc/${pid}/cmdline`, "utf8")).includes(storage));
});

test("the first suggestion", async () => {
  const answer = { steps: ["math.pi * self.radius**2\n"] };
  await endpoint.tell([{ after: "-> float:\n        return", answer }]);
  await vscode.open("circle.py");
  await vscode.type("return ");
  await vscode.shows("math.pi * self.radius**2");
  await vscode.picture("first suggestion");
  // The one in the README and in the walkthrough, as media/ghost-text.png.
  await vscode.picture("ghost-text", { x: 328, y: 36, width: 560, height: 240 });
});

test("an API key is kept in no file of settings, and goes to the endpoint only", async () => {
  await vscode.command("Foretype: Set API Key…");
  await vscode.page.locator(".quick-input-widget input[type=password]").waitFor();
  await vscode.type(KEY, 0);
  await vscode.picture("key");
  await vscode.press("Enter");
  const nAsked = endpoint.requests.length;
  await within("a request with the key", async () => {
    await vscode.type("x");
    return endpoint.requests
      .slice(nAsked)
      .some(({ authorization }) => authorization === `Bearer ${KEY}`);
  });
  assert.deepEqual(await filesWith(KEY, host.root), []);
});

test("what a folder sets redirects nothing", async () => {
  assert.ok(endpoint.requests.length > 0);
  assert.deepEqual(elsewhere.requests, []);
});

test("the walkthrough, and a sample to try", async () => {
  await vscode.command("Welcome: Open Walkthrough...");
  await vscode.choose("Get Started with Foretype");
  await vscode.page.getByText("From nothing to ghost text.").first().waitFor();
  // Nobody is asked to install what runs.
  const steps = vscode.page.locator(".getting-started-step .step-title");
  assert.equal(
    (await steps.allTextContents())[0],
    "Choose where completions come from",
  );
  await vscode.picture("walkthrough");

  const answer = { steps: ["(fahrenheit - 32) * 5 / 9\n"] };
  await endpoint.tell([{ after: "return", answer }]);
  await vscode.command("Foretype: Try It on a Sample");
  await vscode.shows("(fahrenheit - 32) * 5 / 9");
  await vscode.picture("sample");
});

/** The files under a folder that have a text in them. */
async function filesWith(text: string, folder: string): Promise<string[]> {
  const found = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile() && (await readFile(file)).includes(text)) {
      found.push(file);
    }
  }
  return found;
}
