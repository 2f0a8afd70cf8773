// Measures how long it takes from a key to the gray text, in a real VS Code.
//
//     editors/vscode/test.sh latency
//
// It is read by a person; nothing is asserted, because a machine has its moods.

import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { Endpoint } from "./endpoint.ts";
import { Host, REPOSITORY } from "./host.ts";
import { within } from "./wait.ts";
import { ghostOnScreen, Window } from "./window.ts";

const N_KEYS = 60;
const ENDPOINT_DELAY_MS = 50;
// Between keys: the median of two programmers, so that each comes after the last answer.
const KEY_GAP_MS = 144;
const ALONG =
  "along = the_whole_of_this_text_is_suggested_and_typed_as_it_stands_here\n";

const endpoint = await Endpoint.start();
const host = await Host.open("latency", {
  files: { "workspace/asked.py": "", "workspace/along.py": "" },
  settings: {
    "foretype.server.command": [`${REPOSITORY}/.venv/bin/foretype`],
    "foretype.endpoint.baseUrl": endpoint.baseUrl,
    "foretype.endpoint.model": "fake",
    "foretype.endpoint.template": "suffix",
  },
});
try {
  const vscode = new Window(host.page);
  await vscode.statusIs(/ready|The server runs/);
  await vscode.page.evaluate(watch, String(ghostOnScreen));
  print("asked of the model, less the endpoint's own time", await asked(vscode));
  print("typed as suggested", await along(vscode));
  console.log(`load of the machine: ${loadavg()[0]?.toFixed(1)}`);
} finally {
  await host.close();
  await endpoint.stop();
}

/** Every key disagrees with what is shown, so that the model is asked for each. */
async function asked(vscode: Window): Promise<number[]> {
  const before = [{ pause_ms: ENDPOINT_DELAY_MS }];
  await endpoint.tell([], { before, steps: ["_{n}_of_the_answers\n"] });
  await vscode.open("asked.py");
  await vscode.type("number = ");
  const times = [];
  let last = 0;
  for (let key = 0; key < N_KEYS; key += 1) {
    const isAnother = (ghost: string) => {
      const n = Number(/^_(\d+)_of_the_answers$/.exec(ghost)?.[1]);
      return n > last;
    };
    const { ghost, ms } = await press(vscode, String(key % 10), isAnother);
    last = Number(/\d+/.exec(ghost)?.[0]);
    const delayMs = await within("the end of the answer", () =>
      endpoint.firstTextMs.get(last),
    );
    times.push(ms - delayMs);
  }
  return times;
}

/** Every key is the next of what is shown. */
async function along(vscode: Window): Promise<number[]> {
  await endpoint.tell([{ after: "along =", answer: { steps: [ALONG.slice(8)] } }]);
  await vscode.open("along.py");
  await vscode.type("along = ");
  await vscode.shows(ALONG.slice(8, -1));
  const times = [];
  for (let at = 8; at < 8 + N_KEYS; at += 1) {
    const rest = ALONG.slice(at + 1, -1);
    const { ms } = await press(vscode, ALONG.charAt(at), (ghost) => ghost === rest);
    times.push(ms);
  }
  return times;
}

/** Presses a key; returns the gray text wanted after it, and how long that took. */
async function press(
  vscode: Window,
  key: string,
  isWanted: (ghost: string) => boolean,
): Promise<{ ghost: string; ms: number }> {
  await sleep(KEY_GAP_MS);
  await vscode.page.evaluate(() => globalThis.watched.splice(0));
  await vscode.page.keyboard.press(key);
  return within(`gray text after ${key}`, async () => {
    const seen = await vscode.page.evaluate(() => ({
      pressedMs: globalThis.pressedMs,
      watched: globalThis.watched,
    }));
    const found = seen.watched.find(({ ghost }) => isWanted(ghost));
    return found && { ghost: found.ghost, ms: found.atMs - seen.pressedMs };
  });
}

declare global {
  var pressedMs: number;
  var watched: { ghost: string; atMs: number }[];
}

/** Runs in the page: notes when a key is pressed, and when the gray text is another. */
function watch(readSource: string): void {
  // biome-ignore lint/security/noGlobalEval: It is our own function, sent as its source.
  const read: () => string = globalThis.eval(`(${readSource})`);
  globalThis.watched = [];
  let last = "";
  const look = () => {
    const ghost = read();
    if (ghost !== last) {
      last = ghost;
      globalThis.watched.push({ ghost, atMs: performance.now() });
    }
  };
  document.addEventListener(
    "keydown",
    () => (globalThis.pressedMs = performance.now()),
    {
      capture: true,
    },
  );
  const options = { subtree: true, childList: true, characterData: true };
  new MutationObserver(look).observe(document.body, options);
}

function print(what: string, times: number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const share = (of: number) => sorted[Math.ceil(of * sorted.length) - 1]?.toFixed(0);
  console.log(
    `${what}: ${sorted.length} keys, p50 ${share(0.5)} ms, p90 ${share(0.9)} ms`,
  );
}
