import * as vscode from "vscode";
import { SettingProblems } from "./adapter/settingProblem";
import { AdapterTraining } from "./adapter/training";
import { registerCommands } from "./commands";
import { SearchCommands } from "./search/commands";
import { Highlight } from "./search/highlight";
import { SearchHistory } from "./search/history";
import { ResultsView } from "./search/resultsView";
import { FindSimilarAction } from "./search/similar";
import { LanguageServer } from "./server/languageServer";
import { Lifecycle } from "./server/lifecycle";
import { SetUp } from "./server/setUp";
import { AdapterStatusBar } from "./status/statusBar";
import { Pages } from "./support/commands";

/** What tests and other extensions get from activating this one. */
export interface Api {
  server: LanguageServer;
  results: ResultsView;
  activationMilliseconds: number;
}

/** Make the parts and wire them together; what each does is in its own folder. */
export function activate(context: vscode.ExtensionContext): Api {
  const began = performance.now();
  const log = vscode.window.createOutputChannel("CodeContext", { log: true });
  const serverLog = vscode.window.createOutputChannel("CodeContext Server", { log: true });

  const setUp = new SetUp(context, log);
  const server = new LanguageServer(() => setUp.launch(), log, serverLog);
  const lifecycle = new Lifecycle(context, server, setUp, log);

  const highlight = new Highlight();
  const view = new ResultsView(context.workspaceState, highlight);
  const searching = new SearchCommands(server, view, new SearchHistory(context.workspaceState), highlight);
  const training = new AdapterTraining(context, server, log);
  const pages = new Pages();

  context.subscriptions.push(
    log,
    serverLog,
    server,
    lifecycle,
    highlight,
    view,
    training,
    pages,
    new AdapterStatusBar(server),
    new SettingProblems(server),
    vscode.languages.registerCodeActionsProvider({ scheme: "file" }, new FindSimilarAction()),
    ...registerCommands({ context, server, lifecycle, searching, view, training, pages, log, serverLog }),
  );
  void lifecycle.startIfAllowed();
  return { server, results: view, activationMilliseconds: performance.now() - began };
}
