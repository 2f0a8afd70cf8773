// The life of the server: found, started, started again, stopped.

import {
  type Disposable,
  EventEmitter,
  type ExtensionContext,
  type LogOutputChannel,
  languages,
  type TextDocument,
  window,
} from "vscode";
import { keyEnvironment } from "./api_key.ts";
import { Backoff } from "./backoff.ts";
import { Client } from "./client.ts";
import { DOCUMENTS } from "./documents.ts";
import { type Found, findServer } from "./find.ts";
import type { Growth } from "./growth.ts";
import { offerToInstall, offerToUpdate } from "./install.ts";
import type { OwnEnvironment } from "./own_environment.ts";
import { serverKeys } from "./settings.ts";
import type { Life, Status } from "./status.ts";

const AGREED = "foretype.agreedPrograms";

export class Server implements Disposable {
  readonly #context: ExtensionContext;
  readonly #own: OwnEnvironment;
  readonly #growth: Growth;
  readonly #log: LogOutputChannel;
  readonly #changed = new EventEmitter<void>();
  readonly #backoff = new Backoff();
  #client: Client | undefined;
  // What the server has said of its state, and of the document it was asked for last.
  #status: Status | undefined;
  #inactive: { status: Status; document: TextDocument | undefined } | undefined;
  #startedMs = 0;
  #again: NodeJS.Timeout | undefined;
  #running = Promise.resolve();
  #queued: Promise<void> | undefined;

  /** Fires when anything below has changed. */
  readonly onDidChange = this.#changed.event;
  life: Life = "looking";
  /** The command that the server was found by. */
  command: readonly string[] | undefined;

  constructor(
    context: ExtensionContext,
    own: OwnEnvironment,
    growth: Growth,
    log: LogOutputChannel,
  ) {
    this.#context = context;
    this.#own = own;
    this.#growth = growth;
    this.#log = log;
  }

  /** The client, while there is a server at its other end. */
  get client(): Client | undefined {
    return this.life === "running" ? this.#client : undefined;
  }

  /** What the server has said of its state, as far as it concerns a document. */
  statusFor(document: TextDocument | undefined): Status | undefined {
    return this.#inactive !== undefined && this.#inactive.document === document
      ? this.#inactive.status
      : this.#status;
  }

