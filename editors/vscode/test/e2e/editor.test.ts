// Suggestions in a real VS Code: what is on the screen, and what is in the file.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { Endpoint } from "./endpoint.ts";
import { Host, REPOSITORY } from "./host.ts";
import { within } from "./wait.ts";
import { Window } from "./window.ts";

const FILES = {
  "one/add.py": "def add(a, b):\n    ",
  "one/greet.py": "def greet(name):\n    ",
  "one/shop.ts": "const prices = [1, 2, 3];\n",
  "one/notes.md": "# Notes\n\n",
  "one/words.py": "",
  "one/lines.py": "def lines(a):\n    if a",
  "one/ideas.py": "",
  "one/escape.py": "",
  "one/grow.py": "def grow(a):\n    for b in a",
  "one/dismiss.py": "def dismiss(a):\n    for b in a",
  "one/menu.ts": "const text = 'a';\n",
  "one/crash.py": "",
  "one/offline.py": "",
  "one/off.py": "",
  "one/.foretypeignore": "",
  "two/other.py": "",
  "two/private.txt": "",
  "two/.foretypeignore": "private.txt\n",
  "two/cells.ipynb": JSON.stringify({
    cells: [
      {
        cell_type: "code",
        execution_count: null,
        metadata: {},
        outputs: [],
        source: [],
      },
    ],
    metadata: { language_info: { name: "python" } },
    nbformat: 4,
    nbformat_minor: 5,
  }),
  "two/model.py": "NUMBER_0 = 0\nNUMBER_1 = 1\nNUMBER_2 = 2\nNUMBER_3 = 3\n",
};

const KEYS = {
  "foretype.trigger": "ctrl+alt+t",
  "foretype.next": "ctrl+alt+n",
  "foretype.previous": "ctrl+alt+p",
  "foretype.acceptWord": "ctrl+alt+w",
  "foretype.acceptLine": "ctrl+alt+l",
};

const SLOW_BLOCK = {
  steps: ["\n        first = b\n", { pause_ms: 1_000 }, "        second = b\n", "x"],
};

let endpoint: Endpoint;
let host: Host;
let vscode: Window;

before(async () => {
  endpoint = await Endpoint.start();
  host = await Host.open("editor", {
    folders: ["one", "two"],
    files: FILES,
    keys: KEYS,
    settings: {
      "foretype.server.command": [`${REPOSITORY}/.venv/bin/foretype`],
      "foretype.endpoint.baseUrl": endpoint.baseUrl,
      "foretype.endpoint.model": "fake",
      "foretype.endpoint.template": "suffix",
    },
  });
  vscode = new Window(host.page);
  await vscode.statusIs(/^Foretype: (ready|The server runs)/);
});

after(async () => {
  await host?.close();
  await endpoint?.stop();
});

afterEach(async (context) => {
  if ("passed" in context && context.passed === false) {
    await vscode?.picture(`failed ${context.name}`);
  }
});

