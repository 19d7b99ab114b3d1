import { homedir } from "node:os";
import * as vscode from "vscode";
import { ownSetting } from "../server/configuration";
import { extensionVersion } from "../server/launch";
import type { LanguageServer } from "../server/languageServer";
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

/** `Show Diagnostics`: all that is known about how it runs, as a document. */
export async function showDiagnostics(context: vscode.ExtensionContext, server: LanguageServer): Promise<void> {
  await showMarkdown(`# CodeContext: diagnostics\n\n${diagnostics(context, server)}`);
}

/** `Report Issue`: the same below a place to write; where the extension names an issue tracker, VS Code's own form. */
export async function reportIssue(context: vscode.ExtensionContext, server: LanguageServer): Promise<void> {
  const facts = diagnostics(context, server);
  if ("bugs" in (context.extension.packageJSON as object)) {
    await vscode.commands.executeCommand("workbench.action.openIssueReporter", {
      extensionId: context.extension.id,
      issueBody: `\n\n${facts}`,
    });
    return;
  }
  await showMarkdown(`# What happened, and what should have happened?\n\n\n\n## What CodeContext knows\n\n${facts}`);
}

/** `Show Files That Are Not Indexed`. */
export async function showSkipped(server: LanguageServer): Promise<void> {
  const { files } = await server.skipped({});
  const rows = files.map(({ path, reason, detail }) => `- \`${path}\`: ${reason}${detail ? `, ${detail}` : ""}`);
  const body = rows.length > 0 ? rows.join("\n") : "Every file that git does not ignore is indexed.";
  await showMarkdown(`# Files that are not indexed\n\n${body}\n`);
}

async function showMarkdown(content: string): Promise<void> {
  const document = await vscode.workspace.openTextDocument({ language: "markdown", content });
  await vscode.window.showTextDocument(document, { preview: true });
}
