import { readFile } from "node:fs/promises";
import * as vscode from "vscode";
import { inTheme } from "./outcome";

/** Show a report of training or measuring in an editor tab: also where the files are on another machine. */
export async function showReport(file: string, title: string): Promise<void> {
  const html = await readFile(file, "utf8");
  const panel = vscode.window.createWebviewPanel("codecontext.report", title, vscode.ViewColumn.Active, {
    enableFindWidget: true,
    localResourceRoots: [],
  });
  const paint = ({ kind }: vscode.ColorTheme) => {
    const isDark = kind === vscode.ColorThemeKind.Dark || kind === vscode.ColorThemeKind.HighContrast;
    panel.webview.html = inTheme(html, isDark);
  };
  paint(vscode.window.activeColorTheme);
  const listener = vscode.window.onDidChangeActiveColorTheme(paint);
  panel.onDidDispose(() => {
    listener.dispose();
  });
}
