import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  besidePython,
  configured,
  interpreterOf,
  isInside,
  type Machine,
  onPath,
} from "../../src/locate.ts";

function linux(programs: string[], PATH = "/usr/bin"): Machine {
  return {
    platform: "linux",
    environment: { PATH },
    home: "/home/me",
    isProgram: async (file) => programs.includes(file),
  };
}

function windows(programs: string[], Path = "C:\\Windows"): Machine {
  return {
    platform: "win32",
    environment: { Path },
    home: "C:\\Users\\me",
    isProgram: async (file) => programs.includes(file),
  };
}

describe("PATH", () => {
  test("the first folder that has the program counts", async () => {
    const machine = linux(["/b/foretype", "/c/foretype"], "/a:/b:/c");
    assert.equal(await onPath("foretype", machine), "/b/foretype");
  });

  test("what is not a full path could be in the opened folder, and is left out", async () => {
    const machine = linux(["foretype", "./foretype", "bin/foretype"], ":.:bin:/a");
    assert.equal(await onPath("foretype", machine), undefined);
  });

  test("where pipx and uv install is looked at last", async () => {
    const machine = linux(["/home/me/.local/bin/foretype"]);
    assert.equal(await onPath("foretype", machine), "/home/me/.local/bin/foretype");
  });

  test("on Windows it is Path, and programs end in .exe", async () => {
    const machine = windows(["D:\\py\\foretype.exe"], "C:\\Windows;D:\\py");
    assert.equal(await onPath("foretype", machine), "D:\\py\\foretype.exe");
  });
});

describe("beside Python", () => {
  test("in the folder of the interpreter", async () => {
    const machine = linux(["/venv/bin/foretype"]);
    assert.equal(await besidePython("/venv/bin/python", machine), "/venv/bin/foretype");
    assert.equal(await besidePython("/usr/bin/python", machine), undefined);
  });

  test("on Windows also in Scripts", async () => {
    const machine = windows(["C:\\Python\\Scripts\\foretype.exe"]);
    const found = await besidePython("C:\\Python\\python.exe", machine);
    assert.equal(found, "C:\\Python\\Scripts\\foretype.exe");
  });

  test("where a virtual environment has its interpreter", () => {
    assert.equal(interpreterOf("/venv", linux([])), "/venv/bin/python");
    const found = interpreterOf("C:\\venv", windows([]));
    assert.equal(found, "C:\\venv\\Scripts\\python.exe");
  });
});

describe("foretype.server.command", () => {
  const machine = linux(["/opt/foretype", "/usr/bin/uvx", "/home/me/bin/foretype"]);
  const cases: [unknown, unknown][] = [
    [undefined, undefined],
    [null, undefined],
    [[], undefined],
    [["/opt/foretype"], { command: ["/opt/foretype"] }],
    [["uvx", "foretype"], { command: ["/usr/bin/uvx", "foretype"] }],
    [["~/bin/foretype"], { command: ["/home/me/bin/foretype"] }],
    [
      ["bin/foretype"],
      { problem: "must begin with a full path or a name on PATH, not bin/foretype" },
    ],
    [
      ["/opt/other"],
      { problem: "names /opt/other, which is no program on this machine" },
    ],
    ["foretype", { problem: "must be a list of strings: a program and its arguments" }],
    [[1], { problem: "must be a list of strings: a program and its arguments" }],
  ];
  for (const [value, expected] of cases) {
    test(JSON.stringify(value) ?? "unset", async () => {
      assert.deepEqual(await configured(value, machine), expected);
    });
  }
});

describe("inside of an opened folder", () => {
  const cases: [string, boolean][] = [
    ["/srv/app/.venv/bin/foretype", true],
    ["/srv/app", true],
    ["/srv/apple/bin/foretype", false],
    ["/srv/foretype", false],
    ["/srv/app/..hidden/foretype", true],
  ];
  for (const [file, expected] of cases) {
    test(file, () => {
      assert.equal(isInside(file, ["/srv/app"], linux([])), expected);
    });
  }

  test("on another drive", () => {
    assert.equal(isInside("D:\\app\\x.exe", ["C:\\app"], windows([])), false);
    assert.equal(isInside("c:\\App\\x.exe", ["C:\\app"], windows([])), true);
  });
});
