// What a person does in a window of VS Code, and what is to be seen there.

import { readFile } from "node:fs/promises";
import * as path from "node:path";
import type { Locator, Page } from "playwright-core";
import { BUILD } from "./host.ts";
import { within } from "./wait.ts";

/** A part of the window, in pixels. */
export interface Clip {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export class Window {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Opens a file of the workspace, with the cursor at its end. */
  async open(name: string): Promise<void> {
    await this.press("Control+p");
    await this.choose(name);
    await this.page.locator(".tab.active", { hasText: path.basename(name) }).waitFor();
    await this.editor.locator(".view-line").first().waitFor();
    await this.#idle();
    await this.press("Control+End");
  }

  /** Opens a notebook, with the cursor in its first cell. */
  async openNotebook(name: string): Promise<void> {
    await this.press("Control+p");
    await this.choose(name);
    await this.page.locator(".notebook-editor .cell .view-lines").first().click();
  }

  /** Runs a command by its title. */
  async command(title: string): Promise<void> {
    await this.press("F1");
    await this.choose(title);
  }

  async type(text: string, delay = 30): Promise<void> {
    await this.page.keyboard.type(text, { delay });
  }

  async press(...keys: string[]): Promise<void> {
    for (const key of keys) {
      await this.page.keyboard.press(key);
    }
  }

  /** Saves the active file; returns what is in it then. */
  async save(file: string): Promise<string> {
    await this.press("Control+s");
    await this.page.locator(".tab.active:not(.dirty)").waitFor();
    return readFile(file, "utf8");
  }

  get editor(): Locator {
    return this.page.locator(".editor-group-container.active .monaco-editor").first();
  }

  /** The gray text as it is on the screen, lines and all; empty where there is none. */
  ghost(): Promise<string> {
    return this.page.evaluate(ghostOnScreen);
  }

  /** Notes every gray text that is drawn from now on; what it returns tells them. */
  async record(): Promise<() => Promise<string[]>> {
    const source = `(${recordFrames})(${ghostOnScreen})`;
    const recorder = await this.page.evaluateHandle<() => Promise<string[]>>(source);
    return () => recorder.evaluate((stop) => stop());
  }

  /** Returns once exactly this gray text is on the screen. */
  async shows(ghost: string): Promise<void> {
    let seen = "";
    const isShown = async () => {
      seen = await this.ghost();
      return seen === ghost;
    };
    await within(`the ghost text ${JSON.stringify(ghost)}`, isShown, () => seen);
  }

  /** The item in the status bar. */
  get statusItem(): Locator {
    return this.page.locator('[id="foretype.foretype.foretype.status"]');
  }

  async statusIs(expected: RegExp, deadlineMs?: number): Promise<void> {
    let seen: string | null = null;
    const isShown = async () => {
      seen = await this.statusItem.getAttribute("aria-label");
      return expected.test(seen ?? "");
    };
    await within(`the status ${expected}`, isShown, () => seen, deadlineMs);
  }

  /** The messages that are on the screen. */
  messages(): Promise<string[]> {
    return this.page
      .locator(".notifications-toasts .notification-list-item-message")
      .allInnerTexts();
  }

  message(text: string | RegExp): Locator {
    return this.page.locator(".notifications-toasts .notification-list-item", {
      hasText: text,
    });
  }

  get dialog(): Locator {
    return this.page.locator(".monaco-dialog-box");
  }

  get suggestMenu(): Locator {
    return this.page.locator(".suggest-widget.visible");
  }

  /** Keeps a picture of the window, or a part of it, among the artifacts. */
  async picture(name: string, clip?: Clip): Promise<void> {
    await this.page.screenshot({
      path: path.join(BUILD, "pictures", `${name}.png`),
      ...(clip && { clip }),
    });
  }

  /** Returns once the editor is whole: VS Code leaves parts of a new one until then. */
  async #idle(): Promise<void> {
    await this.page.evaluate(() => new Promise((idle) => requestIdleCallback(idle)));
  }

  /** Chooses an entry of the list that is open, by all of its label. */
  async choose(entry: string): Promise<void> {
    const input = this.page.locator(".quick-input-widget input");
    await input.waitFor();
    await this.page.keyboard.type(entry);
    const row = ".quick-input-list .monaco-list-row";
    const label = ".quick-input-list-label .label-name";
    let seen: string[] = [];
    const labels = async (of: string) => {
      const texts = await this.page.locator(`${of} ${label}`).allInnerTexts();
      return texts.map((text) => text.trim());
    };
    const isFocused = async () => {
      if ((await labels(`${row}.focused`)).includes(entry)) {
        return true;
      }
      seen = await labels(row);
      if (seen.includes(entry)) {
        await this.press("ArrowDown");
      }
      return false;
    };
    await within(`the entry ${entry}`, isFocused, () => seen);
    await this.press("Enter");
    // Another list or a question may be open then.
    const isGone = async () =>
      !(await input.isVisible()) || !(await labels(row)).includes(entry);
    await within(`the entry ${entry} is taken`, isGone);
  }
}

/** Runs in the page: the gray text of the editor at hand. */
export function ghostOnScreen(): string {
  const text = (selector: string) => {
    const editor = document.querySelector(".monaco-editor.focused");
    const found = editor?.querySelectorAll(selector) ?? [];
    return Array.from(found, (element) => element.textContent ?? "");
  };
  const inline = text('.view-lines [class*="ghost-text-decoration"]').join("");
  const below = text(".view-zones .suggest-preview-text .view-line");
  return [inline, ...below].join("\n").replaceAll("\u00a0", " ");
}

/** Runs in the page: reads at every frame that is drawn, until told to stop. */
function recordFrames(read: () => string): () => Promise<string[]> {
  const seen: string[] = [];
  let isOver = false;
  const look = () => {
    const now = read();
    if (now !== seen.at(-1)) {
      seen.push(now);
    }
    if (!isOver) {
      requestAnimationFrame(look);
    }
  };
  look();
  return () =>
    new Promise((resolve) => {
      requestAnimationFrame(() =>
        requestAnimationFrame(() => {
          isOver = true;
          resolve(seen);
        }),
      );
    });
}
