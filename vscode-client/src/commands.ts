import * as vscode from "vscode";
import { reloadAdapter, selectAdapter, showAdapter } from "./adapter/commands";
import { openSettings } from "./adapter/settingProblem";
import type { AdapterTraining } from "./adapter/training";
import { rebuildIndex, updateIndex } from "./index/commands";
import type { SearchCommands } from "./search/commands";
import type { ResultNode, ResultsView } from "./search/resultsView";
import { SearchPick } from "./search/searchPick";
import { type LanguageServer, NotRunning } from "./server/languageServer";
import type { Lifecycle } from "./server/lifecycle";
import { showMenu } from "./status/menu";
import { type Pages, reportIssue, showDiagnostics, showSkipped } from "./support/commands";

/** The parts that commands act on. */
export interface Parts {
  context: vscode.ExtensionContext;
  server: LanguageServer;
  lifecycle: Lifecycle;
  searching: SearchCommands;
  view: ResultsView;
  training: AdapterTraining;
  pages: Pages;
  log: vscode.LogOutputChannel;
  serverLog: vscode.LogOutputChannel;
}

/** Register every command of the manifest. */
export function registerCommands(parts: Parts): vscode.Disposable[] {
  const { context, server, lifecycle, searching, view, training, pages, log, serverLog } = parts;
  const commands: Record<string, (...args: never[]) => unknown> = {
    search: (query?: string) => searching.search(typeof query === "string" ? query : undefined),
    searchSelection: () => searching.searchSelection(),
    "search.openToSide": () => SearchPick.openActiveToSide(),
    findSimilar: () => searching.findSimilar(),
    "results.open": (node: ResultNode) => searching.open(node),
    "results.openToSide": (node: ResultNode) => searching.open(node, { toSide: true }),
    "results.findSimilar": (node: ResultNode) => searching.findSimilarTo(node),
    "results.copy": (node: ResultNode) => view.copy(node),
    "results.dismiss": (node: ResultNode) => view.dismiss(node),
    "results.next": () => view.move(1),
    "results.previous": () => view.move(-1),
    "results.rerun": () => searching.rerun(),
    "results.clear": () => view.set(undefined),
    "results.copyAll": () => vscode.env.clipboard.writeText(view.current?.toMarkdown() ?? ""),
    "results.showEvidence": () => (view.showsEvidence = true),
    "results.hideEvidence": () => (view.showsEvidence = false),
    "results.viewAsList": () => (view.asList = true),
    "results.viewAsTree": () => (view.asList = false),
    selectAdapter: () => selectAdapter(server),
    reloadAdapter: () => reloadAdapter(server),
    showAdapter: () => showAdapter(server),
    trainAdapter: () => training.train(),
    evaluateAdapter: () => training.evaluate(),
    updateIndex: () => updateIndex(server),
    rebuildIndex: () => rebuildIndex(server),
    pauseIndexing: () => server.pause({}),
    resumeIndexing: () => server.resume({}),
    showSkipped: () => showSkipped(pages, server),
    start: () => lifecycle.start(),
    restart: () => lifecycle.restart(),
    setUp: () => lifecycle.setUp(),
    removeEnvironment: () => lifecycle.removeEnvironment(),
    showMenu: () => showMenu(server),
    showLogs: () => (server.state.kind === "running" ? serverLog : log).show(true),
    showDiagnostics: () => showDiagnostics(pages, context, server),
    reportIssue: () => reportIssue(context, server),
    openSettings: () => openSettings(context, server),
    openWalkthrough: () =>
      vscode.commands.executeCommand("workbench.action.openWalkthrough", `${context.extension.id}#start`, false),
  };
  return Object.entries(commands).map(([name, run]) =>
    vscode.commands.registerCommand(`codecontext.${name}`, (...args: never[]) => guarded(parts, () => run(...args))),
  );
}

/** Run a command: every error is shown as one sentence, with a button to start the server where there is none. */
async function guarded({ server, log }: Parts, run: () => unknown): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (error instanceof vscode.CancellationError) {
      return;
    }
    const message = error instanceof Error ? error.message : String(error);
    log.error(message);
    if (error instanceof NotRunning) {
      await offerStart(server, message);
    } else {
      void vscode.window.showErrorMessage(`CodeContext: ${message}`);
    }
  }
}

async function offerStart(server: LanguageServer, message: string): Promise<void> {
  const [start, command] = server.state.kind === "setup" ? ["Set Up…", "setUp"] : ["Start", "start"];
  const choice = await vscode.window.showWarningMessage(message, start, "Show Logs");
  if (choice) {
    await vscode.commands.executeCommand(`codecontext.${choice === start ? command : "showLogs"}`);
  }
}
