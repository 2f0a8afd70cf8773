// What the server says of its state, and how that reads in the status bar.

export type Kind = "Normal" | "Warning" | "Error" | "Inactive";

/** The server's `didChangeStatus`. */
export interface Status {
  readonly kind: Kind;
  /** The state, a colon, and why. */
  readonly message: string;
  readonly busy: boolean;
  readonly model?: string;
  /** How long half of the last answers took at most. */
  readonly p50Ms?: number;
}

/** What is going on with the server's process. */
export type Life =
  | "installing"
  | "looking"
  | "starting"
  | "running"
  | "crashed"
  | "stopped"
  | "missing";

/** What the status bar shows. */
export interface Shown {
  readonly text: string;
  readonly detail: string;
  readonly severity: "none" | "warning" | "error";
}

const KINDS: ReadonlySet<unknown> = new Set(["Normal", "Warning", "Error", "Inactive"]);
const MAX_MODEL_CHARS = 24;

const LIVES: Record<Exclude<Life, "running">, Shown> = {
  installing: {
    text: "$(loading~spin) Foretype: installing",
    detail: "The server is being installed",
    severity: "none",
  },
  looking: {
    text: "$(loading~spin) Foretype",
    detail: "Looking for the server",
    severity: "none",
  },
  starting: {
    text: "$(loading~spin) Foretype",
    detail: "The server is starting",
    severity: "none",
  },
  crashed: {
    text: "$(loading~spin) Foretype: restarting",
    detail: "The server has ended unexpectedly and is started again",
    severity: "warning",
  },
  stopped: {
    text: "$(error) Foretype: stopped",
    detail: "The server does not run; the log says why",
    severity: "error",
  },
  missing: {
    text: "$(warning) Foretype: no server",
    detail: "The server is not installed on this machine",
    severity: "warning",
  },
};

/** A notification's parameters as a status, or undefined where they are none. */
export function parseStatus(params: unknown): Status | undefined {
  const { kind, message, busy, model, p50Ms } = (params ?? {}) as Record<
    string,
    unknown
  >;
  if (!KINDS.has(kind) || typeof message !== "string") {
    return undefined;
  }
  return {
    kind: kind as Kind,
    message,
    busy: busy === true,
    ...(typeof model === "string" && model && { model }),
    ...(typeof p50Ms === "number" && Number.isFinite(p50Ms) && { p50Ms }),
  };
}

/** What to show; `offFor` names what a person has switched suggestions off for. */
export function shown(
  life: Life,
  status: Status | undefined,
  offFor: string | undefined,
): Shown {
  if (life !== "running") {
    return LIVES[life];
  }
  // The server's word is the more exact one, but it comes with the next key only.
  if (offFor !== undefined && status?.kind !== "Inactive") {
    return {
      text: "$(circle-slash) Foretype",
      detail: `Suggestions are off for ${offFor}`,
      severity: "none",
    };
  }
  if (status === undefined) {
    return { text: "$(sparkle) Foretype", detail: "The server runs", severity: "none" };
  }
  const [state = "", ...why] = status.message.split(": ");
  const model = cut(status.model ?? modelIn(state, why.join(": ")));
  switch (status.kind) {
    case "Normal":
      return {
        text: normalText(status, model),
        detail: status.message,
        severity: "none",
      };
    case "Inactive":
      return {
        text: "$(circle-slash) Foretype",
        detail: status.message,
        severity: "none",
      };
    case "Warning":
      return {
        text: `$(warning) Foretype: ${state}`,
        detail: status.message,
        severity: "warning",
      };
    case "Error":
      return {
        text: `$(error) Foretype: ${state}`,
        detail: status.message,
        severity: "error",
      };
  }
}

function normalText(status: Status, model: string): string {
  const icon = status.busy ? "$(loading~spin)" : "$(sparkle)";
  const parts = [status.busy ? `Foretype: loading ${model}` : model || "Foretype"];
  if (status.p50Ms !== undefined) {
    parts.push(`${Math.round(status.p50Ms)} ms`);
  }
  return `${icon} ${parts.join(" · ").trim()}`;
}

/** The model that a state is about. */
function modelIn(state: string, why: string): string {
  return state === "ready" || state === "loading" ? why : "";
}

/** A name cut to what a status bar has room for. */
function cut(name: string): string {
  return name.length > MAX_MODEL_CHARS
    ? `${name.slice(0, MAX_MODEL_CHARS - 1)}…`
    : name;
}
