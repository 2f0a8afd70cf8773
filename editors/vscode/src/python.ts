// The interpreter that the Python extension has chosen, where that is installed.

import { PVSC_EXTENSION_ID, PythonExtension } from "@vscode/python-extension";
import { type Disposable, extensions, workspace } from "vscode";
import { isInside } from "./locate.ts";

/**
 * The full path of the interpreter in use, or undefined where there is none to be had.
 *
 * What a folder says about interpreters counts only where the folder is trusted.
 */
export async function activeInterpreter(): Promise<string | undefined> {
  const { environments } = (workspace.isTrusted && (await api())) || {};
  if (environments === undefined) {
    return undefined;
  }
  const chosen = environments.getActiveEnvironmentPath(
    workspace.workspaceFolders?.[0]?.uri,
  );
  const resolved = await environments.resolveEnvironment(chosen);
  return resolved?.executable.uri?.fsPath;
}

/** Whether a program lies in a folder that is open, and so may be anybody's. */
export function isInOpenedFolder(program: string): boolean {
  const folders = (workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
  return isInside(program, folders);
}

/** Calls back whenever another interpreter is chosen. */
export async function onDidChangeInterpreter(
  listener: () => void,
): Promise<Disposable | undefined> {
  const python = await api();
  return python?.environments.onDidChangeActiveEnvironmentPath(listener);
}

async function api(): Promise<PythonExtension | undefined> {
  if (extensions.getExtension(PVSC_EXTENSION_ID) === undefined) {
    return undefined;
  }
  try {
    const python = await PythonExtension.api();
    await python.ready;
    return python;
  } catch {
    // It is broken or of another make; there are other places to look.
    return undefined;
  }
}