describe("typing", () => {
  test("Python: shown, typed along, mismatched, and back", async () => {
    await endpoint.tell([{ after: "return", answer: { steps: ["a + b\n"] } }]);
    await vscode.open("add.py");
    await vscode.type("return ");
    await vscode.shows("a + b");
    await vscode.picture("python");

    const nAsked = endpoint.requests.length;
    for (const [key, rest] of [
      ["a", " + b"],
      [" ", "+ b"],
      ["+", " b"],
    ] as const) {
      await vscode.type(key);
      await vscode.shows(rest);
    }
    await vscode.type("*");
    await vscode.shows("");
    await vscode.press("Backspace");
    await vscode.shows(" b");
    await vscode.press("Backspace", "Backspace");
    await vscode.shows(" + b");
    // The mismatch, and what comes after the suggestion, are all it was asked for.
    const asked = endpoint.requests.slice(nAsked).map(({ prompt }) => prompt);
    assert.ok(
      asked.every((prompt) => /\+\*$|a \+ b$/.test(prompt)),
      JSON.stringify(asked),
    );

    await vscode.press("Tab");
    await vscode.shows("");
    const saved = await vscode.save(host.file("one/add.py"));
    assert.equal(saved, "def add(a, b):\n    return a + b");
  });

  test("brackets that VS Code closes are not doubled by Tab", async () => {
    const answer = { steps: ['f"hello {name}")\n'] };
    await endpoint.tell([{ after: "print(", answer }]);
    await vscode.open("greet.py");
    await vscode.type("print(");
    await vscode.shows('f"hello {name}"');
    await vscode.picture("brackets");
    await vscode.press("Tab");
    const saved = await vscode.save(host.file("one/greet.py"));
    assert.equal(saved, 'def greet(name):\n    print(f"hello {name}")');
  });

  test("TypeScript: several brackets at once", async () => {
    const answer = { steps: ["(sum, price) => sum + price, 0);\n"] };
    await endpoint.tell([{ after: "reduce(", answer }]);
    await vscode.open("shop.ts");
    await vscode.type("const total = prices.reduce(");
    // VS Code draws the text around the bracket that is there already.
    await vscode.shows("(sum, price => sum + price, 0);");
    await vscode.picture("typescript");
    await vscode.press("Tab");
    const saved = await vscode.save(host.file("one/shop.ts"));
    assert.equal(
      saved,
      "const prices = [1, 2, 3];\n" +
        "const total = prices.reduce((sum, price) => sum + price, 0);",
    );
  });

  test("Markdown", async () => {
    const answer = { steps: ["brown fox jumps over the lazy dog.\n"] };
    await endpoint.tell([{ after: "The quick", answer }]);
    await vscode.open("notes.md");
    await vscode.type("The quick ");
    await vscode.shows("brown fox jumps over the lazy dog.");
    await vscode.picture("markdown");
    await vscode.press("Tab");
    const saved = await vscode.save(host.file("one/notes.md"));
    assert.equal(saved, "# Notes\n\nThe quick brown fox jumps over the lazy dog.");
  });
});

describe("accepting", () => {
  test("a word at a time", async () => {
    const answer = { steps: ["one_two(three, four)\n"] };
    await endpoint.tell([{ after: "words =", answer }]);
    await vscode.open("words.py");
    await vscode.type("words = ");
    await vscode.shows("one_two(three, four)");
    await vscode.press("Control+ArrowRight");
    await vscode.shows("(three, four)");
    await vscode.press("Control+Alt+w");
    await vscode.shows("three, four)");
    await vscode.picture("word");
    await vscode.press("Tab");
    const saved = await vscode.save(host.file("one/words.py"));
    assert.equal(saved, "words = one_two(three, four)");
  });

  test("a line at a time", async () => {
    const answer = { steps: ["\n        b = a\n        return b\n"] };
    await endpoint.tell([{ after: "if a:", answer }]);
    await vscode.open("lines.py");
    await vscode.type(":");
    await vscode.shows("\n        b = a\n        return b");
    await vscode.picture("block");
    await vscode.press("Control+Alt+l");
    await vscode.shows("        b = a\n        return b");
    await vscode.press("Control+Alt+l");
    await vscode.shows("        return b");
    // Before so much indentation, Tab indents.
    await vscode.press("Control+Alt+l");
    const saved = await vscode.save(host.file("one/lines.py"));
    assert.equal(saved, "def lines(a):\n    if a:\n        b = a\n        return b");
  });
});

