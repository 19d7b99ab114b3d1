import * as vscode from "vscode";
import { ownSetting, SECTION } from "../server/configuration";

const ALLOWED = "index.largeWorkspaceAllowed";
// Never the user's own code; what git ignores is left out later, by the server.
const NOT_COUNTED = "**/{.git,.hg,.svn,node_modules,.venv,venv,site-packages,__pycache__,target,build,dist,out}/**";

/** Whether to start automatically in this workspace; if not, why not. */
export type Verdict = { kind: "start" } | { kind: "stay off" | "ask first"; reason: string };

export async function verdictOnStart(memory: vscode.Memento): Promise<Verdict> {
  if (!ownSetting("index.autoStart")) {
    return {
      kind: "stay off",
      reason: "codecontext.index.autoStart is off, so CodeContext does not start automatically.",
    };
  }
  if ((vscode.workspace.workspaceFolders?.length ?? 0) === 0) {
    return { kind: "stay off", reason: "No folder is open." };
  }
  if (memory.get<boolean>(ALLOWED) !== true && (await isVeryLarge())) {
    return { kind: "ask first", reason: "This workspace is very large. Start CodeContext to index it." };
  }
  return { kind: "start" };
}

/** Ask whether to index a very large workspace; the answer is remembered for this workspace. */
export async function askAboutLargeWorkspace(memory: vscode.Memento): Promise<boolean> {
  const most = ownSetting("index.askAboveFiles").toLocaleString("en");
  const choice = await vscode.window.showInformationMessage(
    `This workspace has more than ${most} files. Index it in the background?`,
    "Index",
    "Never for This Workspace",
  );
  if (choice === "Index") {
    await rememberAllowed(memory);
  } else if (choice === "Never for This Workspace") {
    const settings = vscode.workspace.getConfiguration(SECTION);
    await settings.update("index.autoStart", false, vscode.ConfigurationTarget.Workspace);
  }
  return choice === "Index";
}

/** The user agreed, or started it by hand, which is an answer, too. */
export async function rememberAllowed(memory: vscode.Memento): Promise<void> {
  await memory.update(ALLOWED, true);
}

async function isVeryLarge(): Promise<boolean> {
  const most = ownSetting("index.askAboveFiles");
  const files = await vscode.workspace.findFiles("**/*", NOT_COUNTED, most + 1);
  return files.length > most;
}
