// The fake endpoint, as a process that is told what to answer.

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { PYTHON } from "./host.ts";
import { within } from "./wait.ts";

/** An answer in the form of tests/fake_endpoint.py. */
export interface Answer {
  readonly steps?: readonly (string | { readonly pause_ms: number })[];
  readonly before?: readonly { readonly pause_ms: number }[];
  readonly between_ms?: number;
  readonly status?: number;
  readonly body?: string;
}

export interface Rule {
  /** What the prompt ends with. */
  readonly after: string;
  readonly answer: Answer;
}

export interface Request {
  readonly request: number;
  readonly prompt: string;
  readonly authorization: string | null;
}

export class Endpoint {
  readonly #process: ChildProcess;
  readonly port: number;
  readonly requests: Request[] = [];
  /** How long the endpoint itself took until its first text, by the request. */
  readonly firstTextMs = new Map<number, number>();
  #nTold = 0;

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  static async start(port = 0): Promise<Endpoint> {
    const script = new URL("endpoint.py", import.meta.url).pathname;
    const child = spawn(PYTHON, [script, `--port=${port}`], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const lines = createInterface(child.stdout);
    const first = await new Promise<string>((resolve, reject) => {
      lines.once("line", resolve);
      child.once("exit", (code) => reject(new Error(`the endpoint ended: ${code}`)));
    });
    const endpoint = new Endpoint(child, JSON.parse(first).port);
    lines.on("line", (line) => endpoint.#said(JSON.parse(line)));
    return endpoint;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.port}/v1`;
  }

  /** Replaces what is answered: the first rule that fits, or the last argument. */
  async tell(rules: readonly Rule[], otherwise: Answer = {}): Promise<void> {
    const nTold = this.#nTold + 1;
    const told = JSON.stringify({ rules, default: otherwise });
    this.#process.stdin?.write(`${told}\n`);
    await within("the endpoint takes its script", () => this.#nTold >= nTold);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill();
    await ended;
  }

  #said(message: Record<string, unknown>): void {
    if (message.told === true) {
      this.#nTold += 1;
    } else if (typeof message.first_text_ms === "number") {
      this.firstTextMs.set(Number(message.ended), message.first_text_ms);
    } else {
      this.requests.push(message as unknown as Request);
    }
  }
}
