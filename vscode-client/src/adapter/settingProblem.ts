import { findNodeAtLocation, parseTree } from "jsonc-parser";
import * as vscode from "vscode";
import type { FolderStatus, Status } from "../protocol";
import { ADAPTER_SETTING, SECTION } from "../server/configuration";
import { withShortPaths } from "../support/workspace";
import type { LanguageServer } from "../server/languageServer";

const KEY = `${SECTION}.${ADAPTER_SETTING}`;

/** The position of a setting in the text of a settings file, as offsets. */
export function valueSpan(text: string, path: readonly string[]): { offset: number; length: number } | undefined {
  const root = parseTree(text);
  const node = root && findNodeAtLocation(root, [...path]);
  return node && { offset: node.offset, length: node.length };
}

/**
 * Shows at once what is wrong with an adapter: under the value in the settings file that names it, and in one message
 * with a button that leads there. The status bar shows it for as long as it lasts.
 */
export class SettingProblems implements vscode.Disposable {
  private readonly diagnostics = vscode.languages.createDiagnosticCollection("codecontext");
  private readonly shown = new Map<string, string>();
  private readonly subscription: vscode.Disposable;
  private turn = 0;

  constructor(server: LanguageServer) {
    this.subscription = server.onDidChangeStatus((status) => void this.check(status));
  }

  dispose(): void {
    this.subscription.dispose();
    this.diagnostics.dispose();
  }

  private async check(status: Status | undefined): Promise<void> {
    const turn = ++this.turn;
    const affected = status?.folders.filter(hasProblem) ?? [];
    const marks = await Promise.all(affected.map(markOf));
    if (turn !== this.turn) {
      return;
    }
    this.diagnostics.clear();
    for (const mark of marks) {
      if (mark) {
        this.diagnostics.set(mark.uri, [mark.diagnostic]);
      }
    }
    affected.forEach((folder) => this.showOnce(folder));
    for (const folder of status?.folders ?? []) {
      if (!hasProblem(folder)) {
        this.shown.delete(folder.uri);
      }
    }
  }

  private showOnce({ uri, message }: FolderStatus): void {
    if (this.shown.get(uri) === message) {
      return;
    }
    this.shown.set(uri, message);
    const text = withShortPaths(message, vscode.Uri.parse(uri));
    void vscode.window.showWarningMessage(text, "Open Settings", "Select Adapter…").then(async (choice) => {
      if (choice === "Open Settings") {
        await openAdapterSetting(vscode.Uri.parse(uri));
      } else if (choice === "Select Adapter…") {
        await vscode.commands.executeCommand("codecontext.selectAdapter");
      }
    });
  }
}

/** Whether the settings name an adapter that is not the active one because something is wrong with it. */
function hasProblem(folder: FolderStatus): boolean {
  return (
    folder.problems.some(({ kind }) => kind === "adapter") && folder.wantedAdapterPath !== folder.currentAdapterPath
  );
}

/** `Open Settings`: where an adapter has a problem, at the setting that names it. */
export async function openSettings(context: vscode.ExtensionContext, server: LanguageServer): Promise<void> {
  const affected = server.status?.folders.find(hasProblem);
  if (affected) {
    await openAdapterSetting(vscode.Uri.parse(affected.uri));
  } else {
    await vscode.commands.executeCommand("workbench.action.openSettings", `@ext:${context.extension.id}`);
  }
}

/** Open the settings file that names the adapter, at that line; where it is another source, VS Code's settings. */
async function openAdapterSetting(folder: vscode.Uri): Promise<void> {
  const source = await sourceOf(folder);
  if (!source) {
    await vscode.commands.executeCommand("workbench.action.openSettings", KEY);
    return;
  }
  const editor = await vscode.window.showTextDocument(source.document, { selection: source.range });
  editor.revealRange(source.range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

async function markOf(folder: FolderStatus): Promise<{ uri: vscode.Uri; diagnostic: vscode.Diagnostic } | undefined> {
  const source = await sourceOf(vscode.Uri.parse(folder.uri));
  if (!source) {
    return undefined;
  }
  const diagnostic = new vscode.Diagnostic(
    source.range,
    withShortPaths(folder.message, vscode.Uri.parse(folder.uri)),
    vscode.DiagnosticSeverity.Warning,
  );
  diagnostic.source = "CodeContext";
  return { uri: source.document.uri, diagnostic };
}

/** The settings file of the workspace that names the adapter of a folder, and where in it. */
async function sourceOf(
  folder: vscode.Uri,
): Promise<{ document: vscode.TextDocument; range: vscode.Range } | undefined> {
  const found = vscode.workspace.getConfiguration(SECTION, folder).inspect(ADAPTER_SETTING);
  const inFolder = vscode.Uri.joinPath(folder, ".vscode", "settings.json");
  const workspaceFile = vscode.workspace.workspaceFile;
  const places: [boolean, vscode.Uri, string[]][] = [
    [
      found?.workspaceFolderValue !== undefined || (found?.workspaceValue !== undefined && !workspaceFile),
      inFolder,
      [KEY],
    ],
    [
      found?.workspaceValue !== undefined && workspaceFile?.scheme === "file",
      workspaceFile ?? inFolder,
      ["settings", KEY],
    ],
  ];
  for (const [isSet, uri, path] of places) {
    const document = isSet ? await textOf(uri) : undefined;
    const span = document && valueSpan(document.getText(), path);
    if (document && span) {
      const start = document.positionAt(span.offset);
      return { document, range: new vscode.Range(start, document.positionAt(span.offset + span.length)) };
    }
  }
  return undefined;
}

async function textOf(uri: vscode.Uri): Promise<vscode.TextDocument | undefined> {
  try {
    return await vscode.workspace.openTextDocument(uri);
  } catch {
    return undefined;
  }
}
