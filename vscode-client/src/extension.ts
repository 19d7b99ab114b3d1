import * as vscode from "vscode";
import { reloadAdapter, selectAdapter, showAdapter, pickFolder } from "./adapter/commands";
import { showMenu } from "./adapter/menu";
import { openAdapterSetting, SettingFaults } from "./adapter/settingFault";
import { AdapterStatusBar } from "./adapter/statusBar";
import { AdapterTraining } from "./adapter/training";
import { askAboutLargeWorkspace, rememberAllowed, verdictOnStart } from "./index/consent";
import type { FolderParams, SearchHit, SearchResult } from "./protocol";
import { Highlight } from "./search/highlight";
import { SearchHistory } from "./search/history";
import { Results } from "./search/results";
import { type ResultNode, ResultsView } from "./search/resultsView";
import { SearchPick } from "./search/searchPick";
import { FindSimilarAction, type Specimen, specimenInEditor, specimenOfHit } from "./search/similar";
import { LanguageServer, NotRunning } from "./server/languageServer";
import { type Launch, managedEnvironment, resolveLaunch } from "./server/launch";
import { setUpEnvironment } from "./server/setUp";
import { Pages, reportIssue, showDiagnostics, showSkipped } from "./support/commands";

/** What tests and other extensions get from activating this one. */
export interface Api {
  server: LanguageServer;
  results: ResultsView;
  activationMilliseconds: number;
}

export function activate(context: vscode.ExtensionContext): Api {
  const began = performance.now();
  const extension = new Extension(context);
  void extension.startIfAllowed();
  return {
    server: extension.server,
    results: extension.view,
    activationMilliseconds: performance.now() - began,
  };
}

/** The parts, wired together. */
class Extension {
  readonly server: LanguageServer;
  readonly view: ResultsView;
  private readonly log: vscode.LogOutputChannel;
  private readonly serverLog: vscode.LogOutputChannel;
  private readonly highlight = new Highlight();
  private readonly pages = new Pages();
  private readonly history: SearchHistory;
  private readonly training: AdapterTraining;
  private consent: "ask" | "given" | "none" = "none";

