import { spawn } from "node:child_process";
import { LineSplitter, Tail } from "./lines";

/** A program exited with a code other than 0. */
export class ProgramFailed extends Error {
  constructor(
    readonly program: string,
    readonly exitCode: number | null,
    readonly tail: string,
    /** What it wrote to standard output. */
    readonly output = "",
  ) {
    super(`${program} exited with code ${exitCode ?? "none"}${tail ? `:\n${tail}` : "."}`);
    this.name = "ProgramFailed";
  }
}

/** The user stopped it. */
export class Cancelled extends Error {
  constructor() {
    super("Cancelled.");
    this.name = "Cancelled";
  }
}

export type Stream = "stdout" | "stderr";

export interface RunOptions {
  env?: NodeJS.ProcessEnv;
  onLine?: (line: string, stream: Stream) => void;
  signal?: AbortSignal;
  /** The signal that stops it when `signal` is aborted; Windows always kills. */
  stopWith?: NodeJS.Signals;
  cwd?: string;
}

/** Run a program to its end, passing on its lines as they come. Resolves to its standard output. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted) {
      reject(new Cancelled());
      return;
    }
    const child = spawn(program, args, {
      env: options.env,
      cwd: options.cwd,
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
    });
    const tail = new Tail(15);
    const splitterOf = (stream: Stream) =>
      new LineSplitter((line) => {
        tail.push(line);
        options.onLine?.(line, stream);
      });
    const splitters = { stdout: splitterOf("stdout"), stderr: splitterOf("stderr") };
    let output = "";
    const stop = () => child.kill(options.stopWith);
    options.signal?.addEventListener("abort", stop, { once: true });
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      splitters.stdout.push(text);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => splitters.stderr.push(text));
    child.on("error", reject);
    child.on("close", (exitCode) => {
      options.signal?.removeEventListener("abort", stop);
      splitters.stdout.end();
      splitters.stderr.end();
      if (exitCode === 0) {
        resolve(output); // Also when it was done before it could be stopped.
      } else if (options.signal?.aborted) {
        reject(new Cancelled());
      } else {
        reject(new ProgramFailed(program, exitCode, tail.text, output));
      }
    });
  });
}

// What another Python or another virtual environment left in the editor's environment; it would lead ours astray.
const MISLEADING = new Set([
  "PYTHONHOME",
  "PYTHONPATH",
  "PYTHONSTARTUP",
  "VIRTUAL_ENV",
  "CONDA_PREFIX",
  "__PYVENV_LAUNCHER__",
]);

/** The environment for our Python processes. How the user reaches package indexes (PIP_*, UV_*, proxies) stays. */
export function pythonEnvironment(inherited: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(inherited).filter(([name]) => !MISLEADING.has(name));
  return { ...Object.fromEntries(kept), PYTHONUTF8: "1", PYTHONUNBUFFERED: "1", TOKENIZERS_PARALLELISM: "false" };
}
