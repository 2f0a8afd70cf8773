// The lists of languages and files that suggestions are off for.

/** A pattern of the server's `completion.disabledFiles` that only this path fits. */
export function filePattern(path: string): string {
  return path.replace(/[[*?]/g, "[$&]");
}

/** A list with an entry, once. */
export function withEntry(list: readonly string[], entry: string): string[] {
  return list.includes(entry) ? [...list] : [...list, entry];
}

/** A list without an entry. */
export function withoutEntry(list: readonly string[], entry: string): string[] {
  return list.filter((other) => other !== entry);
}

/** The strings of a setting that ought to be a list of them. */
export function stringList(value: unknown): string[] {
  return Array.isArray(value)
    ? value.filter((entry): entry is string => typeof entry === "string")
    : [];
}
