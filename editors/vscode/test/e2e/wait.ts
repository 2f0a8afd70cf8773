// Waiting for what must come, never for a time.

import { setTimeout as sleep } from "node:timers/promises";

// Only a test that fails waits so long.
export const DEADLINE_MS = 120_000;
const EVERY_MS = 20;

/** Returns the first true value; fails with what was waited for, and seen instead. */
export async function within<T>(
  what: string,
  look: () => T | Promise<T>,
  instead: () => unknown = () => undefined,
  deadlineMs = DEADLINE_MS,
): Promise<NonNullable<T>> {
  const endMs = Date.now() + deadlineMs;
  while (Date.now() < endMs) {
    const found = await look();
    if (found) {
      return found;
    }
    await sleep(EVERY_MS);
  }
  throw new Error(`not in time: ${what}; seen: ${JSON.stringify(instead())}`);
}
