// Every command, in the order of the manifest.

import {
  commands,
  type Disposable,
  type ExtensionContext,
  type LogOutputChannel,
  type MessageItem,
  type TextDocument,
  window,
  workspace,
} from "vscode";
import { askForKey } from "./api_key.ts";
import type { Growth } from "./growth.ts";
import type { Server } from "./server.ts";
import type { StatsPanel } from "./stats_panel.ts";
import type { StatusBar } from "./status_bar.ts";
import { switchAll, switchFile, switchLanguage } from "./switches.ts";

const SHOW_LOG: MessageItem = { title: "Show Log" };
const CLOSE: MessageItem = { title: "Close", isCloseAffordance: true };

const SAMPLE = `\
def celsius_to_fahrenheit(celsius):
    return celsius * 9 / 5 + 32


def fahrenheit_to_celsius(fahrenheit):
    return `;

export interface Parts {
  readonly context: ExtensionContext;
  readonly server: Server;
  readonly statusBar: StatusBar;
  readonly statsPanel: StatsPanel;
  readonly growth: Growth;
  readonly log: LogOutputChannel;
}

export function registerCommands(parts: Parts): Disposable[] {
  const { context, server, statusBar, statsPanel, growth, log } = parts;
  const handlers: Record<string, () => unknown> = {
    showMenu: () => statusBar.showMenu(),
    enable: () => switchAll(true),
    disable: () => switchAll(false),
    enableForLanguage: () => withDocument((document) => switchLanguage(document, true)),
    disableForLanguage: () =>
      withDocument((document) => switchLanguage(document, false)),
    enableForFile: () => withDocument((document) => switchFile(document, true)),
    disableForFile: () => withDocument((document) => switchFile(document, false)),
    trigger: () => inlineSuggest("trigger"),
    next: () => inlineSuggest("showNext"),
    previous: () => inlineSuggest("showPrevious"),
    acceptWord: () => inlineSuggest("acceptNextWord"),
    acceptLine: () => inlineSuggest("acceptNextLine"),
    dismiss: () => growth.dismiss(),
    whyNothing: () => whyNothing(server, log),
    showStatistics: () => showStatistics(server, statsPanel),
    restartServer: () => server.restart(),
    showLog: () => log.show(),
    setApiKey: () => askForKey(context.secrets),
    installServer: () => server.install(),
    openSettings: () =>
      commands.executeCommand(
        "workbench.action.openSettings",
        `@ext:${context.extension.id}`,
      ),
    openSample: () => openSample(),
  };
  return Object.entries(handlers).map(([name, handler]) =>
    commands.registerCommand(`foretype.${name}`, handler),
  );
}

function inlineSuggest(action: string): Thenable<unknown> {
  return commands.executeCommand(`editor.action.inlineSuggest.${action}`);
}

async function withDocument(
  act: (document: TextDocument) => Promise<void>,
): Promise<void> {
  const document = window.activeTextEditor?.document;
  if (document === undefined) {
    void window.showInformationMessage("Foretype: open a file first.");
    return;
  }
  await act(document);
}

function whyNothing(server: Server, log: LogOutputChannel): Promise<void> {
  return withDocument(async (document) => {
    const { client } = server;
    const said = client
      ? await client.explain(document)
      : "Nothing is shown, because the server does not run.";
    const [outcome = "", ...more] = said.split("\n");
    const choice = await window.showInformationMessage(
      outcome,
      { modal: true, detail: more.join("\n") },
      CLOSE,
      SHOW_LOG,
    );
    if (choice === SHOW_LOG) {
      log.show();
    }
  });
}

async function showStatistics(server: Server, panel: StatsPanel): Promise<void> {
  if (server.command === undefined) {
    void window.showInformationMessage(
      "Foretype: there is no server that could have counted.",
    );
    return;
  }
  await panel.show(server.command);
}

/** Opens something to try a suggestion on. */
async function openSample(): Promise<void> {
  const document = await workspace.openTextDocument({
    language: "python",
    content: SAMPLE,
  });
  await window.showTextDocument(document);
  await commands.executeCommand("cursorBottom");
  await inlineSuggest("trigger");
}
