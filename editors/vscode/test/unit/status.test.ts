import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseStatus, type Status, shown } from "../../src/status.ts";

const READY: Status = { kind: "Normal", message: "ready: qwen", busy: false };

describe("what the server says", () => {
  test("is read", () => {
    const params = { kind: "Normal", message: "ready: qwen", busy: false };
    assert.deepEqual(parseStatus(params), READY);
  });

  test("with the model and the latency, where it tells them", () => {
    const params = { ...READY, model: "qwen", p50Ms: 41.6 };
    assert.deepEqual(parseStatus(params), params);
  });

  for (const params of [
    undefined,
    null,
    {},
    { kind: "Odd", message: "x" },
    { kind: "Normal" },
  ]) {
    test(`is left where it is no status: ${JSON.stringify(params)}`, () => {
      assert.equal(parseStatus(params), undefined);
    });
  }

  test("without what is not as it should be", () => {
    const params = { ...READY, busy: "yes", model: 1, p50Ms: Number.NaN };
    assert.deepEqual(parseStatus(params), READY);
  });
});

describe("what the status bar shows", () => {
  const cases: [string, Parameters<typeof shown>, string, string][] = [
    ["the model", ["running", READY, undefined], "$(sparkle) qwen", "ready: qwen"],
    [
      "the latency",
      ["running", { ...READY, model: "qwen", p50Ms: 41.6 }, undefined],
      "$(sparkle) qwen · 42 ms",
      "ready: qwen",
    ],
    [
      "a long name, cut",
      ["running", { ...READY, model: "an-organization/a-model-of-32b" }, undefined],
      "$(sparkle) an-organization/a-model…",
      "ready: qwen",
    ],
    [
      "loading",
      ["running", { kind: "Normal", message: "loading: gemma", busy: true }, undefined],
      "$(loading~spin) Foretype: loading gemma",
      "loading: gemma",
    ],
    [
      "a warning, whose reason has colons",
      [
        "running",
        {
          kind: "Warning",
          message: "rate limited until 14:03:05: the endpoint says: wait",
          busy: false,
        },
        undefined,
      ],
      "$(warning) Foretype: rate limited until 14:03:05",
      "rate limited until 14:03:05: the endpoint says: wait",
    ],
    [
      "an error",
      [
        "running",
        { kind: "Error", message: "key refused: do this", busy: false },
        undefined,
      ],
      "$(error) Foretype: key refused",
      "key refused: do this",
    ],
    [
      "off, as the server says",
      [
        "running",
        { kind: "Inactive", message: "off for this file: too long", busy: false },
        undefined,
      ],
      "$(circle-slash) Foretype",
      "off for this file: too long",
    ],
    [
      "off, as the settings say, at once",
      ["running", READY, "the language python"],
      "$(circle-slash) Foretype",
      "Suggestions are off for the language python",
    ],
    [
      "off, as both say",
      [
        "running",
        { kind: "Inactive", message: "off for this file: too long", busy: false },
        "this file",
      ],
      "$(circle-slash) Foretype",
      "off for this file: too long",
    ],
    [
      "nothing said yet",
      ["running", undefined, undefined],
      "$(sparkle) Foretype",
      "The server runs",
    ],
    [
      "no server, whatever it said before",
      ["missing", READY, "all files"],
      "$(warning) Foretype: no server",
      "The server is not installed on this machine",
    ],
  ];
  for (const [name, given, text, detail] of cases) {
    test(name, () => {
      const { severity, ...said } = shown(...given);
      assert.deepEqual(said, { text, detail });
      assert.equal(severity !== "none", /\$\((warning|error)\)/.test(text));
    });
  }
});
