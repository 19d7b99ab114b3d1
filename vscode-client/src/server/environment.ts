import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Interpreter } from "./python";
import { Cancelled, pythonEnvironment, run } from "./processes";

/** What the extension brings along: our wheel, and the exact versions of all that it needs, with their digests. */
export interface Bundle {
  wheel: string;
  requirements: string;
  /** PyTorch alone, which comes in several builds of one version. */
  torch: string;
}

export interface MakeOptions {
  interpreter: Interpreter;
  /** Where PyTorch comes from, if not from the usual index. */
  torchIndexUrl: string;
  onLine: (line: string) => void;
  onStep: (step: string) => void;
  signal: AbortSignal;
}

/** Written last: what a complete environment was made of. */
interface Marker {
  wheel: string;
  requirements: string;
  python: string;
}

/** Only wheels whose digest is known: no source builds, no dependencies beyond the locked ones. */
const ONLY_AS_LOCKED = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--requirement"] as const;

const MARKER = "complete.json";

/** Find the wheel that was packaged with the extension; undefined in a package without one. */
export async function findBundle(folder: string): Promise<Bundle | undefined> {
  const names = existsSync(folder) ? await readdir(folder) : [];
  const wheel = names.find((name) => name.endsWith(".whl"));
  return wheel
    ? { wheel: join(folder, wheel), requirements: join(folder, "requirements.txt"), torch: join(folder, "torch.txt") }
    : undefined;
}

/**
 * A virtual environment below the extension's own storage, which outlives updates of the extension.
 *
 * Its folder is named by what is expensive to install, the pinned requirements; a new release of ours with the same
 * requirements only replaces our own wheel in it. Nothing outside the folder is touched.
 */
export class ManagedEnvironment {
  private constructor(
    private readonly root: string,
    private readonly bundle: Bundle,
    private readonly wheelDigest: string,
    private readonly requirementsDigest: string,
  ) {}

  static async of(root: string, bundle: Bundle): Promise<ManagedEnvironment> {
    const [wheel, requirements] = await Promise.all([digest(bundle.wheel), digest(bundle.requirements, bundle.torch)]);
    return new ManagedEnvironment(root, bundle, wheel, requirements);
  }

  get folder(): string {
    return join(this.root, `python-${this.requirementsDigest.slice(0, 12)}`);
  }

  get python(): string {
    return process.platform === "win32"
      ? join(this.folder, "Scripts", "python.exe")
      : join(this.folder, "bin", "python");
  }

  /** Whether it can be used as it is, needs only our own new wheel, or has to be made. */
  async state(): Promise<"ready" | "outdated" | "missing"> {
    const marker = await this.marker();
    if (marker?.requirements !== this.requirementsDigest || !existsSync(this.python)) {
      return "missing";
    }
    return marker.wheel === this.wheelDigest ? "ready" : "outdated";
  }

  /** Make it, or bring it up to date; if another window is already making it, wait. An incomplete one is removed. */
  async make(options: MakeOptions): Promise<void> {
    await mkdir(this.root, { recursive: true });
    const release = await this.lock(options);
    try {
      switch (await this.state()) {
        case "ready":
          return;
        case "outdated":
          await this.installWheel(options);
          break;
        case "missing":
          await this.makeFromScratch(options);
      }
      const marker = {
        wheel: this.wheelDigest,
        requirements: this.requirementsDigest,
        python: options.interpreter.tag,
      };
      await writeFile(join(this.folder, MARKER), JSON.stringify(marker satisfies Marker));
      await this.removeOthers();
    } finally {
      await release();
    }
  }

  /** Remove every environment that the extension made. */
  async remove(): Promise<void> {
    for (const name of await this.environments()) {
      await rm(join(this.root, name), { recursive: true, force: true });
    }
  }

