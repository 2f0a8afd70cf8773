import assert from "node:assert/strict";
import { test } from "node:test";
import { filePattern, stringList, withEntry, withoutEntry } from "../../src/lists.ts";

test("a path with the characters of patterns stands for itself", () => {
  assert.equal(filePattern("/a/[x]*?.py"), "/a/[[]x][*][?].py");
  assert.equal(filePattern("/a/b.py"), "/a/b.py");
});

test("an entry is in a list once", () => {
  assert.deepEqual(withEntry(["a"], "b"), ["a", "b"]);
  assert.deepEqual(withEntry(["a", "b"], "b"), ["a", "b"]);
});

test("and can be taken out", () => {
  assert.deepEqual(withoutEntry(["a", "b", "a"], "a"), ["b"]);
});

test("what ought to be a list of strings may be anything", () => {
  assert.deepEqual(stringList(["a", 1, null, "b"]), ["a", "b"]);
  assert.deepEqual(stringList("a"), []);
  assert.deepEqual(stringList(undefined), []);
});
