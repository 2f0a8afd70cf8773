// Waiting for what must come, never for a time.

import { setTimeout as sleep } from "node:timers/promises";

// Only a test that fails waits so long.
const DEADLINE_MS = 60_000;
const EVERY_MS = 20;

/** Returns the first true value; fails with what was waited for. */
export async function within<T>(
  what: string,
  look: () => T | Promise<T>,
  deadlineMs = DEADLINE_MS,
): Promise<NonNullable<T>> {
  const endMs = Date.now() + deadlineMs;
  let seen: unknown;
  while (Date.now() < endMs) {
    const found = await look();
    if (found) {
      return found;
    }
    seen = found;
    await sleep(EVERY_MS);
  }
  throw new Error(`not seen in time: ${what} (last: ${JSON.stringify(seen)})`);
}
