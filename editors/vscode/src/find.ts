// Which server to start: the setting's, the Python extension's, PATH's, or our own.

import { workspace } from "vscode";
import { besidePython, configured, onPath } from "./locate.ts";
import type { OwnEnvironment } from "./own_environment.ts";
import { activeInterpreter, isInOpenedFolder } from "./python.ts";

export type Found =
  | { readonly kind: "found"; readonly command: readonly string[]; readonly of: string }
  /** The setting is wrong, which no other place makes up for. */
  | { readonly kind: "wrong"; readonly problem: string }
  /** The only one is in an opened folder, and nobody has agreed to that yet. */
  | { readonly kind: "unagreed"; readonly program: string }
  | { readonly kind: "missing" };

/** Looks in one place after the other. */
export async function findServer(
  own: OwnEnvironment,
  isAgreed: (program: string) => boolean,
): Promise<Found> {
  const setting = workspace.getConfiguration("foretype").inspect("server.command");
  const wanted = await configured(setting?.globalValue);
  if (wanted !== undefined) {
    return "problem" in wanted
      ? { kind: "wrong", problem: `foretype.server.command ${wanted.problem}` }
      : { kind: "found", command: wanted.command, of: "foretype.server.command" };
  }
  const ofPython = await inPythonEnvironment();
  if (ofPython !== undefined && (!isInOpenedFolder(ofPython) || isAgreed(ofPython))) {
    return { kind: "found", command: [ofPython], of: "the Python environment" };
  }
  const ofPath = await onPath("foretype");
  if (ofPath !== undefined) {
    return { kind: "found", command: [ofPath], of: "PATH" };
  }
  const ours = await own.program();
  if (ours !== undefined) {
    return { kind: "found", command: [ours], of: "the extension's own environment" };
  }
  return ofPython === undefined
    ? { kind: "missing" }
    : { kind: "unagreed", program: ofPython };
}

async function inPythonEnvironment(): Promise<string | undefined> {
  const interpreter = await activeInterpreter();
  return interpreter === undefined ? undefined : besidePython(interpreter);
}
