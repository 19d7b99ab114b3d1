import * as vscode from "vscode";
import { serverSettings, settingVariables } from "./settings";

export const SECTION = "codecontext";
export const ADAPTER_SETTING = "embeddings.huggingface.loraAdapterPath";

/** What the user has set for a folder, as the server takes it. */
export function settingsFor(scope?: vscode.Uri): Record<string, unknown> {
  const configuration = vscode.workspace.getConfiguration(SECTION, scope ?? null);
  return serverSettings((key) => configuration.inspect(key));
}

/** The same for a command of ours that runs in a workspace folder. */
export function variablesFor(folder: vscode.WorkspaceFolder): Record<string, string> {
  const configuration = vscode.workspace.getConfiguration(SECTION, folder.uri);
  return settingVariables((key) => configuration.inspect(key), folder.uri.fsPath);
}

/** The settings of the extension itself; the others are the server's. */
export interface OwnSettings {
  "python.interpreter": string;
  "python.torchIndexUrl": string;
  "index.autoStart": boolean;
  "index.askAboveFiles": number;
}

/** A setting of the extension itself; all of them have a default in package.json. */
export function ownSetting<Key extends keyof OwnSettings>(key: Key): OwnSettings[Key] {
  return vscode.workspace.getConfiguration(SECTION).get(key) as OwnSettings[Key];
}
