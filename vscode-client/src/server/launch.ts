import { homedir } from "node:os";
import * as vscode from "vscode";
import { ownSetting } from "./configuration";
import { findBundle, ManagedEnvironment } from "./environment";
import { installedVersion } from "./python";

/** The interpreter that runs the server. */
export interface Launch {
  kind: "launch";
  python: string;
  version: string;
}

/** There is none yet; the user can have one made. */
export interface NeedsSetUp {
  kind: "needsSetUp";
  environment: ManagedEnvironment;
  /** An environment of an earlier release is there and only takes our new wheel. */
  quick: boolean;
}

/** The extension's own environment; undefined in a package without our wheel, which only developers have. */
export async function managedEnvironment(context: vscode.ExtensionContext): Promise<ManagedEnvironment | undefined> {
  const bundle = await findBundle(vscode.Uri.joinPath(context.extensionUri, "wheels").fsPath);
  return bundle && ManagedEnvironment.of(context.globalStorageUri.fsPath, bundle);
}

/** Find what to run: the interpreter of the setting, else the extension's own environment. Rejects with one sentence. */
export async function resolveLaunch(context: vscode.ExtensionContext): Promise<Launch | NeedsSetUp> {
  const interpreter = ownSetting("python.interpreter").trim();
  if (interpreter !== "") {
    const python = expanded(interpreter);
    return { kind: "launch", python, version: await installedVersion(python) };
  }
  const environment = await managedEnvironment(context);
  if (!environment) {
    throw new Error(
      "This package contains no Python wheel. Set codecontext.python.interpreter to a Python that has CodeContext installed.",
    );
  }
  const state = await environment.state();
  return state === "ready"
    ? { kind: "launch", python: environment.python, version: extensionVersion(context) }
    : { kind: "needsSetUp", environment, quick: state === "outdated" };
}

export function extensionVersion(context: vscode.ExtensionContext): string {
  return (context.extension.packageJSON as { version: string }).version;
}

/** A path of the settings: `${workspaceFolder}` is the first folder, `~` the home folder. */
function expanded(path: string): string {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  const filled = folder ? path.replaceAll("${workspaceFolder}", folder.uri.fsPath) : path;
  return filled.replace(/^~(?=$|[/\\])/, homedir());
}
