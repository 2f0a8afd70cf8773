// When a server that has crashed is started again.

const FIRST_MS = 500;
const LONGEST_MS = 30_000;
/** A server that ran so long was well; what came before does not count any more. */
const WELL_AFTER_MS = 60_000;
/** So many crashes in a row, and nobody would wait for the next start. */
const MOST_CRASHES = 6;

/** Counts crashes in a row; twice as long is waited after each. */
export class Backoff {
  #nCrashes = 0;

  /** How long to wait after a crash, or undefined where starting again is no use. */
  crashed(ranMs: number): number | undefined {
    if (ranMs >= WELL_AFTER_MS) {
      this.#nCrashes = 0;
    }
    this.#nCrashes += 1;
    if (this.#nCrashes >= MOST_CRASHES) {
      return undefined;
    }
    return Math.min(FIRST_MS * 2 ** (this.#nCrashes - 1), LONGEST_MS);
  }

  /** Begins anew, because a person wants a start. */
  reset(): void {
    this.#nCrashes = 0;
  }
}
