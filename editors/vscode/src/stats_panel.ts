// The page of statistics, in a panel.

import { mkdir, readFile, rm } from "node:fs/promises";
import * as path from "node:path";
import {
  type Disposable,
  type Uri,
  ViewColumn,
  type WebviewPanel,
  window,
} from "vscode";
import { themed } from "./page.ts";
import { run } from "./run.ts";

export class StatsPanel implements Disposable {
  readonly #storage: string;
  readonly #icon: Uri;
  #panel: WebviewPanel | undefined;

  constructor(storage: string, icon: Uri) {
    this.#storage = storage;
    this.#icon = icon;
  }

  /** Has the server's command make the page, and shows it as it is now. */
  async show(command: readonly string[]): Promise<void> {
    await mkdir(this.#storage, { recursive: true });
    const file = path.join(this.#storage, "stats.html");
    await rm(file, { force: true });
    const { code, stdout, stderr } = await run([...command, "stats", "--html", file], {
      cwd: this.#storage,
    });
    if (code !== 0) {
      void window.showErrorMessage(
        `Foretype: there is no page of statistics: ${stderr.trim()}`,
      );
      return;
    }
    const page = await readFile(file, "utf8").catch(() => undefined);
    if (page === undefined) {
      // Nothing is counted yet, or counting is off: the command has said which.
      void window.showInformationMessage(`Foretype: ${stdout.trim()}`);
      return;
    }
    this.#panel ??= this.#open();
    this.#panel.webview.html = themed(page);
    this.#panel.reveal();
  }

  dispose(): void {
    this.#panel?.dispose();
  }

  #open(): WebviewPanel {
    const panel = window.createWebviewPanel(
      "foretype.statistics",
      "Foretype Statistics",
      ViewColumn.Active,
      { enableScripts: false, localResourceRoots: [] },
    );
    panel.iconPath = this.#icon;
    panel.onDidDispose(() => {
      this.#panel = undefined;
    });
    return panel;
  }
}
