// A real VS Code: code-server with a fresh profile, and Chromium as its window.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import * as path from "node:path";
import { promisify } from "node:util";
import { type Browser, chromium, type Page } from "playwright-core";
import { DEADLINE_MS, within } from "./wait.ts";

const EXTENSION = path.resolve(import.meta.dirname, "../..");
export const REPOSITORY = path.resolve(EXTENSION, "../..");
export const BUILD = path.join(EXTENSION, "build");
const CODE_SERVER = path.join(
  BUILD,
  "code-server/node_modules/code-server/out/node/entry.js",
);
export const PYTHON = path.join(REPOSITORY, ".venv/bin/python");
const CHROMIUM_ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const exec = promisify(execFile);

export interface Profile {
  /** Settings of the machine, as settings.json has them. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Keys of the user, by the commands that they are for. */
  readonly keys?: Readonly<Record<string, string>>;
  /** Files of the workspace, by their names. */
  readonly files?: Readonly<Record<string, string>>;
  /** The folders that are open; one of the same name as the workspace by default. */
  readonly folders?: readonly string[];
}

/** One VS Code with a profile of its own, which is thrown away with it. */
export class Host {
  readonly root: string;
  readonly #server: ChildProcess;
  readonly #browser: Browser;
  readonly page: Page;
  readonly #url: string;

  private constructor(
    root: string,
    server: ChildProcess,
    browser: Browser,
    page: Page,
    url: string,
  ) {
    this.root = root;
    this.#server = server;
    this.#browser = browser;
    this.page = page;
    this.#url = url;
  }

