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

/** The server cannot be asked: why, and what to do. Undefined when it can. */
export function whyNotAsked(state: ServerState): EmptyState | undefined {
  switch (state.kind) {
    case "running":
      return undefined;
    case "starting":
      return { icon: "sync~spin", text: "CodeContext is starting…", detail: "The search goes on by itself." };
    case "setup":
      return {
        icon: "cloud-download",
        text: "Set up CodeContext",
        detail: "It needs a Python environment of its own, which is made once.",
        command: "codecontext.setUp",
      };
    case "off":
      return {
        icon: "debug-start",
        text: "Start CodeContext",
        detail: state.reason || "It is not running in this workspace.",
        command: "codecontext.start",
      };
    case "failed":
      return { icon: "error", text: "Restart CodeContext", detail: state.message, command: "codecontext.restart" };
  }
}

/** The server answered with nothing: why. */
export function whyNothingFound(result: SearchResult, status: Status | undefined): EmptyState {
  const indexing = status?.folders.find((folder) => folder.phase !== "idle" && folder.coverage < 1);
  if (indexing && !indexing.paused) {
    const reading = indexing.chunks === 0 ? "The files are being read" : `${percent(indexing.coverage)} is indexed`;
    return {
      icon: "sync~spin",
      text: "Nothing found yet",
      detail: `${reading}; the search goes on by itself.`,
    };
  }
  const paused = status?.folders.find((folder) => folder.paused && folder.coverage < 1);
  if (paused) {
    return {
      icon: "debug-pause",
      text: "Nothing found in what is indexed so far",
      detail: `Indexing is paused at ${percent(paused.coverage)}. Enter goes on with it.`,
      command: "codecontext.resumeIndexing",
    };
  }
  return {
    icon: "circle-slash",
    text: "Nothing found",
    detail: result.message || "Enter shows which files are not indexed, and why.",
    command: "codecontext.showSkipped",
  };
}

/** The request failed. */
export function whyFailed(error: unknown): EmptyState {
  const text = error instanceof Error ? error.message : String(error);
  return { icon: "error", text: "The search failed", detail: text, command: "codecontext.showLogs" };
}
