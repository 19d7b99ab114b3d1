import * as vscode from "vscode";
import { percent } from "../search/rows";
import type { LanguageServer } from "../server/languageServer";
import { activeFolder } from "../support/workspace";
import { type Command, COMMANDS, focusedFolder, indicatorOf, nameOf } from "./indicator";

type Item = vscode.QuickPickItem & { command?: string };

/** What a click on the status bar item offers: the same as its tooltip, for the keyboard. */
export async function showMenu(server: LanguageServer): Promise<void> {
  const folder = server.status && focusedFolder(server.status, activeFolder()?.uri.toString());
  const items: Item[] = [
    { label: "$(search-fuzzy) Semantic Search", command: "search" },
    separator("adapter"),
    { ...entry("selectAdapter"), description: folder ? nameOf(folder) : "" },
    ...(folder?.wantedAdapterPath ? [entry("reloadAdapter")] : []),
    ...(folder?.adapter ? [{ label: "$(file-code) Show Adapter", command: "showAdapter" }] : []),
    { label: "$(beaker) Train Adapter for This Workspace…", command: "trainAdapter" },
    separator("index"),
    {
      ...entry(folder?.paused ? "resumeIndexing" : "pauseIndexing"),
      description: folder ? `${percent(folder.coverage)} indexed` : "",
    },
    entry("updateIndex"),
    {
      label: "$(list-unordered) Files That Are Not Indexed",
      description: `${folder?.skipped ?? 0}`,
      command: "showSkipped",
    },
    separator("server"),
    entry(server.state.kind === "off" ? "start" : server.state.kind === "setup" ? "setUp" : "restart"),
    entry("showLogs"),
    entry("showDiagnostics"),
    { label: "$(gear) Settings", command: "openSettings" },
  ];
  const title = indicatorOf(server.state, server.status, { folder: folder?.uri, now: new Date() }).label;
  const picked = await vscode.window.showQuickPick(items, { title, placeHolder: "CodeContext" });
  if (picked?.command) {
    await vscode.commands.executeCommand(`codecontext.${picked.command}`);
  }
}

function entry(command: Command): Item {
  const [icon, title] = COMMANDS[command];
  return { label: `$(${icon}) ${title}`, command };
}

function separator(label: string): Item {
  return { label, kind: vscode.QuickPickItemKind.Separator };
}
