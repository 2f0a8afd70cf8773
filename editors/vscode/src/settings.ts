// What of VS Code's settings the server is sent.

/** One setting, as VS Code tells where its values come from. */
export interface Inspected {
  readonly globalValue?: unknown;
  readonly workspaceValue?: unknown;
  readonly workspaceFolderValue?: unknown;
}

/** The one setting that an opened folder has a say in. */
export const ENABLED = "completion.enabled";

/** The keys of the server's settings, without `foretype.`, from the extension's manifest. */
export function serverKeys(manifest: unknown): string[] {
  const { contributes } = manifest as {
    contributes: { configuration: { properties: Record<string, unknown> }[] };
  };
  return contributes.configuration
    .flatMap((section) => Object.keys(section.properties))
    .map((name) => name.slice("foretype.".length))
    .filter((key) => !key.startsWith("server."));
}

/**
 * What a person has set, as the server's JSON.
 *
 * Defaults are left out: sent, they would win over config.toml. So is what a folder
 * sets, except that it can switch suggestions off.
 */
export function explicitSettings(
  keys: Iterable<string>,
  inspect: (key: string) => Inspected | undefined,
): Record<string, Record<string, unknown>> {
  const settings: Record<string, Record<string, unknown>> = {};
  for (const key of keys) {
    const inspected = inspect(key);
    const value =
      key === ENABLED && isOffInFolder(inspected) ? false : inspected?.globalValue;
    const [section, name] = key.split(".");
    if (value !== undefined && section !== undefined && name !== undefined) {
      settings[section] = { ...settings[section], [name]: value };
    }
  }
  return settings;
}

/** Whether the settings of an opened folder switch suggestions off. */
export function isOffInFolder(inspected: Inspected | undefined): boolean {
  return (
    inspected?.workspaceValue === false || inspected?.workspaceFolderValue === false
  );
}
