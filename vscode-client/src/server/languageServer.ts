import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import {
  type AdaptersResult,
  type Done,
  type FindSimilarParams,
  type FolderParams,
  type InitializationOptions,
  Method,
  type OpenedParams,
  type ReindexParams,
  type SearchParams,
  type SearchResult,
  type SkippedResult,
  type Status,
} from "../protocol";
import { SECTION, settingsFor } from "./configuration";
import type { Launch } from "./launch";
import { LineSplitter, Tail } from "./lines";
import { pythonEnvironment } from "./processes";

/** Life of the language server, as the user knows it. */
export type ServerState =
  | { kind: "off"; reason: string }
  | { kind: "setup" }
  | { kind: "starting" }
  | { kind: "running" }
  | { kind: "failed"; message: string };

/** A request could not be made because the server is not running. */
export class NotRunning extends Error {
  constructor() {
    super("CodeContext is not running.");
    this.name = "NotRunning";
  }
}

const MAX_RESTARTS = 3;
const RESTARTS_WITHIN_MS = 3 * 60_000;

/**
 * The language server: started, watched, restarted and called from here alone.
 *
 * Starts and stops run one after another, so that two reasons to restart make one restart.
 */
export class LanguageServer implements vscode.Disposable {
  private readonly stateEmitter = new vscode.EventEmitter<ServerState>();
  private readonly statusEmitter = new vscode.EventEmitter<Status | undefined>();
  readonly onDidChangeState = this.stateEmitter.event;
  readonly onDidChangeStatus = this.statusEmitter.event;

  private current: ServerState = { kind: "off", reason: "" };
  private client: LanguageClient | undefined;
  private latest: Status | undefined;
  private queue: Promise<void> = Promise.resolve();
  private waiting: Promise<void> | undefined;
  private restarts: number[] = [];
  private tail = new Tail(20);
  private disposed = false;

  constructor(
    private readonly resolve: () => Promise<Launch | undefined>,
    private readonly log: vscode.LogOutputChannel,
    private readonly serverLog: vscode.LogOutputChannel,
  ) {}

  get state(): ServerState {
    return this.current;
  }

  get status(): Status | undefined {
    return this.latest;
  }

  /** Start or restart it. Several calls at once are one. Never rejects: what went wrong is the state. */
  restart(reason: string): Promise<void> {
    this.log.info(`Starting the server: ${reason}`);
    this.waiting ??= this.inTurn(async () => {
      this.waiting = undefined;
      await this.stopClient();
      await this.startClient();
    });
    return this.waiting;
  }

  /** Stop it and say why it is off. */
  stop(reason: string): Promise<void> {
    return this.inTurn(async () => {
      await this.stopClient();
      this.become({ kind: "off", reason });
    });
  }

  dispose(): void {
    this.disposed = true;
    void this.inTurn(() => this.stopClient());
    this.stateEmitter.dispose();
    this.statusEmitter.dispose();
  }

  /** Keyword hits arrive first through `onPartial`, then the complete result. */
  async search(
    params: SearchParams,
    token: vscode.CancellationToken,
    onPartial?: (result: SearchResult) => void,
  ): Promise<SearchResult> {
    const client = this.running();
    if (!onPartial) {
      return client.sendRequest<SearchResult>(Method.search, params, token);
    }
    const { ProgressType } = await import("vscode-languageclient/node");
    const partialResultToken = crypto.randomUUID();
    const listener = client.onProgress(new ProgressType<SearchResult>(), partialResultToken, onPartial);
    try {
      return await client.sendRequest<SearchResult>(Method.search, { ...params, partialResultToken }, token);
    } finally {
      listener.dispose();
    }
  }

  findSimilar(params: FindSimilarParams, token: vscode.CancellationToken): Promise<SearchResult> {
    return this.running().sendRequest<SearchResult>(Method.findSimilar, params, token);
  }

  /** Report an opened hit, which the server records only if the user wants that. A failure is only logged. */
  opened(params: OpenedParams): void {
    if (this.client?.isRunning()) {
      this.client.sendRequest<Done>(Method.opened, params).catch((error: unknown) => {
        this.log.debug(`The opened result was not recorded: ${String(error)}`);
      });
    }
  }

  adapters(): Promise<AdaptersResult> {
    return this.running().sendRequest<AdaptersResult>(Method.adapters, {});
  }

  reloadAdapter(params: FolderParams): Promise<Done> {
    return this.running().sendRequest<Done>(Method.reloadAdapter, params);
  }

  reindex(params: ReindexParams): Promise<Done> {
    return this.running().sendRequest<Done>(Method.reindex, params);
  }

  pause(params: FolderParams): Promise<Done> {
    return this.running().sendRequest<Done>(Method.pause, params);
  }

