import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../../src/backoff.ts";

const MINUTE_MS = 60_000;

test("twice as long is waited after each crash, and then no more", () => {
  const backoff = new Backoff();
  const waits = [1, 2, 3, 4, 5, 6].map(() => backoff.crashed(100));
  assert.deepEqual(waits, [500, 1_000, 2_000, 4_000, 8_000, undefined]);
});

test("a server that ran for a minute was well", () => {
  const backoff = new Backoff();
  for (let crash = 0; crash < 4; crash += 1) {
    backoff.crashed(100);
  }
  assert.equal(backoff.crashed(MINUTE_MS), 500);
  assert.equal(backoff.crashed(100), 1_000);
});

test("a person who restarts it begins anew", () => {
  const backoff = new Backoff();
  backoff.crashed(100);
  backoff.reset();
  assert.equal(backoff.crashed(100), 500);
});
