import * as vscode from "vscode";
import { ownSetting, SECTION } from "../server/configuration";

const ASKED = "index.largeWorkspaceAllowed";
// What nobody means by “my code”; git's own verdict comes later, from the server.
const NOT_COUNTED = "**/{.git,.hg,.svn,node_modules,.venv,venv,site-packages,__pycache__,target,build,dist,out}/**";

/** Whether to start by itself here. Asks once for a very large workspace. */
export async function mayStart(memory: vscode.Memento): Promise<{ allowed: boolean; reason: string }> {
  if (!ownSetting("index.autoStart")) {
    return { allowed: false, reason: "codecontext.index.autoStart is off." };
  }
  if ((vscode.workspace.workspaceFolders?.length ?? 0) === 0) {
    return { allowed: false, reason: "No folder is open." };
  }
  if (memory.get<boolean>(ASKED) !== true && (await isVeryLarge())) {
    return { allowed: false, reason: "This workspace is very large; start CodeContext when you want it indexed." };
  }
  return { allowed: true, reason: "" };
}

/** Ask whether a very large workspace shall be indexed; remembered for this workspace. */
export async function askAboutLargeWorkspace(memory: vscode.Memento): Promise<boolean> {
  const most = ownSetting("index.askAboveFiles");
  const choice = await vscode.window.showInformationMessage(
    `This workspace has more than ${most.toLocaleString("en")} files. Shall CodeContext index it in the background?`,
    "Index",
    "Never Here",
  );
  if (choice === "Index") {
    await memory.update(ASKED, true);
  } else if (choice === "Never Here") {
    await vscode.workspace
      .getConfiguration(SECTION)
      .update("index.autoStart", false, vscode.ConfigurationTarget.Workspace);
  }
  return choice === "Index";
}

/** The user asked for it by hand, which is an answer, too. */
export async function rememberAllowed(memory: vscode.Memento): Promise<void> {
  await memory.update(ASKED, true);
}

export async function isVeryLarge(): Promise<boolean> {
  const most = ownSetting("index.askAboveFiles");
  const files = await vscode.workspace.findFiles("**/*", NOT_COUNTED, most + 1);
  return files.length > most;
}