  resume(params: FolderParams): Promise<Done> {
    return this.running().sendRequest<Done>(Method.resume, params);
  }

  skipped(params: FolderParams): Promise<SkippedResult> {
    return this.running().sendRequest<SkippedResult>(Method.skipped, params);
  }

  /** The last lines that the server wrote to stderr. */
  get lastLines(): string {
    return this.tail.text;
  }

  private running(): LanguageClient {
    if (this.current.kind !== "running" || !this.client) {
      throw new NotRunning();
    }
    return this.client;
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(work, work);
    return this.queue;
  }

  private async startClient(): Promise<void> {
    if (this.disposed) {
      return;
    }
    this.become({ kind: "starting" });
    this.tail = new Tail(20);
    try {
      const launch = await this.resolve();
      if (!launch) {
        this.become({ kind: "setup" });
        return;
      }
      this.log.info(`Running CodeContext ${launch.version} with ${launch.python}`);
      const client = await this.makeClient(launch);
      this.client = client;
      await client.start();
      this.become({ kind: "running" });
      this.show(await client.sendRequest<Status>(Method.status, {}));
    } catch (error) {
      await this.stopClient();
      this.fail(error);
    }
  }

  private async stopClient(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    this.show(undefined);
    if (!client) {
      return;
    }
    try {
      await client.dispose(2000);
    } catch (error) {
      this.log.debug(`The server did not shut down cleanly: ${String(error)}`);
    }
  }

  private fail(error: unknown): void {
    const lastLine = this.tail.last;
    const message = lastLine || (error instanceof Error ? error.message : String(error));
    this.log.error(`The server could not start: ${String(error)}${lastLine ? `\n${this.tail.text}` : ""}`);
    this.become({ kind: "failed", message });
  }

  private become(state: ServerState): void {
    this.current = state;
    if (!this.disposed) {
      this.stateEmitter.fire(state);
    }
  }

  private show(status: Status | undefined): void {
    this.latest = status;
    if (!this.disposed) {
      this.statusEmitter.fire(status);
    }
  }

  /** The connection closed unexpectedly. */
  private lost(client: LanguageClient): void {
    if (client !== this.client) {
      return;
    }
    this.client = undefined;
    this.show(undefined);
    const now = Date.now();
    this.restarts = [...this.restarts.filter((time) => now - time < RESTARTS_WITHIN_MS), now];
    if (this.restarts.length > MAX_RESTARTS) {
      this.fail(new Error(`The server exited ${this.restarts.length} times within three minutes.`));
    } else {
      void this.restart("it exited unexpectedly");
    }
  }

  private async makeClient(launch: Launch): Promise<LanguageClient> {
    // Loaded only now, so that activating the extension stays cheap.
    const { CloseAction, ErrorAction, LanguageClient, RevealOutputChannelOn } =
      await import("vscode-languageclient/node");
    const options: InitializationOptions = {
      settings: settingsFor(vscode.workspace.workspaceFolders?.[0]?.uri),
      trusted: vscode.workspace.isTrusted,
      workspaceSymbols: false, // VS Code would filter the answers by name once more.
    };
    const client: LanguageClient = new LanguageClient(SECTION, "CodeContext", () => this.spawnServer(launch), {
      documentSelector: [{ scheme: "file" }],
      initializationOptions: options,
      outputChannel: this.serverLog,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => {
          this.lost(client);
          return { action: CloseAction.DoNotRestart, handled: true };
        },
      },
      middleware: {
        // The status bar item shows the same, and can be clicked.
        handleWorkDoneProgress: () => undefined,
        workspace: {
          configuration: (params) =>
            params.items.map((item) => settingsFor(item.scopeUri ? vscode.Uri.parse(item.scopeUri) : undefined)),
          // The server pulls its settings; what would be pushed contains the defaults, too.
          didChangeConfiguration: async (_sections, next) => next(undefined),
        },
      },
    });
    client.onNotification(Method.statusChanged, (status: Status) => {
      if (client === this.client) {
        this.show(status);
      }
    });
    return client;
  }

  private spawnServer(launch: Launch): Promise<ChildProcessWithoutNullStreams> {
    return new Promise((resolve, reject) => {
      // -P: nothing is imported from the folder that the editor happens to be in.
      const child = spawn(launch.python, ["-P", "-m", "codecontext.cli", "serve"], {
        env: pythonEnvironment(process.env),
        stdio: "pipe",
        windowsHide: true,
      });
      const tail = this.tail;
      const lines = new LineSplitter((line) => tail.push(line));
      child.stderr.on("data", (data: Buffer) => lines.push(data.toString("utf8")));
      child.stderr.on("end", () => lines.end());
      child.once("spawn", () => resolve(child));
      child.once("error", reject);
    });
  }
}
