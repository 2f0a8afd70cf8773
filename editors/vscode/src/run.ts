// Programs that are run to their end.

import { spawn } from "node:child_process";

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Never an opened folder, so that nothing in one is found before the real thing. */
  readonly cwd: string;
  readonly signal?: AbortSignal;
  readonly onLine?: (line: string) => void;
}

/** Runs a program without a shell; one that cannot be started has the code null. */
export function run(
  command: readonly string[],
  { cwd, signal, onLine }: RunOptions,
): Promise<Ran> {
  const [program = "", ...args] = command;
  return new Promise((resolve) => {
    let stdout = "";
    let stderr = "";
    let unfinished = "";
    const child = spawn(program, args, {
      cwd,
      windowsHide: true,
      stdio: ["ignore", "pipe", "pipe"],
      ...(signal && { signal }),
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      const lines = (unfinished + text).split(/\r?\n/);
      unfinished = lines.pop() ?? "";
      for (const line of lines) {
        onLine?.(line);
      }
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", (error) =>
      resolve({ code: null, stdout, stderr: stderr || error.message }),
    );
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}
