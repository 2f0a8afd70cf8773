import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "../../src/run.ts";

const cwd = process.cwd();

test("a program's output, by lines and as a whole", async () => {
  const lines: string[] = [];
  const script = "console.log('a\\nb'); console.error('c'); process.exit(3)";
  const ran = await run([process.execPath, "-e", script], {
    cwd,
    onLine: (line) => lines.push(line),
  });
  assert.deepEqual(ran, { code: 3, stdout: "a\nb\n", stderr: "c\n" });
  assert.deepEqual(lines, ["a", "b"]);
});

test("a program that is not there", async () => {
  const { code, stderr } = await run(["/no/such/program"], { cwd });
  assert.equal(code, null);
  assert.match(stderr, /ENOENT/);
});

test("a program that is ended early", async () => {
  const abort = new AbortController();
  const script = "console.log('here'); setInterval(() => {}, 1000)";
  const { code } = await run([process.execPath, "-e", script], {
    cwd,
    signal: abort.signal,
    onLine: () => abort.abort(),
  });
  assert.equal(code, null);
});
