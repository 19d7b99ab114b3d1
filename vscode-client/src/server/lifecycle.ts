import * as vscode from "vscode";
import { askAboutLargeWorkspace, rememberAllowed, verdictOnStart } from "../index/consent";
import type { LanguageServer } from "./languageServer";
import { managedEnvironment } from "./launch";
import { forgetOffer, type SetUp } from "./setUp";

/** When the server starts and stops: automatically where the settings allow it, else on request. */
export class Lifecycle implements vscode.Disposable {
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly server: LanguageServer,
    private readonly environment: SetUp,
    private readonly log: vscode.LogOutputChannel,
  ) {
    void vscode.commands.executeCommand("setContext", "codecontext.state", server.state.kind);
    this.subscriptions = [
      server.onDidChangeState((state) => {
        void vscode.commands.executeCommand("setContext", "codecontext.state", state.kind);
        if (state.kind === "failed") {
          void reportFailure(state.message);
        }
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => {
        if (!this.isOff) {
          void server.restart("the workspace is now trusted");
        }
      }),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("codecontext.python")) {
          void this.startIfAllowed("the interpreter setting changed");
        } else if (event.affectsConfiguration("codecontext.index") && this.isOff) {
          void this.startIfAllowed("the settings now allow it");
        }
      }),
      vscode.workspace.onDidChangeWorkspaceFolders(() => {
        if (this.isOff) {
          void this.startIfAllowed("a folder was opened");
        }
      }),
    ];
  }

  dispose(): void {
    this.subscriptions.forEach((subscription) => void subscription.dispose());
  }

  /** Start the server, unless the user does not want it to start automatically here. */
  async startIfAllowed(reason = "a folder is open"): Promise<void> {
    const { workspaceState } = this.context;
    const verdict = await verdictOnStart(workspaceState);
    if (verdict.kind === "start") {
      await this.server.restart(reason);
      return;
    }
    this.log.info(`Not started: ${verdict.reason}`);
    await this.server.stop(verdict.reason);
    if (verdict.kind === "ask first" && (await askAboutLargeWorkspace(workspaceState))) {
      await this.server.restart("the user agreed to index this workspace");
    }
  }

  /** `Start` */
  async start(): Promise<void> {
    await rememberAllowed(this.context.workspaceState);
    await this.restart();
  }

  /** `Restart` */
  restart(): Promise<void> {
    return this.server.restart("requested by the user");
  }

  /** `Set Up Python Environment` */
  async setUp(): Promise<void> {
    this.environment.askOnNextStart();
    await this.server.restart("setup was requested");
  }

  /** `Remove Python Environment` */
  async removeEnvironment(): Promise<void> {
    const environment = await managedEnvironment(this.context);
    const choice = await vscode.window.showWarningMessage(
      "Remove CodeContext's Python environment?",
      { modal: true, detail: "Indexes and settings are kept. You can set it up again at any time." },
      "Remove",
    );
    if (choice === "Remove" && environment) {
      await this.server.stop("The Python environment was removed.");
      await environment.remove();
      await forgetOffer(this.context);
      await this.server.restart("the Python environment was removed");
    }
  }

  private get isOff(): boolean {
    return this.server.state.kind === "off";
  }
}

async function reportFailure(message: string): Promise<void> {
  const commands: Record<string, string> = {
    "Show Logs": "showLogs",
    Restart: "restart",
    "Open Settings": "openSettings",
  };
  const choice = await vscode.window.showErrorMessage(
    `CodeContext could not start. ${message}`,
    ...Object.keys(commands),
  );
  if (choice) {
    await vscode.commands.executeCommand(`codecontext.${commands[choice] ?? ""}`);
  }
}
