import type { SearchResult, Status } from "../protocol";
import type { ServerState } from "../server/languageServer";
import { percent } from "./rows";

/** Why there is nothing to show, and the command that helps, if one does. */
export interface EmptyState {
  icon: string;
  text: string;
  detail: string;
  command?: string;
}

/** Why the server cannot search, and what to do. Undefined when it can. */
export function whyUnavailable(state: ServerState): EmptyState | undefined {
  switch (state.kind) {
    case "running":
      return undefined;
    case "starting":
      return { icon: "sync~spin", text: "CodeContext is starting…", detail: "Your search will run automatically." };
    case "setup":
      return {
        icon: "cloud-download",
        text: "Set up CodeContext",
        detail: "It needs its own Python environment. Setup runs once.",
        command: "codecontext.setUp",
      };
    case "off":
      return {
        icon: "debug-start",
        text: "Start CodeContext",
        detail: state.reason || "CodeContext is not running in this workspace.",
        command: "codecontext.start",
      };
    case "failed":
      return { icon: "error", text: "Restart CodeContext", detail: state.message, command: "codecontext.restart" };
  }
}

/** Why a search found nothing. */
export function whyNothingFound(result: SearchResult, status: Status | undefined): EmptyState {
  const indexing = status?.folders.find((folder) => folder.phase !== "idle" && folder.coverage < 1);
  if (indexing && !indexing.paused) {
    const reading = indexing.chunks === 0 ? "Files are still being read" : `${percent(indexing.coverage)} is indexed`;
    return {
      icon: "sync~spin",
      text: "Nothing found yet",
      detail: `${reading}. Your search will run automatically.`,
    };
  }
  const paused = status?.folders.find((folder) => folder.paused && folder.coverage < 1);
  if (paused) {
    return {
      icon: "debug-pause",
      text: "Nothing found so far",
      detail: `Indexing is paused at ${percent(paused.coverage)}. Press Enter to resume.`,
      command: "codecontext.resumeIndexing",
    };
  }
  return {
    icon: "circle-slash",
    text: "Nothing found",
    detail: result.message || "Press Enter to see which files are not indexed, and why.",
    command: "codecontext.showSkipped",
  };
}

/** The request failed. */
export function whyFailed(error: unknown): EmptyState {
  const text = error instanceof Error ? error.message : String(error);
  return { icon: "error", text: "Search failed", detail: text, command: "codecontext.showLogs" };
}
