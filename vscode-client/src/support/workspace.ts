import { homedir } from "node:os";
import * as vscode from "vscode";
import { shortened } from "./printable";

/** The workspace folder of the active editor. */
export function activeFolder(): vscode.WorkspaceFolder | undefined {
  const uri = vscode.window.activeTextEditor?.document.uri;
  return uri && vscode.workspace.getWorkspaceFolder(uri);
}

/** The folder a command is about: the only one, or the one that the user picks, the active editor's first. */
export async function pickFolder(title: string): Promise<vscode.WorkspaceFolder | undefined> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  if (folders.length <= 1) {
    return folders[0];
  }
  const active = activeFolder();
  const items = [...folders]
    .sort((one, other) => Number(other === active) - Number(one === active))
    .map((folder) => ({ label: folder.name, description: folder.uri.fsPath, folder }));
  return (await vscode.window.showQuickPick(items, { title, placeHolder: "Choose a folder" }))?.folder;
}

/** Whether the workspace is trusted; where it is not, tell the user what needs trust. */
export async function requireTrust(what: string): Promise<boolean> {
  if (vscode.workspace.isTrusted) {
    return true;
  }
  const manage = "Manage Workspace Trust";
  if ((await vscode.window.showWarningMessage(`Trust this workspace to ${what}.`, manage)) === manage) {
    await vscode.commands.executeCommand("workbench.trust.manage");
  }
  return false;
}

/** A message of the server's with short paths: those in the folder it is about, else in any of the workspace. */
export function withShortPaths(text: string, folder?: vscode.Uri): string {
  const folders = folder ? [folder] : (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri);
  return shortened(
    text,
    folders.map(({ fsPath }) => fsPath),
    homedir(),
  );
}
