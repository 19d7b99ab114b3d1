import type { ActiveAdapter, FolderStatus, Status } from "../protocol";
import { percent } from "../search/rows";
import { printable, printableLabel } from "../support/printable";
import type { ServerState } from "../server/languageServer";

export type Severity = "none" | "warning" | "error";

/** What the status bar item shows. */
export interface Indicator {
  text: string;
  severity: Severity;
  /** Markdown with command links. */
  tooltip: string;
  /** For screen readers. */
  label: string;
}

/** Which folder the item shows: the one of the active editor, if it is in one. */
export interface Focus {
  folder: string | undefined;
  now: Date;
  /** How paths in texts are shown. */
  shorten?: (text: string) => string;
}

const NAME = "CodeContext";

export function indicatorOf(state: ServerState, status: Status | undefined, focus: Focus): Indicator {
  switch (state.kind) {
    case "off":
      return plain("circle-slash", "none", state.reason || "Not running in this workspace.", ["start", "showLogs"]);
    case "setup":
      return plain("cloud-download", "none", "A one-time setup is needed on this machine.", [
        "setUp",
        "openWalkthrough",
      ]);
    case "starting":
      return plain("sync~spin", "none", "Starting…", ["showLogs"]);
    case "failed":
      return plain("error", "error", state.message, ["restart", "showLogs", "showDiagnostics"]);
    case "running":
      return status ? running(status, focus) : plain("sync~spin", "none", "Starting…", ["showLogs"]);
  }
}

/** The folder that an editor is in, else the first with a problem, else the first. */
export function focusedFolder(status: Status, uri: string | undefined): FolderStatus | undefined {
  return (
    status.folders.find((folder) => folder.uri === uri) ??
    status.folders.find((folder) => folder.health !== "ok") ??
    status.folders[0]
  );
}

function running(status: Status, focus: Focus): Indicator {
  const folder = focusedFolder(status, focus.folder);
  if (!folder) {
    return plain("search-fuzzy", "none", status.message || "No folder is open.", ["showLogs"]);
  }
  const severity = severityOf(status, folder);
  const icon = iconOf(status, folder, severity);
  const text = `$(${icon}) ${printableLabel(shownName(folder))}${progressOf(folder)}`;
  const problem = folder.message ? `, ${folder.message}` : "";
  const label = printable(`${NAME}: ${activeModel(folder)}, ${activityOf(folder)}${problem}`);
  return { text, severity, tooltip: tooltipOf(status, folder, focus), label };
}

function severityOf(status: Status, folder: FolderStatus): Severity {
  const worst = [folder.health, status.engine.state === "failed" ? "error" : "ok"];
  return worst.includes("error") ? "error" : worst.includes("warning") ? "warning" : "none";
}

function iconOf(status: Status, folder: FolderStatus, severity: Severity): string {
  if (severity !== "none") {
    return severity;
  }
  const isBehind = folder.coverage < 1 && !status.quiescent;
  if (isSwapping(folder) || isWorking(folder) || isBehind || ["starting", "restarting"].includes(status.engine.state)) {
    return folder.paused ? "debug-pause" : "sync~spin";
  }
  return folder.paused ? "debug-pause" : folder.adapter ? "layers-active" : "search-fuzzy";
}

function shownName(folder: FolderStatus): string {
  return isSwapping(folder) ? `${nameOf(folder)} → ${pendingName(folder)}` : nameOf(folder);
}

/** The adapter's name, or the base model's; what there is without either. */
export function nameOf(folder: FolderStatus): string {
  if (folder.keywordOnly) {
    return "keyword search";
  }
  return folder.adapter?.name || modelName(folder) || NAME;
}

function modelName({ model }: FolderStatus): string {
  return lastPart(model);
}

function pendingName(folder: FolderStatus): string {
  return lastPart(folder.pendingAdapter ?? "") || modelName(folder);
}

function lastPart(path: string): string {
  return path.split(/[\\/]/).filter(Boolean).at(-1) ?? "";
}

