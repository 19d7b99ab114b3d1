import { homedir } from "node:os";
import * as vscode from "vscode";
import { ownSetting } from "../server/configuration";
import { extensionVersion } from "../server/launch";
import type { LanguageServer } from "../server/languageServer";
import { printable } from "./printable";
import { renderFacts } from "./report";

export function diagnostics(context: vscode.ExtensionContext, server: LanguageServer): string {
  return renderFacts({
    extension: extensionVersion(context),
    vscode: vscode.version,
    platform: `${process.platform} ${process.arch}`,
    remote: vscode.env.remoteName ?? "",
    trusted: vscode.workspace.isTrusted,
    folders: vscode.workspace.workspaceFolders?.length ?? 0,
    interpreter: ownSetting("python.interpreter"),
    state: server.state,
    status: server.status,
    lastLines: server.lastLines,
    home: homedir(),
  });
}

const SCHEME = "codecontext";

/** Read-only pages, which VS Code never asks to save. */
export class Pages implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly texts = new Map<string, string>();
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  readonly onDidChange = this.changed.event;

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.path) ?? "";
  }

  async show(name: string, text: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `${name}.md` });
    this.texts.set(uri.path, text);
    this.changed.fire(uri);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}

/** `Show Diagnostics`: everything known about the state of the extension. */
export async function showDiagnostics(
  pages: Pages,
  context: vscode.ExtensionContext,
  server: LanguageServer,
): Promise<void> {
  await pages.show("CodeContext Diagnostics", `# CodeContext diagnostics\n\n${diagnostics(context, server)}`);
}

/** `Report Issue`: the diagnostics below a place to write; with an issue tracker in the manifest, VS Code's own form. */
export async function reportIssue(context: vscode.ExtensionContext, server: LanguageServer): Promise<void> {
  const facts = diagnostics(context, server);
  if ("bugs" in (context.extension.packageJSON as object)) {
    await vscode.commands.executeCommand("workbench.action.openIssueReporter", {
      extensionId: context.extension.id,
      issueBody: `\n\n${facts}`,
    });
    return;
  }
  const content = `# What happened, and what did you expect?\n\n\n\n## Diagnostics\n\n${facts}`;
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ language: "markdown", content }));
}

/** `Show Files That Are Not Indexed`. */
export async function showSkipped(pages: Pages, server: LanguageServer): Promise<void> {
  const { files } = await server.skipped({});
  const rows = files.map(
    ({ path, reason, detail }) => `- \`${printable(path)}\`: ${reason}${detail ? `, ${printable(detail)}` : ""}`,
  );
  const body = rows.length > 0 ? rows.join("\n") : "Every file that git does not ignore is indexed.";
  await pages.show("Files That Are Not Indexed", `# Files that are not indexed\n\n${body}\n`);
}
