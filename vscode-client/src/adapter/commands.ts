import { homedir } from "node:os";
import * as vscode from "vscode";
import { ADAPTER_SETTING, SECTION } from "../server/configuration";
import type { LanguageServer } from "../server/languageServer";
import { focusedFolder, nameOf } from "../status/indicator";
import { activeFolder, pickFolder, requireTrust, withShortPaths } from "../support/workspace";
import { adapterRows, type AdapterRow, settingFor } from "./adapterPick";

type Item = vscode.QuickPickItem & { row?: AdapterRow };

/** `Select Adapter…`: what was found, the base model, or any other folder; the choice becomes the folder's setting. */
export async function selectAdapter(server: LanguageServer): Promise<void> {
  const folder = await pickFolder("Select Adapter");
  if (!folder) {
    return;
  }
  const uri = folder.uri.toString();
  const { adapters } = await server.adapters();
  const model = server.status?.folders.find((one) => one.uri === uri)?.model ?? "";
  const groups = adapterRows(
    adapters.filter((adapter) => adapter.folder === uri),
    model,
    (text) => withShortPaths(text, folder.uri),
  );
  const items: Item[] = groups.flatMap(({ title, rows }) => [
    { label: title, kind: vscode.QuickPickItemKind.Separator },
    ...rows.map((row) => ({ label: row.label, description: row.description, detail: row.detail, row })),
  ]);
  const picked = await vscode.window.showQuickPick<Item>(items, {
    title: `Select Adapter · ${folder.name}`,
    placeHolder: "Choose the adapter for searches in this folder",
    matchOnDetail: true,
    matchOnDescription: true,
  });
  switch (picked?.row?.kind) {
    case "base":
      await write(folder, "");
      break;
    case "browse":
      await browse(folder);
      break;
    case "train":
      await vscode.commands.executeCommand("codecontext.trainAdapter");
      break;
    case "adapter":
      await choose(folder, picked.row);
  }
}

async function choose(folder: vscode.WorkspaceFolder, { adapter }: AdapterRow): Promise<void> {
  if (!adapter) {
    return;
  }
  if (adapter.problem) {
    await vscode.window.showWarningMessage(
      `${adapter.name} cannot be used. ${withShortPaths(adapter.problem, folder.uri)}`,
    );
    return;
  }
  await useAdapter(folder, adapter.path);
}

/** Use the adapter at `path` for searches in a folder: it becomes the folder's setting. */
export async function useAdapter(folder: vscode.WorkspaceFolder, path: string): Promise<void> {
  await write(folder, settingFor(path, folder.uri.fsPath, homedir()));
}

async function browse(folder: vscode.WorkspaceFolder): Promise<void> {
  const [uri] =
    (await vscode.window.showOpenDialog({
      canSelectFiles: false,
      canSelectFolders: true,
      defaultUri: folder.uri,
      openLabel: "Use This Adapter",
      title: "Folder with adapter_config.json and adapter_model.safetensors",
    })) ?? [];
  if (uri) {
    await useAdapter(folder, uri.fsPath);
  }
}

async function write(folder: vscode.WorkspaceFolder, value: string): Promise<void> {
  if (!(await requireTrust("choose an adapter for it"))) {
    return;
  }
  const several = (vscode.workspace.workspaceFolders?.length ?? 0) > 1;
  const target = several ? vscode.ConfigurationTarget.WorkspaceFolder : vscode.ConfigurationTarget.Workspace;
  await vscode.workspace.getConfiguration(SECTION, folder.uri).update(ADAPTER_SETTING, value, target);
}

/** `Reload Adapter`: read its files again, even if the watcher saw no change. */
export async function reloadAdapter(server: LanguageServer): Promise<void> {
  const folder = await pickFolder("Reload Adapter");
  if (folder) {
    const { message } = await server.reloadAdapter({ folder: folder.uri.toString() });
    void vscode.window.setStatusBarMessage(`$(layers) ${message}`, 4000);
  }
}

/** `Show Adapter`: open its configuration, or say that no adapter is active. */
export async function showAdapter(server: LanguageServer): Promise<void> {
  const folder = server.status && focusedFolder(server.status, activeFolder()?.uri.toString());
  const adapter = folder?.adapter;
  if (!folder || !adapter) {
    const message = folder
      ? `No adapter is active; searches use the base model ${nameOf(folder)}.`
      : "CodeContext is not running.";
    const choice = await vscode.window.showInformationMessage(message, "Select Adapter…");
    if (choice) {
      await vscode.commands.executeCommand("codecontext.selectAdapter");
    }
    return;
  }
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(`${adapter.path}/adapter_config.json`));
  await vscode.window.showTextDocument(document, { preview: true });
}
