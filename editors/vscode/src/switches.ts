// What suggestions are switched off for, in VS Code's settings.

import {
  ConfigurationTarget,
  commands,
  type TextDocument,
  window,
  workspace,
} from "vscode";
import { filePattern, stringList, withEntry, withoutEntry } from "./lists.ts";
import { ENABLED, isOffInFolder } from "./settings.ts";

const LANGUAGES = "completion.disabledLanguages";
const FILES = "completion.disabledFiles";

/** What suggestions are off for, as far as VS Code's settings say; undefined if on. */
export function offFor(document: TextDocument | undefined): string | undefined {
  if (!isOn()) {
    return "all files";
  }
  if (document === undefined) {
    return undefined;
  }
  if (list(LANGUAGES).includes(document.languageId)) {
    return `the language ${document.languageId}`;
  }
  return list(FILES).includes(filePattern(document.uri.path)) ? "this file" : undefined;
}

/** Switches suggestions on or off everywhere. */
export async function switchAll(on: boolean): Promise<void> {
  await set(ENABLED, on);
  if (on && isOffInFolder(configuration().inspect(ENABLED))) {
    void window.showInformationMessage(
      "Foretype: this folder's settings keep suggestions off.",
    );
  }
}

/** Switches suggestions on or off for a document's language. */
export async function switchLanguage(document: TextDocument, on: boolean) {
  await setEntry(LANGUAGES, document.languageId, on);
}

/** Switches suggestions on or off for one file. */
export async function switchFile(document: TextDocument, on: boolean) {
  await setEntry(FILES, filePattern(document.uri.path), on);
}

/** Sets the contexts that decide which of the commands are offered. */
export async function setContexts(document: TextDocument | undefined): Promise<void> {
  const contexts = {
    "foretype.isOn": isOn(),
    "foretype.isOnForLanguage":
      document !== undefined && !list(LANGUAGES).includes(document.languageId),
    "foretype.isOnForFile":
      document !== undefined && !list(FILES).includes(filePattern(document.uri.path)),
  };
  for (const [name, value] of Object.entries(contexts)) {
    await commands.executeCommand("setContext", name, value);
  }
}

function isOn(): boolean {
  const enabled = configuration().inspect(ENABLED);
  return enabled?.globalValue !== false && !isOffInFolder(enabled);
}

function list(key: string): string[] {
  return stringList(configuration().inspect(key)?.globalValue);
}

async function setEntry(key: string, entry: string, on: boolean): Promise<void> {
  const entries = list(key);
  await set(key, on ? withoutEntry(entries, entry) : withEntry(entries, entry));
}

async function set(key: string, value: unknown): Promise<void> {
  await configuration().update(key, value, ConfigurationTarget.Global);
}

function configuration() {
  return workspace.getConfiguration("foretype");
}
