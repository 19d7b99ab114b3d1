import { homedir } from "node:os";
import * as vscode from "vscode";
import { shortened } from "./paths";

/** A text of the server's with short paths: those in the folder it is about, else in any of the workspace. */
export function withShortPaths(text: string, folder?: vscode.Uri): string {
  const folders = folder ? [folder] : (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri);
  return shortened(
    text,
    folders.map(({ fsPath }) => fsPath),
    homedir(),
  );
}