  /** Installs the extension into a fresh profile and opens a window on a workspace. */
  static async open(name: string, profile: Profile = {}): Promise<Host> {
    const root = path.join(BUILD, "e2e", name);
    await rm(root, { recursive: true, force: true });
    const folders = profile.folders ?? ["workspace"];
    for (const folder of ["home", "data/User", "data/Machine", "ext", ...folders]) {
      await mkdir(path.join(root, folder), { recursive: true });
    }
    for (const [file, text] of Object.entries(profile.files ?? {})) {
      await mkdir(path.dirname(path.join(root, file)), { recursive: true });
      await writeFile(path.join(root, file), text);
    }
    const keys = Object.entries(profile.keys ?? {});
    const written = {
      "User/settings": QUIET,
      "User/keybindings": keys.map(([command, key]) => ({ command, key })),
      // code-server is a remote window, whose machine has settings of its own.
      "Machine/settings": profile.settings ?? {},
    };
    for (const [file, values] of Object.entries(written)) {
      await writeFile(path.join(root, `data/${file}.json`), JSON.stringify(values));
    }
    const environment = await environmentIn(root);
    const shared = [
      CODE_SERVER,
      `--user-data-dir=${root}/data`,
      `--extensions-dir=${root}/ext`,
    ];
    await exec(
      process.execPath,
      [...shared, "--install-extension", path.join(BUILD, "foretype.vsix")],
      { env: environment },
    );
    const query = await queryFor(root, folders);
    const port = await freePort();
    const server = spawn(
      process.execPath,
      [
        ...shared,
        "--auth=none",
        `--bind-addr=127.0.0.1:${port}`,
        "--disable-telemetry",
        "--disable-update-check",
        "--disable-workspace-trust",
      ],
      { env: environment, stdio: ["ignore", "pipe", "pipe"] },
    );
    const log = createWriteStream(path.join(root, "code-server.log"));
    server.stdout.pipe(log);
    server.stderr.pipe(log);
    const url = `http://127.0.0.1:${port}/?${query}`;
    await within("code-server answers", () => answers(url));
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: CHROMIUM_ARGUMENTS,
    });
    const context = await browser.newContext({
      viewport: { width: 1100, height: 700 },
      permissions: ["clipboard-read", "clipboard-write"],
    });
    context.setDefaultTimeout(DEADLINE_MS);
    const page = await context.newPage();
    const host = new Host(root, server, browser, page, url);
    await host.reload();
    return host;
  }

  /** Opens the window anew. */
  async reload(): Promise<void> {
    await this.page.goto(this.#url);
    await this.page.locator(".monaco-workbench .part.statusbar").waitFor();
  }

  /** The full path of a file of the profile or its workspace. */
  file(name: string): string {
    return path.join(this.root, name);
  }

  /** The settings of the user or the machine as they are now. */
  async settings(of: "User" | "Machine"): Promise<Record<string, unknown>> {
    return JSON.parse(await readFile(this.file(`data/${of}/settings.json`), "utf8"));
  }

  /** Changes some settings of the machine, which VS Code sees. */
  async set(changes: Readonly<Record<string, unknown>>): Promise<void> {
    const settings = { ...(await this.settings("Machine")), ...changes };
    await writeFile(this.file("data/Machine/settings.json"), JSON.stringify(settings));
  }

  /** What the extension's output channel has written to the disk. */
  async log(): Promise<string> {
    const logs = this.file("data/logs");
    const names = await readdir(logs, { recursive: true });
    const ours = names.filter((name) => path.basename(name) === "Foretype.log");
    const texts = ours.map((name) => readFile(path.join(logs, name), "utf8"));
    return (await Promise.all(texts)).join("");
  }

  /** The processes of the server that this window has started. */
  async serverPids(): Promise<number[]> {
    const home = `HOME=${this.file("home")}`;
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
    const found = [];
    for (const pid of pids) {
      const [command, environment] = await Promise.all(
        ["cmdline", "environ"].map(async (name) => {
          const read = await readFile(`/proc/${pid}/${name}`, "utf8").catch(() => "");
          return read.split("\0");
        }),
      );
      if (
        environment?.includes(home) &&
        command?.some((part) => part.endsWith("/foretype"))
      ) {
        found.push(Number(pid));
      }
    }
    return found;
  }

  async close(): Promise<void> {
    await this.#browser.close();
    const ended = new Promise((resolve) => this.#server.once("exit", resolve));
    this.#server.kill();
    await ended;
  }
}

/** What makes a window quiet, and its drawing steady. */
const QUIET = {
  "workbench.startupEditor": "none",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.tips.enabled": false,
  "chat.disableAIFeatures": true,
  "editor.cursorBlinking": "solid",
  "editor.minimap.enabled": false,
  "files.autoSave": "off",
  "telemetry.telemetryLevel": "off",
  "extensions.ignoreRecommendations": true,
  // The profile is inside of this repository.
  "git.enabled": false,
};

async function environmentIn(root: string): Promise<NodeJS.ProcessEnv> {
  // The Python that a user would have; not .venv's, where the server is on PATH.
  const print = [
    "-c",
    "import os, sys; print(os.path.dirname(os.path.realpath(sys.executable)))",
  ];
  const { stdout } = await exec(PYTHON, print);
  return {
    PATH: [stdout.trim(), "/usr/local/bin", "/usr/bin", "/bin"].join(":"),
    HOME: path.join(root, "home"),
    LANG: "C.UTF-8",
    EXTENSIONS_GALLERY: "{}",
    ...(process.env.PIP_INDEX_URL && { PIP_INDEX_URL: process.env.PIP_INDEX_URL }),
  };
}

/** What of an address opens one folder, or a workspace of several. */
async function queryFor(root: string, folders: readonly string[]): Promise<string> {
  const [only] = folders;
  if (folders.length === 1 && only !== undefined) {
    return `folder=${path.join(root, only)}`;
  }
  const file = path.join(root, "several.code-workspace");
  await writeFile(file, JSON.stringify({ folders: folders.map((p) => ({ path: p })) }));
  return `workspace=${file}`;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address
          ? resolve(address.port)
          : reject(new Error("no port")),
      );
    });
  });
}
