// Where a program is, on the disk of the machine that this runs on.

import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { homedir } from "node:os";
import * as path from "node:path";

export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly environment: NodeJS.ProcessEnv;
  readonly home: string;
  readonly isProgram: (file: string) => Promise<boolean>;
}

export const thisMachine: Machine = {
  platform: process.platform,
  environment: process.env,
  home: homedir(),
  isProgram: async (file) => {
    try {
      await access(file, constants.X_OK);
      return (await stat(file)).isFile();
    } catch {
      return false;
    }
  },
};

/** What the setting `foretype.server.command` comes to. */
export type Configured =
  | { readonly command: readonly string[] }
  | { readonly problem: string };

/** The command of the setting, or what is wrong with it; undefined where it is unset. */
export async function configured(
  value: unknown,
  machine = thisMachine,
): Promise<Configured | undefined> {
  if (value === undefined || value === null) {
    return undefined;
  }
  if (!Array.isArray(value) || !value.every((part) => typeof part === "string")) {
    return { problem: "must be a list of strings: a program and its arguments" };
  }
  const [program, ...args] = value as string[];
  if (program === undefined) {
    return undefined;
  }
  const { isAbsolute, join } = flavor(machine);
  const expanded = /^~[\\/]/.test(program)
    ? join(machine.home, program.slice(2))
    : program;
  if (!isAbsolute(expanded) && /[\\/]/.test(expanded)) {
    return { problem: `must begin with a full path or a name on PATH, not ${program}` };
  }
  const found = isAbsolute(expanded)
    ? (await machine.isProgram(expanded)) && expanded
    : await onPath(expanded, machine);
  return found
    ? { command: [found, ...args] }
    : { problem: `names ${program}, which is no program on this machine` };
}

/** The full path of a program that PATH or the user's own programs have. */
export async function onPath(
  name: string,
  machine = thisMachine,
): Promise<string | undefined> {
  const { delimiter, isAbsolute, join } = flavor(machine);
  const listed = (machine.environment.PATH ?? machine.environment.Path ?? "").split(
    delimiter,
  );
  // pipx and uv install into the last, which desktops often leave out of PATH.
  const folders = [...listed, join(machine.home, ".local", "bin")];
  // A folder that is not absolute would be looked for in whatever is open.
  const files = folders
    .filter((folder) => isAbsolute(folder))
    .flatMap((folder) =>
      executableNames(name, machine).map((file) => join(folder, file)),
    );
  return firstProgram(files, machine);
}

/** Foretype's command beside a Python interpreter, where it is installed there. */
export function besidePython(
  interpreter: string,
  machine = thisMachine,
): Promise<string | undefined> {
  const { dirname, join } = flavor(machine);
  const folder = dirname(interpreter);
  // On Windows only a virtual environment keeps both in one folder.
  const folders =
    machine.platform === "win32" ? [folder, join(folder, "Scripts")] : [folder];
  const files = folders.flatMap((found) =>
    executableNames("foretype", machine).map((file) => join(found, file)),
  );
  return firstProgram(files, machine);
}

/** The interpreter of a virtual environment. */
export function interpreterOf(environment: string, machine = thisMachine): string {
  const { join } = flavor(machine);
  return machine.platform === "win32"
    ? join(environment, "Scripts", "python.exe")
    : join(environment, "bin", "python");
}

/** Whether a file lies in one of some folders. */
export function isInside(
  file: string,
  folders: readonly string[],
  machine = thisMachine,
): boolean {
  const { isAbsolute, relative } = flavor(machine);
  return folders.some((folder) => {
    const way = relative(folder, file);
    return !isAbsolute(way) && way !== ".." && !/^\.\.[\\/]/.test(way);
  });
}

function flavor(machine: Machine): path.PlatformPath {
  return machine.platform === "win32" ? path.win32 : path.posix;
}

function executableNames(name: string, machine: Machine): string[] {
  return machine.platform === "win32" ? [`${name}.exe`] : [name];
}

async function firstProgram(
  files: readonly string[],
  machine: Machine,
): Promise<string | undefined> {
  for (const file of files) {
    if (await machine.isProgram(file)) {
      return file;
    }
  }
  return undefined;
}
