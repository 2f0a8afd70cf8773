// The item in the status bar, and the menu behind it.

import {
  commands,
  type Disposable,
  type QuickPickItem,
  QuickPickItemKind,
  StatusBarAlignment,
  type StatusBarItem,
  ThemeColor,
  window,
} from "vscode";
import type { Server } from "./server.ts";
import { type Shown, shown } from "./status.ts";
import { offFor } from "./switches.ts";

const BACKGROUNDS: Record<Shown["severity"], ThemeColor | undefined> = {
  none: undefined,
  warning: new ThemeColor("statusBarItem.warningBackground"),
  error: new ThemeColor("statusBarItem.errorBackground"),
};

interface Entry extends QuickPickItem {
  readonly command?: string;
}

export class StatusBar implements Disposable {
  readonly #server: Server;
  readonly #item: StatusBarItem;

  constructor(server: Server) {
    this.#server = server;
    this.#item = window.createStatusBarItem(
      "foretype.status",
      StatusBarAlignment.Right,
      100,
    );
    this.#item.name = "Foretype";
    this.#item.command = "foretype.showMenu";
    this.refresh();
    this.#item.show();
  }

  /** Shows what there is to be told for the document at hand. */
  refresh(): void {
    const { text, detail, severity } = this.#shown();
    this.#item.text = text;
    this.#item.tooltip = `Foretype: ${detail}`;
    this.#item.backgroundColor = BACKGROUNDS[severity];
    this.#item.accessibilityInformation = { label: `Foretype: ${detail}` };
  }

  /** Shows the menu, and does what is chosen. */
  async showMenu(): Promise<void> {
    const chosen = await window.showQuickPick(this.#entries(), {
      title: "Foretype",
      placeHolder: this.#shown().detail,
    });
    // Or keys would go to the item in the status bar that was clicked.
    await commands.executeCommand("workbench.action.focusActiveEditorGroup");
    if (chosen?.command !== undefined) {
      await commands.executeCommand(chosen.command);
    }
  }

  dispose(): void {
    this.#item.dispose();
  }

  #shown(): Shown {
    const document = window.activeTextEditor?.document;
    const status = this.#server.statusFor(document);
    return shown(this.#server.life, status, offFor(document));
  }

  #entries(): Entry[] {
    const document = window.activeTextEditor?.document;
    const off = offFor(document);
    const entries: Entry[] = [];
    if (this.#server.life === "missing") {
      entries.push(
        entry("cloud-download", "Install Server…", "foretype.installServer"),
      );
    }
    entries.push(
      entry("question", "Why Is There Nothing?", "foretype.whyNothing"),
      entry("sparkle", "Suggest Here", "foretype.trigger"),
      separator("Switch"),
    );
    if (off === "all files") {
      entries.push(entry("check", "Enable Suggestions", "foretype.enable"));
    } else {
      entries.push(
        entry("circle-slash", "Disable Suggestions", "foretype.disable"),
        entry("bell-slash", "Snooze", "editor.action.inlineSuggest.snooze"),
      );
    }
    if (document !== undefined && off !== "all files") {
      const isFileOff = off === "this file";
      const isLanguageOff = off !== undefined && !isFileOff;
      entries.push(
        isLanguageOff
          ? entry(
              "check",
              `Enable for ${document.languageId}`,
              "foretype.enableForLanguage",
            )
          : entry(
              "circle-slash",
              `Disable for ${document.languageId}`,
              "foretype.disableForLanguage",
            ),
        isFileOff
          ? entry("check", "Enable for This File", "foretype.enableForFile")
          : entry("circle-slash", "Disable for This File", "foretype.disableForFile"),
      );
    }
    entries.push(
      separator("Server"),
      entry("graph", "Statistics", "foretype.showStatistics"),
      entry("key", "Set API Key…", "foretype.setApiKey"),
      entry("gear", "Settings", "foretype.openSettings"),
      entry("debug-restart", "Restart Server", "foretype.restartServer"),
      entry("output", "Show Log", "foretype.showLog"),
    );
    return entries;
  }
}

function entry(icon: string, title: string, command: string): Entry {
  return { label: `$(${icon}) ${title}`, command };
}

function separator(label: string): Entry {
  return { label, kind: QuickPickItemKind.Separator };
}