test("ideas can be gone through", async () => {
  await endpoint.tell([{ after: "idea =", answer: { steps: ["number_{n}\n"] } }]);
  await vscode.open("ideas.py");
  await vscode.type("idea = ");
  await within("a first idea", async () => /^number_\d+$/.test(await vscode.ghost()));
  const first = await vscode.ghost();
  await vscode.press("Control+Alt+t");
  await within("other ideas", () => endpoint.requests.length > 2);
  await vscode.shows(first);
  await vscode.press("Alt+]");
  const isAnother = async () => {
    const ghost = await vscode.ghost();
    return /^number_\d+$/.test(ghost) && ghost !== first;
  };
  await within("another idea", isAnother);
  const second = await vscode.ghost();
  await vscode.picture("second idea");
  await vscode.press("Control+Alt+p");
  await vscode.shows(first);
  await vscode.press("Control+Alt+n");
  await vscode.shows(second);
  await vscode.press("Tab");
  assert.equal(await vscode.save(host.file("one/ideas.py")), `idea = ${second}`);
});

describe("dismissing", () => {
  test("Escape hides it until the next key", async () => {
    await endpoint.tell([{ after: "gone =", answer: { steps: ["here + there\n"] } }]);
    await vscode.open("escape.py");
    await vscode.type("gone = ");
    await vscode.shows("here + there");
    await vscode.press("Escape");
    await vscode.shows("");
    assert.equal(await vscode.save(host.file("one/escape.py")), "gone = ");
    await vscode.type("h");
    await vscode.shows("ere + there");
  });

  test("a block grows on the screen while it is written, without a flicker", async () => {
    await endpoint.tell([{ after: "in a:", answer: SLOW_BLOCK }]);
    await vscode.open("grow.py");
    await vscode.type(":");
    await vscode.shows("\n        first = b");
    const seen = await vscode.record();
    await vscode.shows("\n        first = b\n        second = b");
    await vscode.picture("grown");
    assert.deepEqual(await seen(), [
      "\n        first = b",
      "\n        first = b\n        second = b",
    ]);
    await vscode.press("Tab");
    const saved = await vscode.save(host.file("one/grow.py"));
    assert.equal(
      saved,
      "def grow(a):\n    for b in a:\n        first = b\n        second = b",
    );
  });

  test("a block that was dismissed does not come back when there is more", async () => {
    await endpoint.tell([{ after: "in a:", answer: SLOW_BLOCK }]);
    const nEnded = endpoint.firstTextMs.size;
    await vscode.open("dismiss.py");
    await vscode.type(":");
    await vscode.shows("\n        first = b");
    await vscode.press("Escape");
    await vscode.shows("");
    const seen = await vscode.record();
    await within("all of the block", () => endpoint.firstTextMs.size > nEnded);
    await vscode.save(host.file("one/dismiss.py"));
    assert.deepEqual(await seen(), [""]);
  });
});

test("the suggest menu and a suggestion agree", async () => {
  await endpoint.tell([
    { after: "text.toUpperCase", answer: { steps: ["();\n"] } },
    { after: "text.toString", answer: { steps: ["(1);\n"] } },
  ]);
  await vscode.open("menu.ts");
  await vscode.type("text.to");
  const selected = vscode.suggestMenu.locator(".monaco-list-row.focused");
  await selected.waitFor();
  const isSelected = async () => {
    if (/toUpperCase/.test((await selected.textContent()) ?? "")) {
      return true;
    }
    await vscode.press("ArrowDown");
    return false;
  };
  await within("the entry toUpperCase", isSelected);
  // What is suggested goes on from the selected entry.
  await vscode.shows("UpperCase();");
  await vscode.picture("menu");
  await vscode.press("Tab");
  await vscode.suggestMenu.waitFor({ state: "hidden" });
  await vscode.shows("();");
  await vscode.press("Tab");
  const saved = await vscode.save(host.file("one/menu.ts"));
  assert.equal(saved, "const text = 'a';\ntext.toUpperCase();");
});

