// One connection with one server process.

import {
  env,
  type InlineCompletionItemProvider,
  LogLevel,
  type LogOutputChannel,
  type Position,
  type TextDocument,
  workspace,
} from "vscode";
import {
  CloseAction,
  ErrorAction,
  InlineCompletionRequest,
  LanguageClient,
  type LanguageClientOptions,
  RevealOutputChannelOn,
  type StaticFeature,
  TransportKind,
} from "vscode-languageclient/node";
import { DOCUMENTS } from "./documents.ts";
import { explicitSettings } from "./settings.ts";
import { parseStatus, type Status } from "./status.ts";

export interface ClientOptions {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Where the server runs. */
  readonly cwd: string;
  readonly settingKeys: readonly string[];
  readonly log: LogOutputChannel;
  readonly onStatus: (status: Status) => void;
  /** Called once, when the process is gone and nobody has stopped it. */
  readonly onLost: () => void;
  readonly onAnswered: (
    document: TextDocument,
    version: number,
    position: Position,
  ) => void;
  readonly onExtended: (
    document: TextDocument,
    version: number,
    provider: InlineCompletionItemProvider,
  ) => void;
}

/** A language client that shows no message of its own: what matters is in the status. */
export class Client extends LanguageClient {
  constructor(options: ClientOptions) {
    const [command = "", ...args] = options.command;
    super(
      "foretype",
      "Foretype",
      {
        command,
        args,
        transport: TransportKind.stdio,
        options: { cwd: options.cwd, env: { ...process.env, ...options.environment } },
      },
      clientOptions(options),
    );
    this.registerFeature(asVsCode);
    this.onNotification("didChangeStatus", (params: unknown) => {
      const status = parseStatus(params);
      if (status !== undefined) {
        options.onStatus(status);
      }
    });
    this.onNotification(
      "foretype/didExtend",
      ({ uri, version }: { uri: string; version: number }) => {
        const document = workspace.textDocuments.find((d) => this.uri(d) === uri);
        const feature = this.getFeature(InlineCompletionRequest.method);
        const provider = document && feature?.getProvider(document);
        if (document && provider) {
          options.onExtended(document, version, provider);
        }
      },
    );
  }

  /** A document's URI as the server knows it. */
  uri(document: TextDocument): string {
    return this.code2ProtocolConverter.asUri(document.uri);
  }

  /** Says why there is nothing at the cursor of a document, or what is. */
  async explain(document: TextDocument): Promise<string> {
    const params = { textDocument: { uri: this.uri(document) } };
    const { message } = await this.sendRequest<{ message: string }>(
      "foretype/explain",
      params,
    );
    return message;
  }

  /** Tells which document a person has turned to. */
  async focused(document: TextDocument): Promise<void> {
    await this.sendNotification("textDocument/didFocus", {
      textDocument: { uri: this.uri(document) },
    });
  }

  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

function clientOptions(options: ClientOptions): LanguageClientOptions {
  return {
    documentSelector: DOCUMENTS,
    outputChannel: options.log,
    traceOutputChannel: untraced(options.log),
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationFailedHandler: () => false,
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => {
        options.onLost();
        return {
          action: CloseAction.DoNotRestart,
          handled: true,
          message: "The server has ended.",
        };
      },
    },
    middleware: {
      workspace: {
        configuration: ({ items }) => {
          const settings = workspace.getConfiguration("foretype");
          const explicit = explicitSettings(options.settingKeys, (key) =>
            settings.inspect(key),
          );
          return items.map(({ section }) => (section === "foretype" ? explicit : null));
        },
      },
      provideInlineCompletionItems: async (
        document,
        position,
        context,
        token,
        next,
      ) => {
        const { version } = document;
        const result = await next(document, position, context, token);
        const items = Array.isArray(result) ? result : (result?.items ?? []);
        if (items.length > 0 && !token.isCancellationRequested) {
          options.onAnswered(document, version, position);
        }
        return result;
      },
    },
  };
}

/** What this client can do, and that it is VS Code under whatever name it is sold. */
const asVsCode: StaticFeature = {
  fillInitializeParams: (params) => {
    params.clientInfo = {
      ...params.clientInfo,
      name: /visual studio code/i.test(env.appName)
        ? env.appName
        : `${env.appName} (Visual Studio Code)`,
    };
  },
  fillClientCapabilities: (capabilities) => {
    capabilities.experimental = {
      ...capabilities.experimental,
      foretype: { didExtend: true },
    };
  },
  initialize: () => {},
  getState: () => ({ kind: "static" }),
  clear: () => {},
};

/** A channel that never asks for a trace, which would write the text of documents. */
function untraced(log: LogOutputChannel): LogOutputChannel {
  return new Proxy(log, {
    get: (target, name) => {
      switch (name) {
        case "logLevel":
          return LogLevel.Info;
        case "onDidChangeLogLevel":
          return () => ({ dispose: () => {} });
        default:
          return Reflect.get(target, name);
      }
    },
  });
}
