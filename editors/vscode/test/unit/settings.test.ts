import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { explicitSettings, type Inspected, serverKeys } from "../../src/settings.ts";

const MANIFEST = new URL("../../package.json", import.meta.url);

function sent(inspected: Record<string, Inspected>) {
  return explicitSettings(Object.keys(inspected), (key) => inspected[key]);
}

test("the keys are those of the manifest, without the extension's own", () => {
  const keys = serverKeys(JSON.parse(readFileSync(MANIFEST, "utf8")));
  assert.ok(keys.includes("endpoint.baseUrl"));
  assert.ok(keys.includes("completion.enabled"));
  assert.ok(!keys.some((key) => key.startsWith("server.")));
});

test("what nobody has set is left to config.toml", () => {
  assert.deepEqual(sent({ "endpoint.model": {}, "stats.enabled": {} }), {});
});

test("what a person has set is sent by its section", () => {
  const settings = sent({
    "endpoint.model": { globalValue: "m" },
    "endpoint.wire": { globalValue: "chat" },
    "completion.debounceMs": { globalValue: 0 },
  });
  assert.deepEqual(settings, {
    endpoint: { model: "m", wire: "chat" },
    completion: { debounceMs: 0 },
  });
});

test("a folder redirects nothing, even if VS Code let it", () => {
  const settings = sent({
    "endpoint.baseUrl": { workspaceValue: "http://evil.example" },
    "completion.prefixChars": { globalValue: 500, workspaceFolderValue: 200_000 },
  });
  assert.deepEqual(settings, { completion: { prefixChars: 500 } });
});

test("a folder can switch suggestions off, but not on", () => {
  const key = "completion.enabled";
  const off = { completion: { enabled: false } };
  assert.deepEqual(sent({ [key]: { workspaceValue: false } }), off);
  assert.deepEqual(sent({ [key]: { globalValue: true, workspaceValue: false } }), off);
  assert.deepEqual(sent({ [key]: { workspaceFolderValue: false } }), off);
  assert.deepEqual(sent({ [key]: { workspaceValue: true } }), {});
  assert.deepEqual(sent({ [key]: { globalValue: false, workspaceValue: true } }), off);
});