describe("when something breaks", () => {
  test("a server that is killed is started again, and again", async () => {
    await endpoint.tell([{ after: "alive =", answer: { steps: ["True\n"] } }]);
    await vscode.open("crash.py");
    for (const times of [1, 2]) {
      const [pid = 0, ...more] = await host.serverPids();
      assert.deepEqual(more, []);
      process.kill(pid, "SIGKILL");
      await vscode.statusIs(/has ended unexpectedly/);
      await vscode.picture(`killed ${times}`);
      await vscode.statusIs(/ready|The server runs/);
      assert.notDeepEqual(await host.serverPids(), [pid]);
    }
    await vscode.type("alive = ");
    await vscode.shows("True");
    assert.deepEqual(await vscode.messages(), []);
  });

  test("an endpoint that is down is a warning in the status bar, and no popup", async () => {
    const { port } = endpoint;
    await endpoint.stop();
    await vscode.open("offline.py");
    await vscode.type("number = 1 + 2 + 3\nother = 4\n");
    await vscode.statusIs(/^Foretype: offline: /);
    await vscode.picture("offline");
    await vscode.command("Foretype: Why Is There Nothing?");
    await vscode.dialog.getByText("the endpoint cannot be reached").waitFor();
    await vscode.picture("why nothing");
    await vscode.press("Escape");
    await vscode.dialog.waitFor({ state: "hidden" });
    assert.deepEqual(await vscode.messages(), []);

    endpoint = await Endpoint.start(port);
    await endpoint.tell([{ after: "back =", answer: { steps: ["True\n"] } }]);
    await vscode.type("back = ");
    await vscode.shows("True");
    await vscode.statusIs(/^Foretype: ready/);
  });

  test("a key that is refused is told once", async () => {
    await endpoint.tell([], { status: 401, body: "{}" });
    await vscode.type("\nrefused = one\nrefused = two\n");
    await vscode.statusIs(/^Foretype: key refused: /);
    await vscode.message("key").waitFor();
    await vscode.picture("key refused");
    assert.equal((await vscode.messages()).length, 1);
    await vscode.command("Notifications: Clear All Notifications");
    await endpoint.tell([{ after: "taken =", answer: { steps: ["True\n"] } }]);
    await vscode.type("taken = ");
    await vscode.shows("True");
    assert.deepEqual(await vscode.messages(), []);
  });
});

describe("switching off", () => {
  async function whyNothing(): Promise<string> {
    await vscode.command("Foretype: Why Is There Nothing?");
    await vscode.dialog.waitFor();
    const said = (await vscode.dialog.textContent()) ?? "";
    await vscode.press("Escape");
    await vscode.dialog.waitFor({ state: "hidden" });
    return said;
  }

  const switches = [
    {
      off: "Disable for python",
      status: /off for the language python/,
      why: /completion.disabled_languages has this language/,
      on: "Foretype: Enable Suggestions for This Language",
    },
    {
      off: "Disable for This File",
      status: /off for this file/,
      why: /completion.disabled_files has a pattern for this file/,
      on: "Foretype: Enable Suggestions for This File",
    },
    {
      off: "Disable Suggestions",
      status: /off for all files/,
      why: /completion.enabled is false/,
      on: "Foretype: Enable Suggestions",
    },
  ];
  for (const [n, { off, status, why, on }] of switches.entries()) {
    test(`${off}, and on again`, async () => {
      await endpoint.tell([{ after: "on =", answer: { steps: ["True\n"] } }]);
      await vscode.open("off.py");
      await vscode.statusItem.click();
      await vscode.choose(off);
      await vscode.statusIs(status);
      await vscode.picture(`off ${n}`);
      await vscode.type("off ");
      await vscode.statusIs(why);
      assert.match(await whyNothing(), why);
      await vscode.command(on);
      await vscode.statusIs(/^Foretype: ready/);
      await vscode.type("\non = ");
      await vscode.shows("True");
      await vscode.press("Tab", "Enter");
    });
  }

  test("is kept in the user's settings", async () => {
    const settings = await host.settings("User");
    assert.deepEqual(settings["foretype.completion.disabledLanguages"], []);
    assert.deepEqual(settings["foretype.completion.disabledFiles"], []);
    assert.equal(settings["foretype.completion.enabled"], true);
  });
});