  constructor(private readonly context: vscode.ExtensionContext) {
    this.log = vscode.window.createOutputChannel("CodeContext", { log: true });
    this.serverLog = vscode.window.createOutputChannel("CodeContext Server", { log: true });
    this.server = new LanguageServer(() => this.launch(), this.log, this.serverLog);
    this.history = new SearchHistory(context.workspaceState);
    this.view = new ResultsView(context.workspaceState, this.highlight);
    this.training = new AdapterTraining(context, this.server, this.log);
    context.subscriptions.push(
      this.log,
      this.serverLog,
      this.server,
      this.view,
      this.highlight,
      this.pages,
      this.training,
      new AdapterStatusBar(this.server),
      new SettingFaults(this.server),
      this.server.onDidChangeState((state) => {
        void vscode.commands.executeCommand("setContext", "codecontext.state", state.kind);
        if (state.kind === "failed") {
          void this.sayThatItFailed(state.message);
        }
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.restartIfRunning("the workspace is trusted now")),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("codecontext.python")) {
          void this.startIfAllowed("the interpreter setting changed");
        } else if (event.affectsConfiguration("codecontext.index") && this.server.state.kind === "off") {
          void this.startIfAllowed("the settings allow it now");
        }
      }),
      vscode.workspace.onDidChangeWorkspaceFolders(() => {
        if (this.server.state.kind === "off") {
          void this.startIfAllowed("a folder was opened");
        }
      }),
      vscode.languages.registerCodeActionsProvider({ scheme: "file" }, new FindSimilarAction()),
    );
    void vscode.commands.executeCommand("setContext", "codecontext.state", "off");
    this.registerCommands();
  }

  /** Start the server unless the user said that nothing shall run here by itself. */
  async startIfAllowed(reason = "a folder is open"): Promise<void> {
    const { workspaceState } = this.context;
    const verdict = await verdictOnStart(workspaceState);
    if (verdict.kind === "start") {
      await this.server.restart(reason);
      return;
    }
    this.log.info(`Not started: ${verdict.reason}`);
    await this.server.stop(verdict.reason);
    if (verdict.kind === "ask first" && (await askAboutLargeWorkspace(workspaceState))) {
      await this.server.restart("the user agreed");
    }
  }

  /** What to run; undefined if the environment has to be made first and the user has not agreed to that. */
  private async launch(): Promise<Launch | undefined> {
    const { consent } = this;
    this.consent = "none";
    let found = await resolveLaunch(this.context);
    if (found.kind === "needsSetUp") {
      // A new release of ours in an environment that the user agreed to needs no second question, and no network.
      const mode = found.quick ? "given" : consent;
      if (mode === "none") {
        void this.offerSetUp();
        return undefined;
      }
      const outcome = await setUpEnvironment(found.environment, this.log, mode);
      if (outcome !== "done") {
        return undefined;
      }
      found = await resolveLaunch(this.context);
    }
    return found.kind === "launch" ? found : undefined;
  }

  /** One quiet message, once a machine; the status bar and the walkthrough offer the same for ever. */
  private async offerSetUp(): Promise<void> {
    const { globalState } = this.context;
    if (globalState.get("setUp.offered") === true) {
      return;
    }
    await globalState.update("setUp.offered", true);
    const choice = await vscode.window.showInformationMessage(
      "CodeContext searches your code by meaning. It needs a Python environment of its own, which is made once.",
      "Set Up…",
      "Choose Interpreter…",
    );
    if (choice === "Set Up…") {
      await this.setUp();
    } else if (choice === "Choose Interpreter…") {
      await vscode.commands.executeCommand("workbench.action.openSettings", "codecontext.python.interpreter");
    }
  }

  private async setUp(): Promise<void> {
    this.consent = "ask";
    await this.server.restart("the user wants it set up");
  }

  private async removeEnvironment(): Promise<void> {
    const environment = await managedEnvironment(this.context);
    const choice = await vscode.window.showWarningMessage(
      "Remove CodeContext's Python environment?",
      { modal: true, detail: "Indexes and settings stay. It can be made again at any time." },
      "Remove",
    );
    if (choice === "Remove" && environment) {
      await this.server.stop("Its Python environment was removed.");
      await environment.remove();
      await this.context.globalState.update("setUp.offered", undefined);
      await this.server.restart("its environment was removed");
    }
  }

  private restartIfRunning(reason: string): void {
    if (this.server.state.kind !== "off") {
      void this.server.restart(reason);
    }
  }

  private async sayThatItFailed(message: string): Promise<void> {
    const commands: Record<string, string> = {
      "Show Logs": "showLogs",
      Restart: "restart",
      "Open Settings": "openSettings",
    };
    const choice = await vscode.window.showErrorMessage(
      `CodeContext could not be started. ${message}`,
      ...Object.keys(commands),
    );
    if (choice) {
      await vscode.commands.executeCommand(`codecontext.${commands[choice] ?? ""}`);
    }
  }

  // -- searching ---------------------------------------------------------------------------------------------

  private search(query?: string): void {
    SearchPick.show(
      {
        server: this.server,
        history: this.history,
        highlight: this.highlight,
        onKeep: (result, opened) => this.keep(result, opened),
        onFindSimilar: (hit) => void this.findSimilar(specimenOfHit(hit)),
      },
      query,
    );
  }

  private searchSelection(): void {
    const editor = vscode.window.activeTextEditor;
    const selected = editor ? editor.document.getText(editor.selection) : "";
    this.search(selected.replace(/\s+/g, " ").trim() || undefined);
  }

  /** Results become the working set; the view comes to the front only if no hit was opened. */
  private keep(result: SearchResult, opened: SearchHit | undefined): void {
    const results = new Results({ title: `“${result.query.trim()}”`, query: result.query }, result);
    results.select(opened);
    this.view.set(results);
    if (opened) {
      this.tellOpened(results.question.query, opened);
    } else {
      void this.view.reveal(results.hits[0]);
    }
  }

  private async openResult(node: ResultNode, options = {}): Promise<void> {
    await this.view.open(node, options);
    const hit = this.view.hitOf(node);
    if (hit) {
      this.tellOpened(this.view.current?.question.query, hit);
    }
  }

  private tellOpened(query: string | undefined, { uri, range }: SearchHit): void {
    if (query) {
      this.server.opened({ query, uri, range });
    }
  }

  private async findSimilar(specimen?: Specimen): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const wanted = specimen ?? (editor && specimenInEditor(editor));
    if (!wanted) {
      void vscode.window.showInformationMessage("Open a file and put the cursor into the code to find the like of.");
      return;
    }
    const { uri, range, name } = wanted;
    const result = await vscode.window.withProgress(
      { location: { viewId: "codecontext.results" } },
      (_progress, token) => this.server.findSimilar({ uri, range }, token),
    );
    const results = new Results({ title: `Similar to ${name}` }, result);
    this.view.set(results);
    await this.view.reveal(results.hits[0], { focus: true });
  }

  private async rerun(): Promise<void> {
    const query = this.view.current?.question.query;
    if (query === undefined) {
      this.search();
      return;
    }
    const result = await vscode.window.withProgress(
      { location: { viewId: "codecontext.results" } },
      (_progress, token) => this.server.search({ query }, token),
    );
    this.keep(result, undefined);
  }

  // -- commands ----------------------------------------------------------------------------------------------

  private registerCommands(): void {
    const { server, view, context, pages } = this;
    const commands: Record<string, (...args: never[]) => unknown> = {
      search: (query?: string) => this.search(typeof query === "string" ? query : undefined),
      searchSelection: () => this.searchSelection(),
      "search.openToSide": () => SearchPick.openActiveToSide(),
      findSimilar: () => this.findSimilar(),
      "results.open": (node: ResultNode) => this.openResult(node),
      "results.openToSide": (node: ResultNode) => this.openResult(node, { toSide: true }),
      "results.findSimilar": (node: ResultNode) => {
        const hit = view.hitOf(node);
        return hit && this.findSimilar(specimenOfHit(hit));
      },
      "results.copy": (node: ResultNode) => view.copy(node),
      "results.dismiss": (node: ResultNode) => view.dismiss(node),
      "results.next": () => view.move(1),
      "results.previous": () => view.move(-1),
      "results.rerun": () => this.rerun(),
      "results.clear": () => view.set(undefined),
      "results.copyAll": () => vscode.env.clipboard.writeText(view.current?.toMarkdown() ?? ""),
      "results.showEvidence": () => (view.showsEvidence = true),
      "results.hideEvidence": () => (view.showsEvidence = false),
      "results.viewAsList": () => (view.asList = true),
      "results.viewAsTree": () => (view.asList = false),
      selectAdapter: () => selectAdapter(server),
      reloadAdapter: () => reloadAdapter(server),
      showAdapter: () => showAdapter(server),
      trainAdapter: () => this.training.train(),
      evaluateAdapter: () => this.training.evaluate(),
      updateIndex: () => this.forFolder("Update Index", (folder) => server.reindex(folder)),
      rebuildIndex: () => this.rebuildIndex(),
      pauseIndexing: () => server.pause({}),
      resumeIndexing: () => server.resume({}),
      showSkipped: () => showSkipped(pages, server),
      start: () => this.start(),
      restart: () => server.restart("the user asked for it"),
      setUp: () => this.setUp(),
      removeEnvironment: () => this.removeEnvironment(),
      showMenu: () => showMenu(server),
      showLogs: () => (server.state.kind === "running" ? this.serverLog : this.log).show(true),
      showDiagnostics: () => showDiagnostics(pages, context, server),
      reportIssue: () => reportIssue(context, server),
      openSettings: () => this.openSettings(),
      openWalkthrough: () =>
        vscode.commands.executeCommand("workbench.action.openWalkthrough", `${context.extension.id}#start`, false),
    };
    for (const [name, run] of Object.entries(commands)) {
      const guarded = (...args: never[]) => this.guarded(() => run(...args));
      context.subscriptions.push(vscode.commands.registerCommand(`codecontext.${name}`, guarded));
    }
  }

  /** A command that needs the server says so when there is none, and every fault is one sentence. */
  private async guarded(run: () => unknown): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (error instanceof vscode.CancellationError) {
        return;
      }
      const message = error instanceof Error ? error.message : String(error);
      this.log.error(message);
      if (error instanceof NotRunning) {
        const start = this.server.state.kind === "setup" ? "Set Up…" : "Start";
        const choice = await vscode.window.showWarningMessage(message, start, "Show Logs");
        const command = choice === start ? (start === "Start" ? "start" : "setUp") : choice && "showLogs";
        if (command) {
          await vscode.commands.executeCommand(`codecontext.${command}`);
        }
        return;
      }
      void vscode.window.showErrorMessage(`CodeContext: ${message}`);
    }
  }

  private async start(): Promise<void> {
    await rememberAllowed(this.context.workspaceState);
    await this.server.restart("the user asked for it");
  }

  private async forFolder(title: string, ask: (folder: FolderParams) => Promise<unknown>): Promise<void> {
    const folder = await pickFolder(title);
    if (folder) {
      await ask({ folder: folder.uri.toString() });
    }
  }

  private async rebuildIndex(): Promise<void> {
    const choice = await vscode.window.showWarningMessage(
      "Build the index anew?",
      { modal: true, detail: "Every file is read again. What is in the cache of vectors is not computed again." },
      "Rebuild",
    );
    if (choice === "Rebuild") {
      await this.forFolder("Rebuild Index", (folder) => this.server.reindex({ ...folder, force: true }));
    }
  }

  private async openSettings(): Promise<void> {
    const faulty = this.server.status?.folders.find(
      (folder) => folder.health !== "ok" && folder.wantedAdapterPath !== folder.currentAdapterPath,
    );
    if (faulty) {
      await openAdapterSetting(vscode.Uri.parse(faulty.uri));
    } else {
      await vscode.commands.executeCommand("workbench.action.openSettings", `@ext:${this.context.extension.id}`);
    }
  }
}