  /** Starts the server, anew if it runs; one such run at a time, and one queued. */
  restart(): Promise<void> {
    this.#backoff.reset();
    if (this.#queued === undefined) {
      this.#queued = this.#running.then(() => {
        this.#queued = undefined;
        this.#running = this.#replace();
        return this.#running;
      });
    }
    return this.#queued;
  }

  /** Takes note that what the server said of its own settings may not hold any more. */
  settingsChanged(): void {
    if (this.#inactive?.status.message.includes(": completion.")) {
      this.#inactive = undefined;
      this.#changed.fire();
    }
  }

  /** Looks whether another server is to be used now, and starts that one. */
  async lookAgain(): Promise<void> {
    const found = await this.#find();
    const command = found.kind === "found" ? found.command : undefined;
    if (command?.join("\n") !== this.command?.join("\n")) {
      await this.restart();
    }
  }

  /** Takes note of the document that a person has turned to. */
  focused(document: TextDocument | undefined): void {
    if (document && languages.match(DOCUMENTS, document) > 0) {
      void this.client?.focused(document);
    }
  }

  /** Ends the server, for good or for what comes next. */
  async stop(life: Life = "stopped"): Promise<void> {
    clearTimeout(this.#again);
    const client = this.#client;
    this.#client = undefined;
    this.#is(life);
    // NB: A client that has not come up, or whose server is gone, cannot be stopped.
    await client?.dispose().catch(() => {});
  }

  /** Asks whether to install a server, or to install it anew, and starts it. */
  async install(): Promise<void> {
    const isMissing = this.life === "missing";
    const isInstalled = await offerToInstall(this.#own, () => this.stop("installing"));
    if (isInstalled) {
      await this.restart();
    } else if (this.life === "installing") {
      // It was cancelled, or cannot be: all is as before.
      await (isMissing ? this.#is("missing") : this.restart());
    }
  }

  dispose(): void {
    this.#changed.dispose();
    clearTimeout(this.#again);
  }

  async #replace(): Promise<void> {
    await this.stop("looking");
    const found = await this.#find();
    switch (found.kind) {
      case "found":
        this.command = found.command;
        this.#log.info(`Server of ${found.of}: ${found.command.join(" ")}`);
        await this.#start(found.command);
        void this.#updateIfOutdated(found.command);
        break;
      case "wrong":
        this.command = undefined;
        this.#log.error(found.problem);
        this.#is("stopped");
        void window.showErrorMessage(`Foretype: ${found.problem}.`);
        break;
      case "unagreed":
        this.command = undefined;
        this.#is("missing");
        void this.#askToAgree(found.program);
        break;
      case "missing":
        this.command = undefined;
        this.#log.warn("No server was found.");
        this.#is("missing");
        void this.install();
        break;
    }
  }

  async #start(command: readonly string[]): Promise<void> {
    this.#status = undefined;
    this.#inactive = undefined;
    this.#is("starting");
    this.#startedMs = Date.now();
    const client = new Client({
      command,
      environment: await keyEnvironment(this.#context.secrets),
      cwd: this.#context.globalStorageUri.fsPath,
      settingKeys: serverKeys(this.#context.extension.packageJSON),
      log: this.#log,
      onStatus: (status) => this.#tells(client, status),
      onLost: () => this.#lost(client),
      onAnswered: (...answer) => this.#growth.answered(...answer),
      onExtended: (...extended) => void this.#growth.extended(...extended),
    });
    this.#client = client;
    try {
      await client.start();
    } catch (error) {
      this.#log.error(`The server did not start: ${error}`);
      this.#lost(client);
      return;
    }
    if (this.#client === client) {
      this.#is("running");
      this.focused(window.activeTextEditor?.document);
    }
  }

  #tells(client: Client, status: Status): void {
    if (this.#client === client) {
      if (status.kind === "Inactive") {
        this.#inactive = { status, document: window.activeTextEditor?.document };
      } else {
        this.#inactive = undefined;
        this.#status = status;
      }
      if (status.kind === "Normal" || status.kind === "Inactive") {
        // The others are what the server warns of.
        this.#log.info(status.message);
      }
      this.#changed.fire();
    }
  }

  /** Starts the server again in a while, unless it has crashed too often. */
  #lost(client: Client): void {
    if (this.#client !== client) {
      return;
    }
    this.#client = undefined;
    const waitMs = this.#backoff.crashed(Date.now() - this.#startedMs);
    const command = this.command;
    if (waitMs === undefined || command === undefined) {
      this.#is("stopped");
      void this.#giveUp();
      return;
    }
    this.#log.warn(`The server is started again in ${waitMs} ms.`);
    this.#is("crashed");
    this.#again = setTimeout(() => {
      this.#running = this.#running.then(() => this.#startAgain(command));
    }, waitMs);
  }

  async #startAgain(command: readonly string[]): Promise<void> {
    if (this.life === "crashed") {
      await this.#start(command);
    }
  }

  async #giveUp(): Promise<void> {
    this.#log.error("The server ends again and again; it is not started any more.");
    const choice = await window.showErrorMessage(
      "Foretype's server ends again and again, so it is not started any more.",
      "Restart",
      "Show Log",
    );
    if (choice === "Restart") {
      await this.restart();
    } else if (choice === "Show Log") {
      this.#log.show();
    }
  }

  async #askToAgree(program: string): Promise<void> {
    const choice = await window.showWarningMessage(
      `The only Foretype server found is inside of the opened folder: ${program}. ` +
        "It would be run, and be given your API key. Use it?",
      "Use It",
      "Install Another",
    );
    if (choice === "Use It") {
      await this.#context.globalState.update(AGREED, [...this.#agreed, program]);
      await this.restart();
    } else if (choice === "Install Another") {
      await this.install();
    }
  }

  async #updateIfOutdated(command: readonly string[]): Promise<void> {
    const isOurs = command[0] === (await this.#own.program());
    if (!isOurs || !(await this.#own.isOutdated())) {
      return;
    }
    const isUpdated = await offerToUpdate(this.#own, () => this.stop("installing"));
    if (isUpdated || this.life === "installing") {
      await this.restart();
    }
  }

  #find(): Promise<Found> {
    return findServer(this.#own, (program) => this.#agreed.includes(program));
  }

  get #agreed(): readonly string[] {
    return this.#context.globalState.get<string[]>(AGREED, []);
  }

  #is(life: Life): void {
    this.life = life;
    this.#changed.fire();
  }
}