function isSwapping(folder: FolderStatus): boolean {
  return folder.pendingAdapter !== null;
}

function isWorking(folder: FolderStatus): boolean {
  return folder.phase !== "idle";
}

/** A percentage while there is something to wait for. */
function progressOf(folder: FolderStatus): string {
  if (isSwapping(folder)) {
    return folder.pendingCoverage === null ? "" : ` ${percent(folder.pendingCoverage)}`;
  }
  if (folder.coverage < 1 && folder.chunks > 0) {
    return ` ${percent(folder.coverage)}`;
  }
  return isWorking(folder) && folder.total > 0 && folder.done < folder.total
    ? ` ${percent(folder.done / folder.total)}`
    : "";
}

function activeModel(folder: FolderStatus): string {
  if (folder.keywordOnly) {
    return "keyword search only";
  }
  return folder.adapter ? `adapter ${folder.adapter.name}` : `base model ${modelName(folder)}`;
}

function activityOf(folder: FolderStatus): string {
  if (folder.paused) {
    return `paused at ${percent(folder.coverage)}`;
  }
  return isWorking(folder)
    ? `${folder.phase}, ${percent(folder.coverage)} indexed`
    : `${percent(folder.coverage)} indexed`;
}

/** All that is known, as Markdown. */
export function tooltipOf(status: Status, folder: FolderStatus, focus: Focus): string {
  const known = folder.problems.map(({ message, hint }) => `${message} ${hint}`.trim());
  const problems = [folder.message, ...known, status.engine.message].filter(
    (text, at, all) => text && all.indexOf(text) === at,
  );
  const { shorten = asIs } = focus;
  const sign = severityOf(status, folder) === "error" ? "error" : "warning";
  const parts = [
    `**CodeContext** · ${status.folders.length > 1 ? `${escaped(folder.name)} · ` : ""}${escaped(activeModel(folder))}`,
    ...problems.map((problem) => `$(${sign}) ${escaped(shorten(problem))}`),
    table(rowsOf(status, folder, focus)),
    ...folder.notices.map((notice) => `$(info) ${escaped(notice)}`),
    othersOf(status, folder),
    linksOf(folder),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function rowsOf(status: Status, folder: FolderStatus, focus: Focus): [string, string][] {
  return [
    ["Model", folder.keywordOnly ? "none, as `indexing.vectors` is off" : modelRow(folder)],
    ...adapterRows(folder.adapter, focus),
    ...(isSwapping(folder) ? [["Preparing", preparing(folder)] as [string, string]] : []),
    ["Indexed", `${percent(folder.coverage)} of ${amount(folder.chunks)} chunks in ${amount(folder.files)} files`],
    ...(folder.phase === "idle" ? [] : [["Now", `${folder.phase}${etaOf(folder)}`] as [string, string]]),
    ["Engine", engineOf(status)],
  ];
}

function modelRow(folder: FolderStatus): string {
  return [folder.model && code(modelName(folder)), folder.backend && `with ${escaped(folder.backend)}`]
    .filter(Boolean)
    .join(" ");
}

function adapterRows(adapter: ActiveAdapter | null, { now, shorten = asIs }: Focus): [string, string][] {
  if (!adapter) {
    return [["Adapter", "none (base model only)"]];
  }
  const side = adapter.side === "query" ? ", queries only" : "";
  return [
    ["Adapter", code(shorten(adapter.path))],
    ["LoRA", `rank ${adapter.rank}, alpha ${adapter.alpha}${side}`],
    ["Fingerprint", code(adapter.fingerprint.slice(0, 16))],
    ["Loaded", `${timeOf(adapter.loadedAt, now)}, in ${Math.round(adapter.loadMilliseconds)} ms`],
  ];
}

function preparing(folder: FolderStatus): string {
  const share = folder.pendingCoverage === null ? "" : `, ${percent(folder.pendingCoverage)}`;
  return `${code(pendingName(folder))}${share}`;
}

function engineOf({ engine }: Status): string {
  const state = engine.state === "idle" ? "idle (starts on next search)" : engine.state;
  const memory = engine.memoryBytes === null ? "" : `, ${megabytes(engine.memoryBytes)}`;
  const restarts =
    engine.restarts === 0 ? "" : `, restarted ${engine.restarts === 1 ? "once" : `${engine.restarts} times`}`;
  return `${state}${memory}${restarts}`;
}

function etaOf({ etaSeconds, paused }: FolderStatus): string {
  if (paused) {
    return ", paused";
  }
  return etaSeconds === null ? "" : `, ${duration(etaSeconds)} left`;
}

function othersOf(status: Status, folder: FolderStatus): string {
  const others = status.folders.filter((other) => other.uri !== folder.uri);
  return others
    .map(
      (other) =>
        `${escaped(other.name)} · ${escaped(nameOf(other))} · ${activityOf(other)}${other.message ? ` · $(warning) ${escaped(other.message)}` : ""}`,
    )
    .join("  \n");
}

function linksOf(folder: FolderStatus): string {
  const adapter: Command[] = folder.wantedAdapterPath === null ? ["selectAdapter"] : ["selectAdapter", "reloadAdapter"];
  const index: Command[] = [folder.paused ? "resumeIndexing" : "pauseIndexing", "updateIndex", "showLogs", "restart"];
  const skipped =
    folder.skipped > 0 ? ` · [${amount(folder.skipped)} files not indexed](command:codecontext.showSkipped)` : "";
  return `${adapter.map(link).join(" · ")}${skipped}  
${index.map(link).join(" · ")}`;
}

export const COMMANDS = {
  start: ["debug-start", "Start"],
  setUp: ["cloud-download", "Set Up"],
  restart: ["debug-restart", "Restart"],
  selectAdapter: ["layers", "Select Adapter"],
  reloadAdapter: ["refresh", "Reload Adapter"],
  pauseIndexing: ["debug-pause", "Pause"],
  resumeIndexing: ["debug-continue", "Resume"],
  updateIndex: ["sync", "Update Index"],
  showLogs: ["output", "Logs"],
  showDiagnostics: ["pulse", "Diagnostics"],
  openWalkthrough: ["mortar-board", "Walkthrough"],
} as const;
export type Command = keyof typeof COMMANDS;

function link(command: Command): string {
  const [icon, title] = COMMANDS[command];
  return `[$(${icon})&nbsp;${title}](command:codecontext.${command})`;
}

function plain(icon: string, severity: Severity, text: string, commands: Command[]): Indicator {
  const tooltip = [`**${NAME}**`, escaped(text), commands.map(link).join(" · ")].join("\n\n");
  return { text: `$(${icon}) ${NAME}`, severity, tooltip, label: printable(`${NAME}: ${text}`) };
}

function table(rows: readonly [string, string][]): string {
  const lines = rows.filter(([, value]) => value !== "").map(([name, value]) => `| ${name} | ${value} |`);
  return ["| | |", "|:--|:--|", ...lines].join("\n");
}

function code(text: string): string {
  return `\`${printable(text).replace(/[`|]/g, "")}\``;
}

/** Text of others on one line, shown as it is: neither Markdown nor links nor icons in it are taken for ours. */
export function escaped(text: string): string {
  return printable(text.replace(/\r?\n/g, " ")).replace(/[\\`*_{}[\]()#+\-!|<>~$&]/g, "\\$&");
}

function asIs(text: string): string {
  return text;
}

function amount(count: number): string {
  return count.toLocaleString("en");
}

export function megabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.max(1, Math.round(bytes / 1e6))} MB`;
}

export function duration(seconds: number): string {
  if (seconds < 60) {
    return `${Math.max(1, Math.round(seconds))} s`;
  }
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A time of today without its date. */
export function timeOf(secondsSince1970: number, now: Date): string {
  const time = new Date(secondsSince1970 * 1000);
  const clock = time.toLocaleTimeString("en-GB");
  return time.toDateString() === now.toDateString() ? clock : `${time.toLocaleDateString("en-CA")} ${clock}`;
}
