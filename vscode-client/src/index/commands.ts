import * as vscode from "vscode";
import { pickFolder } from "../support/workspace";
import type { LanguageServer } from "../server/languageServer";

/** `Update Index`: compare every file with the index. */
export async function updateIndex(server: LanguageServer): Promise<void> {
  const folder = await pickFolder("Update Index");
  if (folder) {
    await server.reindex({ folder: folder.uri.toString() });
  }
}

/** `Rebuild Index from Scratch`, once the user has confirmed it. */
export async function rebuildIndex(server: LanguageServer): Promise<void> {
  const choice = await vscode.window.showWarningMessage(
    "Rebuild the index from scratch?",
    { modal: true, detail: "Every file is read again. Cached embeddings are reused." },
    "Rebuild",
  );
  const folder = choice === "Rebuild" ? await pickFolder("Rebuild Index") : undefined;
  if (folder) {
    await server.reindex({ folder: folder.uri.toString(), force: true });
  }
}