describe("where there is not just a file", () => {
  test("the second of two folders", async () => {
    await endpoint.tell([{ after: "second =", answer: { steps: ["folder\n"] } }]);
    await vscode.open("other.py");
    await vscode.type("second = ");
    await vscode.shows("folder");
    await vscode.picture("two folders");
    await vscode.press("Tab");
    assert.equal(await vscode.save(host.file("two/other.py")), "second = folder");
  });

  test("a file that its folder's .foretypeignore lists is not sent", async () => {
    await endpoint.tell([], { steps: ["leaked\n"] });
    await vscode.open("private.txt");
    await vscode.type("a secret ");
    await vscode.statusIs(/off for this file: .*\.foretypeignore/);
    await vscode.picture("ignored");
    const asked = endpoint.requests.filter(({ prompt }) => prompt.includes("secret"));
    assert.deepEqual(asked, []);
    await vscode.save(host.file("two/private.txt"));
    // It is about that file only.
    await vscode.open("other.py");
    await vscode.statusIs(/^Foretype: ready/);
  });

  test("a new file that is not on the disk", async () => {
    await endpoint.tell([{ after: "untitled", answer: { steps: ["and unnamed\n"] } }]);
    await vscode.command("File: New Untitled Text File");
    await vscode.type("untitled ");
    await vscode.shows("and unnamed");
    await vscode.press("Tab");
  });

  test("a cell of a notebook", async () => {
    await endpoint.tell([{ after: "cell =", answer: { steps: ["notebook\n"] } }]);
    await vscode.openNotebook("cells.ipynb");
    await vscode.type("cell = ");
    await vscode.shows("notebook");
    await vscode.picture("notebook");
    await vscode.press("Tab");
    const saved = JSON.parse(await vscode.save(host.file("two/cells.ipynb")));
    assert.deepEqual(saved.cells[0].source, ["cell = notebook"]);
  });
});

describe("what the server can tell", () => {
  test("a restart by hand, and statistics in a panel", async () => {
    const [pid] = await host.serverPids();
    await vscode.command("Foretype: Restart Server");
    await within("another process", async () => {
      const [now] = await host.serverPids();
      return now !== undefined && now !== pid;
    });
    await vscode.statusIs(/ready|The server runs/);
    await vscode.command("Foretype: Show Statistics");
    const panel = await within("the panel", async () => {
      for (const frame of vscode.page.frames()) {
        if ((await frame.title()) === "Foretype statistics") {
          return frame;
        }
      }
      return undefined;
    });
    await panel.getByRole("heading", { name: "Foretype statistics" }).waitFor();
    await vscode.picture("statistics");
    assert.match(await panel.content(), /default-src 'none'/);
  });

  test("the log, without a word of any document", async () => {
    await vscode.command("Foretype: Show Log");
    const output = vscode.page.locator(".part.panel .view-lines");
    await output.getByText("Server of foretype.server.command").first().waitFor();
    await vscode.picture("log");
    const log = await host.log();
    assert.match(log, /ready: fake/);
    assert.doesNotMatch(log, /hello|quick|secret|one_two/);
    // What was broken on purpose is told in a line each.
    assert.doesNotMatch(log, /^\s+at /m);
  });
});

test("the built-in model", async () => {
  await host.set({ "foretype.endpoint.provider": "local" });
  await vscode.statusIs(/loading: gemma/);
  await vscode.picture("loading");
  await vscode.statusIs(/ready: gemma/);
  await vscode.open("model.py");
  await vscode.type("NUMBER_4 = ");
  await vscode.shows("4");
  await vscode.picture("built-in model");
  await vscode.press("Tab");
  assert.match(await vscode.save(host.file("two/model.py")), /\nNUMBER_4 = 4$/);
});
