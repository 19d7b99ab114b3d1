/** The packaged extension inside the real extension host, against the real server: what needs no screen. */
import * as assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import * as vscode from "vscode";
import type { Api } from "../../src/extension";
import type { SearchResult, Status } from "../../src/protocol";
import type { ServerState } from "../../src/server/languageServer";

const QUESTION = { query: "mutual exclusion between processes", symbol: "hold", path: "storage/locks.py" };
const NEVER = new vscode.CancellationTokenSource().token;

let api: Api;

before(async () => {
  const extension = vscode.extensions.getExtension<Api>("codecontext.codecontext");
  assert.ok(extension, "the packaged extension is not installed");
  api = await extension.activate();
  await settled();
});

/** Resolves when `wanted` holds for a status, now or later. */
function when(wanted: (status: Status) => boolean): Promise<Status> {
  return new Promise((resolve) => {
    const take = (status: Status | undefined) => {
      if (status && wanted(status)) {
        subscription.dispose();
        resolve(status);
      }
    };
    const subscription = api.server.onDidChangeStatus(take);
    take(api.server.status);
  });
}

function settled(): Promise<Status> {
  return when(
    ({ quiescent, folders }) => quiescent && folders.every(({ coverage, chunks }) => coverage === 1 && chunks > 0),
  );
}

async function locks(): Promise<vscode.TextDocument> {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  assert.ok(folder);
  return vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder.uri, QUESTION.path));
}

describe("the extension", () => {
  it("registers every command of its manifest", async () => {
    const manifest = vscode.extensions.getExtension("codecontext.codecontext")?.packageJSON as {
      contributes: { commands: { command: string }[] };
    };
    const registered = new Set(await vscode.commands.getCommands(true));
    const missing = manifest.contributes.commands.filter(({ command }) => !registered.has(command));
    assert.deepEqual(missing, []);
  });

  it("delivers keyword results first and the complete result after", async () => {
    const partial: SearchResult[] = [];
    const answer = await api.server.search({ query: QUESTION.query }, NEVER, (part) => partial.push(part));
    assert.deepEqual(
      partial.map(({ complete }) => complete),
      [false],
    );
    assert.equal(answer.complete, true);
    assert.equal(answer.hits[0]?.symbol, QUESTION.symbol);
    assert.equal(answer.hits[0].path, QUESTION.path);
  });

  it("cancels a query that is no longer wanted", async () => {
    const source = new vscode.CancellationTokenSource();
    const asking = api.server.search({ query: QUESTION.query }, source.token);
    source.cancel();
    const outcome = await asking.then(
      (answer) => answer.hits.length,
      (error: unknown) => error instanceof Error && /cancel/i.test(`${error.name} ${error.message}`),
    );
    assert.ok(outcome !== false);
  });

  it("applies a setting of the workspace as soon as it changes", async () => {
    const settings = () => vscode.workspace.getConfiguration("codecontext");
    const count = async () => (await api.server.search({ query: "lock" }, NEVER)).hits.length;
    await settings().update("search.limit", 2, vscode.ConfigurationTarget.Workspace);
    await eventually(async () => (await count()) === 2);
    await settings().update("search.limit", undefined, vscode.ConfigurationTarget.Workspace);
    await eventually(async () => (await count()) > 2);
  });

  it("finds unsaved text where it is now", async () => {
    const document = await locks();
    const edit = new vscode.WorkspaceEdit();
    edit.insert(document.uri, new vscode.Position(0, 0), "# one\n# two\n# three\n");
    await vscode.workspace.applyEdit(edit);
    const answer = await api.server.search({ query: QUESTION.query }, NEVER);
    assert.equal(answer.hits[0]?.selectionRange.start.line, 9);
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand("workbench.action.files.revert");
  });

  it("finds code like the code in a range", async () => {
    const document = await locks();
    const line = document
      .getText()
      .split("\n")
      .findIndex((text) => text.startsWith("def hold"));
    const range = { start: { line, character: 0 }, end: { line: line + 4, character: 0 } };
    const answer = await api.server.findSimilar({ uri: document.uri.toString(), range }, NEVER);
    assert.ok(answer.hits.length > 0);
    assert.ok(
      answer.hits.every((hit) => hit.symbol !== QUESTION.symbol),
      "it found the code itself",
    );
  });

  it("offers to find similar code in the light bulb of a selection", async () => {
    const { uri } = await locks();
    const offered = (range: vscode.Range) =>
      vscode.commands.executeCommand<vscode.CodeAction[]>("vscode.executeCodeActionProvider", uri, range);
    const titles = (await offered(new vscode.Range(6, 0, 9, 0))).map(({ title }) => title);
    assert.ok(titles.includes("Find Similar Code"));
    assert.deepEqual(
      (await offered(new vscode.Range(6, 0, 6, 0))).filter(({ title }) => title === "Find Similar Code"),
      [],
    );
  });

  it("leaves symbol search by name to the language's own server", async () => {
    const provide = "vscode.executeWorkspaceSymbolProvider";
    assert.deepEqual(await vscode.commands.executeCommand(provide, "exclusion"), []);
  });

  it("makes one restart of several at once, and searches afterwards", async () => {
    const states: ServerState["kind"][] = [];
    const subscription = api.server.onDidChangeState(({ kind }) => states.push(kind));
    await Promise.all(["one", "two", "three"].map((reason) => api.server.restart(reason)));
    subscription.dispose();
    assert.deepEqual(states, ["starting", "running"]);
    await settled();
    const { hits } = await api.server.search({ query: QUESTION.query }, NEVER);
    assert.equal(hits[0]?.symbol, QUESTION.symbol);
  });

  it("says that it is off, and starts again on request", async () => {
    await api.server.stop("for a test");
    await assert.rejects(async () => api.server.search({ query: "x" }, NEVER), /not running/);
    await vscode.commands.executeCommand("codecontext.start");
    await settled();
  });
});

after(() => {
  const report = process.env["HOST_TEST_REPORT"];
  if (report) {
    appendFileSync(`${report}.json`, JSON.stringify({ activationMilliseconds: api.activationMilliseconds }));
  }
});

/** Settings travel: they are in force a moment after they are written. */
async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, "it never came true");
  }
}
