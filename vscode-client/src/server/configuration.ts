import * as vscode from "vscode";
import { serverSettings } from "./settings";

export const SECTION = "codecontext";
export const ADAPTER_SETTING = "embeddings.huggingface.loraAdapterPath";

/** What the user has set for a folder, as the server takes it. */
export function settingsFor(scope?: vscode.Uri): Record<string, unknown> {
  const configuration = vscode.workspace.getConfiguration(SECTION, scope ?? null);
  return serverSettings((key) => configuration.inspect(key));
}

/** A setting of the extension itself; all of them have a default in package.json. */
export function ownSetting<T>(key: string): T {
  return vscode.workspace.getConfiguration(SECTION).get(key) as T;
}
