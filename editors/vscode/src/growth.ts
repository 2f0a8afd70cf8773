// Asks again once there is more of the suggestion on the screen.

import {
  commands,
  type Disposable,
  type InlineCompletionItemProvider,
  languages,
  type Position,
  type TextDocument,
  window,
} from "vscode";
import { DOCUMENTS } from "./documents.ts";

/** While this context is set, Escape goes by `dismiss`. */
const MAY_GROW = "foretype.mayGrow";
/** Nothing grows so long after it was answered. */
const GROWN_AFTER_MS = 10_000;

interface Answer {
  readonly document: TextDocument;
  readonly version: number;
  readonly position: Position;
}

/** The suggestion that was answered last, until it is dismissed. */
export class Growth implements Disposable {
  readonly #extension: string;
  #answer: Answer | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `extension` is the identifier that VS Code knows its providers by. */
  constructor(extension: string) {
    this.#extension = extension;
  }

  /** Takes note of what may now be on the screen. */
  answered(document: TextDocument, version: number, position: Position): void {
    this.#answer = { document, version, position };
    if (this.#timer === undefined) {
      void commands.executeCommand("setContext", MAY_GROW, true);
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#settle(), GROWN_AFTER_MS);
  }

  /** Asks again for the same place, unless a person has left or dismissed it. */
  async extended(
    document: TextDocument,
    version: number,
    provider: InlineCompletionItemProvider,
  ): Promise<void> {
    const answer = this.#answer;
    const editor = window.activeTextEditor;
    if (
      answer?.document !== document ||
      answer.version !== version ||
      document.version !== version ||
      editor?.document !== document ||
      !editor.selection.isEmpty ||
      !editor.selection.active.isEqual(answer.position)
    ) {
      return;
    }
    // NB: At the same place of the same text VS Code asks nobody twice, and what a person
    // asks for by hand is shown behind what is there. So somebody else is asked.
    const other = languages.registerInlineCompletionItemProvider(DOCUMENTS, {
      provideInlineCompletionItems: (asked, ...about) =>
        asked === document && asked.version === version
          ? provider.provideInlineCompletionItems(asked, ...about)
          : undefined,
    });
    try {
      await commands.executeCommand("editor.action.inlineSuggest.trigger", {
        providerId: this.#extension,
        explicit: false,
      });
    } finally {
      other.dispose();
    }
  }

  /** Hides the suggestion as VS Code does, so that it does not come back. */
  async dismiss(): Promise<void> {
    this.#settle();
    await commands.executeCommand("editor.action.inlineSuggest.hide");
  }

  dispose(): void {
    this.#settle();
  }

  #settle(): void {
    this.#answer = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    void commands.executeCommand("setContext", MAY_GROW, false);
  }
}
