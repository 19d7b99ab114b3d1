import type { Status } from "../protocol";
import type { ServerState } from "../server/languageServer";

/** What helps to diagnose a problem. No file content, no query, no file name. */
export interface Facts {
  extension: string;
  vscode: string;
  platform: string;
  remote: string;
  trusted: boolean;
  folders: number;
  interpreter: string;
  state: ServerState;
  status: Status | undefined;
  lastLines: string;
  home: string;
}

/** The facts as Markdown, to read and to send. */
export function renderFacts(facts: Facts): string {
  const rows: [string, string][] = [
    ["CodeContext", facts.extension],
    ["VS Code", facts.vscode],
    ["Platform", facts.platform],
    ["Remote", facts.remote || "no"],
    ["Workspace", `${facts.folders} folders, ${facts.trusted ? "trusted" : "not trusted"}`],
    ["Interpreter", facts.interpreter || "the extension's own environment"],
    ["Server", "message" in facts.state ? `${facts.state.kind}: ${facts.state.message}` : facts.state.kind],
    ...engineRows(facts.status),
  ];
  const table = rows.map(([name, value]) => `| ${name} | ${value.replaceAll("|", "\\|").replaceAll("\n", " ")} |`);
  const log = facts.lastLines ? ["", "Last server output:", "", "```", facts.lastLines, "```"] : [];
  return withoutHome(["| | |", "|:--|:--|", ...table, ...log, ""].join("\n"), facts.home);
}

function engineRows(status: Status | undefined): [string, string][] {
  if (!status) {
    return [];
  }
  const { engine } = status;
  return [
    ["Health", `${status.health}${status.message ? `: ${status.message}` : ""}`],
    [
      "Engine",
      `${engine.state}, pid ${engine.pid ?? "none"}, ${engine.restarts} restarts${engine.message ? `: ${engine.message}` : ""}`,
    ],
    ...status.folders.map((folder, index): [string, string] => [
      `Folder ${index + 1}`,
      [
        folder.model,
        folder.backend,
        folder.adapter
          ? `adapter rank ${folder.adapter.rank}, ${folder.adapter.fingerprint.slice(0, 12)}`
          : "no adapter",
        `${folder.files} files, ${folder.chunks} chunks, coverage ${folder.coverage.toFixed(2)}`,
        folder.phase,
        folder.message,
      ]
        .filter(Boolean)
        .join(", "),
    ]),
  ];
}

/** The home folder contains the user's name, which is nobody else's business. */
function withoutHome(text: string, home: string): string {
  return home.length > 1 ? text.replaceAll(home, "~") : text;
}
