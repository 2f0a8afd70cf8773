// Offers to install the server, and does so with a progress bar once a person agrees.

import { ProgressLocation, window } from "vscode";
import { InstallError, type OwnEnvironment, type Progress } from "./own_environment.ts";
import { activeInterpreter, isInOpenedFolder } from "./python.ts";

const WITH_MODEL = "Install with Built-in Model";
const WITHOUT_MODEL = "Install for an Endpoint";

/** Asks whether to install; returns whether a server was installed. */
export async function offerToInstall(
  own: OwnEnvironment,
  stop: () => Promise<void>,
): Promise<boolean> {
  const choice = await window.showInformationMessage(
    "Install Foretype's server into an environment of this extension's own? " +
      "The built-in model (about 300 MB) completes without any endpoint, key or network.",
    WITH_MODEL,
    WITHOUT_MODEL,
  );
  if (choice === undefined) {
    return false;
  }
  return withProgress("Installing Foretype", async (progress) => {
    // On Windows a program that runs cannot be replaced.
    await stop();
    const chosen = await activeInterpreter();
    const preferred = chosen && !isInOpenedFolder(chosen) ? chosen : undefined;
    await own.create(choice === WITH_MODEL, preferred, progress);
  });
}

/** Asks whether to update the server that was installed; returns whether it was. */
export async function offerToUpdate(
  own: OwnEnvironment,
  stop: () => Promise<void>,
): Promise<boolean> {
  const choice = await window.showInformationMessage(
    "This extension has come with a newer Foretype server than the one it installed.",
    "Update",
  );
  if (choice === undefined) {
    return false;
  }
  return withProgress("Updating Foretype", async (progress) => {
    await stop();
    await own.update(progress);
  });
}

async function withProgress(
  title: string,
  work: (progress: Progress) => Promise<void>,
): Promise<boolean> {
  const options = { location: ProgressLocation.Notification, title, cancellable: true };
  try {
    await window.withProgress(options, async (report, token) => {
      const abort = new AbortController();
      token.onCancellationRequested(() => abort.abort());
      await work({
        say: (message) => report.report({ message }),
        signal: abort.signal,
      });
    });
    return true;
  } catch (error) {
    if (!(error instanceof InstallError)) {
      throw error;
    }
    void window.showErrorMessage(`Foretype: ${error.message}`);
    return false;
  }
}
