// The endpoint's API key: kept by VS Code, handed over in the server's environment only.

import { type SecretStorage, window, workspace } from "vscode";

const SECRET = "foretype.apiKey";
const VARIABLE = "FORETYPE_API_KEY";

/** The variables that hand the key to the server, if one is kept. */
export async function keyEnvironment(
  secrets: SecretStorage,
): Promise<Record<string, string>> {
  const key = await secrets.get(SECRET);
  if (!key) {
    return {};
  }
  const { globalValue } =
    workspace.getConfiguration("foretype").inspect("endpoint.apiKeyEnv") ?? {};
  // The server takes no other name from an editor.
  if (typeof globalValue === "string" && globalValue.startsWith("FORETYPE_")) {
    return { [globalValue]: key };
  }
  // Whatever variable a preset or config.toml names, it is this key that was set here.
  return { [VARIABLE]: key, FORETYPE_ENDPOINT_API_KEY_ENV: VARIABLE };
}

/** Asks for the key and keeps it; nothing typed takes away the one that is kept. */
export async function askForKey(secrets: SecretStorage): Promise<void> {
  const isKept = Boolean(await secrets.get(SECRET));
  const key = await window.showInputBox({
    title: "Foretype: API Key",
    prompt: isKept
      ? "It replaces the one that is kept; leave it empty to take that away."
      : "VS Code keeps it encrypted, in no file of settings.",
    password: true,
    ignoreFocusOut: true,
  });
  if (key === undefined) {
    return;
  }
  if (key.trim()) {
    await secrets.store(SECRET, key.trim());
  } else {
    await secrets.delete(SECRET);
  }
}

/** Calls back when the key is another one, in this window or in any other. */
export function onDidChangeKey(secrets: SecretStorage, listener: () => void) {
  return secrets.onDidChange(({ key }) => {
    if (key === SECRET) {
      listener();
    }
  });
}
