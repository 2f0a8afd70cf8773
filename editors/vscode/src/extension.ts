// Puts the parts together when VS Code starts, and takes them apart when it ends.

import { mkdir } from "node:fs/promises";
import * as path from "node:path";
import { commands, type ExtensionContext, Uri, window, workspace } from "vscode";
import { onDidChangeKey } from "./api_key.ts";
import { registerCommands } from "./commands.ts";
import { Growth } from "./growth.ts";
import { OwnEnvironment } from "./own_environment.ts";
import { onDidChangeInterpreter } from "./python.ts";
import { Server } from "./server.ts";
import { StatsPanel } from "./stats_panel.ts";
import { StatusBar } from "./status_bar.ts";
import { setContexts } from "./switches.ts";

let running: Server | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
  const storage = context.globalStorageUri.fsPath;
  await mkdir(storage, { recursive: true });
  const log = window.createOutputChannel("Foretype", { log: true });
  const own = new OwnEnvironment(
    storage,
    context.asAbsolutePath(path.join("dist", "server")),
  );
  const growth = new Growth(context.extension.id);
  const server = new Server(context, own, growth, log);
  const statusBar = new StatusBar(server);
  const statsPanel = new StatsPanel(
    storage,
    Uri.joinPath(context.extensionUri, "media", "icon.png"),
  );
  running = server;

  const refresh = () => {
    statusBar.refresh();
    void setContexts(window.activeTextEditor?.document);
    const isRunning = server.life === "running";
    void commands.executeCommand("setContext", "foretype.isRunning", isRunning);
  };
  const restart = () => void server.restart();
  context.subscriptions.push(
    log,
    growth,
    server,
    statusBar,
    statsPanel,
    ...registerCommands({ context, server, statusBar, statsPanel, growth, log }),
    server.onDidChange(refresh),
    window.onDidChangeActiveTextEditor((editor) => {
      refresh();
      server.focused(editor?.document);
    }),
    workspace.onDidChangeConfiguration((change) => {
      if (
        change.affectsConfiguration("foretype.server.command") ||
        change.affectsConfiguration("foretype.endpoint.apiKeyEnv")
      ) {
        restart();
      }
      if (change.affectsConfiguration("foretype")) {
        server.settingsChanged();
        refresh();
      }
    }),
    workspace.onDidGrantWorkspaceTrust(() => server.lookAgain()),
    onDidChangeKey(context.secrets, restart),
  );
  refresh();
  await server.restart();
  const watched = await onDidChangeInterpreter(() => server.lookAgain());
  if (watched !== undefined) {
    context.subscriptions.push(watched);
  }
}

export async function deactivate(): Promise<void> {
  await running?.stop();
}
