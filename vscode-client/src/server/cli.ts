import { ProgramFailed, pythonEnvironment, run } from "./processes";

/** Progress of a command (docs/cli.md). */
export interface CliProgress {
  event: "progress";
  stage: string;
  done: number;
  total: number;
  eta_seconds: number | null;
  score?: number;
  base_score?: number;
}

/** A command failed with its own message. */
export class CliError extends Error {
  constructor(
    readonly code: string,
    /** What was wrong. */
    readonly sentence: string,
    /** How to fix it from a terminal; may be empty. */
    hint: string,
  ) {
    super([sentence, hint].filter(Boolean).join(" "));
    this.name = "CliError";
  }
}

export interface CliOptions {
  python: string;
  folder: string;
  /** Settings as environment variables. */
  variables: Readonly<Record<string, string>>;
  signal: AbortSignal;
  onProgress: (progress: CliProgress) => void;
  onLine: (line: string) => void;
}

/** Run a long command of ours to its JSON result. Stopped as by Ctrl-C, so that it can keep its state. */
export async function runCli<Result>(args: readonly string[], options: CliOptions): Promise<Result> {
  const { python, folder, variables, signal, onProgress, onLine } = options;
  try {
    // -P: nothing is imported from the folder that the command runs in.
    const output = await run(python, ["-P", "-m", "codecontext.cli", ...args, "--progress", "json", "--json"], {
      cwd: folder,
      env: { ...pythonEnvironment(process.env), ...variables },
      signal,
      stopWith: "SIGINT",
      onLine: (line, stream) => {
        if (stream === "stderr") {
          const progress = readProgress(line);
          if (progress) {
            onProgress(progress);
          } else {
            onLine(line);
          }
        }
      },
    });
    return JSON.parse(output) as Result;
  } catch (error) {
    throw (error instanceof ProgramFailed && errorIn(error.output)) || error;
  }
}

/** The event in a line of stderr; undefined where it is a line of the log. */
export function readProgress(line: string): CliProgress | undefined {
  const value = line.startsWith("{") ? parsed(line) : undefined;
  return isObject(value) && value.event === "progress" ? (value as unknown as CliProgress) : undefined;
}

function errorIn(output: string): CliError | undefined {
  const document = parsed(output);
  const error = isObject(document) ? document.error : undefined;
  if (!isObject(error)) {
    return undefined;
  }
  const [code = "", message = "", hint = ""] = ["code", "message", "hint"].map((name) => {
    const value = error[name];
    return typeof value === "string" ? value : "";
  });
  return new CliError(code, /[.!?]$/.test(message) ? message : `${message}.`, hint);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
