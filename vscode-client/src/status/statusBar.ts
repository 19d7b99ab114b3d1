import * as vscode from "vscode";
import type { LanguageServer } from "../server/languageServer";
import { activeFolder, withShortPaths } from "../support/workspace";
import { COMMANDS, indicatorOf, type Severity } from "./indicator";

const COLORS: Readonly<Record<Severity, { background?: string; text?: string }>> = {
  none: {},
  warning: { background: "statusBarItem.warningBackground", text: "statusBarItem.warningForeground" },
  error: { background: "statusBarItem.errorBackground", text: "statusBarItem.errorForeground" },
};
const LINKED = [...Object.keys(COMMANDS), "showSkipped"].map((command) => `codecontext.${command}`);

/** The one item in the status bar: the active adapter, and the state of the index. */
export class AdapterStatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("status", vscode.StatusBarAlignment.Left, 40);
  private readonly subscriptions: vscode.Disposable[];

  constructor(private readonly server: LanguageServer) {
    this.item.name = "CodeContext";
    this.item.command = "codecontext.showMenu";
    this.subscriptions = [
      server.onDidChangeState(() => this.update()),
      server.onDidChangeStatus(() => this.update()),
      vscode.window.onDidChangeActiveTextEditor(() => this.update()),
    ];
    this.update();
    this.item.show();
  }

  dispose(): void {
    this.subscriptions.forEach((subscription) => void subscription.dispose());
    this.item.dispose();
  }

  private update(): void {
    const folder = activeFolder()?.uri.toString();
    const { text, severity, tooltip, label } = indicatorOf(this.server.state, this.server.status, {
      folder,
      now: new Date(),
      shorten: withShortPaths,
    });
    const { background, text: foreground } = COLORS[severity];
    this.item.text = text;
    this.item.backgroundColor = background ? new vscode.ThemeColor(background) : undefined;
    this.item.color = foreground ? new vscode.ThemeColor(foreground) : undefined;
    this.item.accessibilityInformation = { label, role: "button" };
    const markdown = new vscode.MarkdownString(tooltip, true);
    markdown.isTrusted = { enabledCommands: LINKED };
    this.item.tooltip = markdown;
  }
}