  private async makeFromScratch(options: MakeOptions): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
    try {
      const uv = await findUv();
      options.onStep("Creating a virtual environment");
      if (uv) {
        await this.step(options, uv, ["venv", "--python", options.interpreter.path, this.folder]);
      } else {
        await this.step(options, options.interpreter.path, ["-m", "venv", this.folder]);
      }
      options.onStep("Installing dependencies");
      await this.install(options, uv, [...ONLY_AS_LOCKED, this.bundle.requirements]);
      options.onStep("Installing PyTorch");
      await this.installTorch(options, uv);
      options.onStep("Installing CodeContext");
      await this.install(options, uv, ["--no-deps", this.bundle.wheel]);
    } catch (error) {
      await rm(this.folder, { recursive: true, force: true });
      throw error;
    }
  }

  /**
   * On Linux, and where the user names an index, the build depends on the machine and its digest is not known here: there
   * only the version is given. Its other dependencies are installed already, except those of CUDA, which it pins itself.
   */
  private async installTorch(options: MakeOptions, uv: string | undefined): Promise<void> {
    const pin = /^torch==[\w.]+/m.exec(await readFile(this.bundle.torch, "utf8"))?.[0];
    if (!pin) {
      return;
    }
    const isOneBuild = process.platform !== "linux" && !options.torchIndexUrl;
    await this.install(
      options,
      uv,
      isOneBuild ? [...ONLY_AS_LOCKED, this.bundle.torch] : [pin, ...torchSource(options, uv)],
    );
  }

  private async installWheel(options: MakeOptions): Promise<void> {
    options.onStep("Updating CodeContext");
    await rm(join(this.folder, MARKER), { force: true });
    await this.install(options, await findUv(), ["--no-deps", "--force-reinstall", this.bundle.wheel]);
  }

  private async install(options: MakeOptions, uv: string | undefined, what: readonly string[]): Promise<void> {
    if (uv) {
      await this.step(options, uv, ["pip", "install", "--python", this.python, ...what]);
    } else {
      const quiet = ["--no-input", "--disable-pip-version-check", "--progress-bar", "off"];
      await this.step(options, this.python, ["-m", "pip", "install", ...quiet, ...what]);
    }
  }

  private async step(options: MakeOptions, program: string, args: readonly string[]): Promise<void> {
    options.onLine(`> ${[program, ...args].join(" ")}`);
    const env = pythonEnvironment(process.env);
    await run(program, args, { env, onLine: options.onLine, signal: options.signal, cwd: this.root });
  }

  /** One window at a time. The lock of a closed window expires. */
  private async lock({ signal, onStep }: MakeOptions): Promise<() => Promise<void>> {
    const { lock } = await import("proper-lockfile");
    for (;;) {
      try {
        return await lock(this.root, { stale: 20_000, update: 5_000, lockfilePath: join(this.root, "python.lock") });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ELOCKED") {
          throw error;
        }
      }
      onStep("Another window is running the setup; waiting");
      await pause(500, signal);
    }
  }

  private async removeOthers(): Promise<void> {
    for (const name of await this.environments()) {
      if (join(this.root, name) !== this.folder) {
        await rm(join(this.root, name), { recursive: true, force: true });
      }
    }
  }

  private async environments(): Promise<string[]> {
    const names = existsSync(this.root) ? await readdir(this.root) : [];
    return names.filter((name) => /^python-[0-9a-f]{12}$/.test(name));
  }

  private async marker(): Promise<Marker | undefined> {
    try {
      return JSON.parse(await readFile(join(this.folder, MARKER), "utf8")) as Marker;
    } catch {
      return undefined; // Not there, or not whole: either way the environment is not complete.
    }
  }
}

/** uv detects which build of PyTorch a machine needs; pip does not. */
function torchSource({ torchIndexUrl }: MakeOptions, uv: string | undefined): string[] {
  if (torchIndexUrl) {
    return uv ? ["--index", torchIndexUrl] : ["--extra-index-url", torchIndexUrl];
  }
  return uv && process.platform === "linux" ? ["--torch-backend", "auto"] : [];
}

async function findUv(): Promise<string | undefined> {
  try {
    await run("uv", ["--version"]);
    return "uv";
  } catch {
    return undefined;
  }
}

/** The package that a line of pip's or uv's is about; empty for other lines. */
export function packageIn(line: string): string {
  return /^\s*(?:Collecting|Downloading|Using cached|Installing|Prepared|\+)\s+([A-Za-z][\w.-]*)/.exec(line)?.[1] ?? "";
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new Cancelled());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", stop, { once: true });
  });
}

async function digest(...files: string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) {
    hash.update(await readFile(file));
  }
  return hash.digest("hex");
}
