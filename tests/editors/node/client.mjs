// The protocol library of VS Code, speaking as VS Code does. Environment: STORY.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { pathToFileURL } from "node:url";
import protocol from "vscode-languageserver-protocol/node";

const {
  ConfigurationRequest,
  DidChangeConfigurationNotification,
  DidChangeTextDocumentNotification,
  DidChangeWatchedFilesNotification,
  DidCloseTextDocumentNotification,
  DidOpenTextDocumentNotification,
  ExecuteCommandRequest,
  ExitNotification,
  FileChangeType,
  InitializedNotification,
  InitializeRequest,
  LogMessageNotification,
  ProgressType,
  RegistrationRequest,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
  WorkDoneProgressCreateRequest,
  createProtocolConnection,
} = protocol;

const story = JSON.parse(readFileSync(process.env.STORY, "utf8"));
const { known, new: fresh } = story;
const uriOf = (path) => pathToFileURL(join(story.folder, path)).href;
const folder = { uri: pathToFileURL(story.folder).href, name: "project" };

function check(what, holds, ...seen) {
  if (!holds) throw new Error(`${what}: ${JSON.stringify(seen)}`);
}

/** `promise`, or a failure that says what was waited for and what is there instead. */
async function inTime(what, seconds, promise, look = () => "nothing") {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`waited too long for ${what}: ${JSON.stringify(look())}`));
    }, 1000 * seconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What was seen so far, and whoever waits for something more. */
class Seen {
  last = undefined;
  #waiting = new Set();

  add(value) {
    this.last = value;
    for (const look of this.#waiting) look();
  }

  until(what, seconds, holds) {
    const found = new Promise((resolve) => {
      const look = () => {
        if (this.last !== undefined && holds(this.last)) {
          this.#waiting.delete(look);
          resolve(this.last);
        }
      };
      this.#waiting.add(look);
      look();
    });
    return inTime(what, seconds, found, () => this.last);
  }
}

// What the client of VS Code 1.100 says of itself, as far as it concerns a server like this one.
const capabilities = {
  general: {
    positionEncodings: ["utf-16"],
    staleRequestSupport: { cancel: true, retryOnContentModified: [] },
  },
  textDocument: { synchronization: { dynamicRegistration: true, didSave: true } },
  window: { workDoneProgress: true, showDocument: { support: true }, showMessage: {} },
  workspace: {
    applyEdit: true,
    configuration: true,
    workspaceFolders: true,
    didChangeConfiguration: { dynamicRegistration: true },
    didChangeWatchedFiles: { dynamicRegistration: true, relativePatternSupport: true },
    executeCommand: { dynamicRegistration: true },
    symbol: { dynamicRegistration: true, resolveSupport: { properties: ["location.range"] } },
  },
};

const server = spawn("codecontext", ["serve"], { stdio: ["pipe", "pipe", "inherit"] });
const exited = once(server, "exit");
const connection = createProtocolConnection(
  new StreamMessageReader(server.stdout),
  new StreamMessageWriter(server.stdin),
);
const broken = new Promise((_, reject) => {
  connection.onError(([error]) => reject(new Error(`the connection: ${error.message}`)));
  connection.onUnhandledNotification((message) => reject(new Error(`unknown notification: ${message.method}`)));
  server.once("error", reject);
});

const settings = { search: { limit: 7 }, indexing: { exclude: ["emoji.py"] }, logging: { level: null } };
const asked = [];
connection.onRequest(ConfigurationRequest.type, ({ items }) => {
  asked.push(...items);
  return items.map(() => settings);
});
const registrations = new Seen();
connection.onRequest(RegistrationRequest.type, (request) => {
  registrations.add([...(registrations.last ?? []), ...request.registrations]);
});
connection.onRequest(WorkDoneProgressCreateRequest.type, () => undefined);
connection.onNotification(LogMessageNotification.type, ({ message }) => console.log(message));
const statuses = new Seen();
connection.onNotification("codecontext/statusChanged", (status) => statuses.add(status));

const command = (name, parameters) =>
  connection.sendRequest(ExecuteCommandRequest.type, {
    command: `codecontext.server.${name}`,
    arguments: [parameters],
  });
const search = (parameters) => connection.sendRequest("codecontext/search", parameters);

function checkHits(hits, place, line) {
  const best = hits[0];
  const found = best?.uri === uriOf(place.path) && best.symbol === place.symbol;
  check("best hit", found && best.selectionRange.start.line === line, place, best);
  const places = hits.map((hit) => `${hit.path}:${hit.range.start.line}`);
  check("distinct hits", new Set(places).size === places.length, places);
}

const indexed = (files) => (status) => {
  const [only] = status.folders;
  return status.quiescent && status.health === "ok" && only.ready && only.coverage === 1 && only.files === files;
};

async function introduce() {
  const answer = await connection.sendRequest(InitializeRequest.type, {
    processId: process.pid,
    clientInfo: { name: "Visual Studio Code", version: "1.100.0" },
    locale: "en",
    rootPath: story.folder,
    rootUri: folder.uri,
    workspaceFolders: [folder],
    capabilities,
    initializationOptions: { trusted: true, settings },
    trace: "off",
  });
  const can = answer.capabilities;
  check("position encoding", can.positionEncoding === "utf-16", can.positionEncoding);
  check("commands", can.executeCommandProvider.commands.includes("codecontext.server.search"), can);
  check("symbols are left to others, for VS Code filters them by name", !can.workspaceSymbolProvider, can);
  await connection.sendNotification(InitializedNotification.type, {});
}

/** The settings that VS Code is asked for count, and so do changed ones. */
async function configure() {
  await statuses.until("an index without what the settings leave out", 200, indexed(4));
  check("settings asked for", isDeepStrictEqual(asked[0], { scopeUri: folder.uri, section: "codecontext" }), asked);
  await registrations.until("news of settings", 60, (all) =>
    all.some((one) => one.method === DidChangeConfigurationNotification.method),
  );
  settings.indexing.exclude = [];
  await connection.sendNotification(DidChangeConfigurationNotification.type, { settings: null });
  await statuses.until("an index of everything", 60, indexed(5));
}

async function find() {
  checkHits((await search({ query: known.question })).hits, known, known.line);
  checkHits((await command("search", { query: known.question })).hits, known, known.line);
}

/** Words are compared first, and their answer is shown while meaning is still looked at. */
async function findInParts() {
  const partial = [];
  const token = "search-1";
  const listening = connection.onProgress(new ProgressType(), token, (value) => partial.push(value));
  const whole = await search({ query: "take the lock exclusively", partialResultToken: token });
  listening.dispose();
  const [first] = partial;
  check("partial answer", partial.length === 1 && !first.complete && first.hits[0]?.symbol === known.symbol, partial);
  check("partial answer by words", first.hits.every((hit) => hit.evidence.semanticRank === null), first);
  check("whole answer", whole.complete && whole.hits[0].evidence.semanticRank !== null, whole);
  checkHits(whole.hits, known, known.line);
}

/** Lines that are not saved yet move the hit. */
async function edit() {
  const uri = uriOf(known.path);
  const text = readFileSync(join(story.folder, known.path), "utf8");
  await connection.sendNotification(DidOpenTextDocumentNotification.type, {
    textDocument: { uri, languageId: "python", version: 1, text },
  });
  const start = { line: 0, character: 0 };
  await connection.sendNotification(DidChangeTextDocumentNotification.type, {
    textDocument: { uri, version: 2 },
    contentChanges: [{ range: { start, end: start }, text: "# one\n# two\n# three\n" }],
  });
  checkHits((await search({ query: known.question })).hits, known, known.line + 3);
  await connection.sendNotification(DidCloseTextDocumentNotification.type, { textDocument: { uri } });
  checkHits((await search({ query: known.question })).hits, known, known.line);
}

/** VS Code watches the folder for the server, which asked for that, and tells it what another program wrote. */
async function watch() {
  const watching = registrations.last.find((one) => one.method === DidChangeWatchedFilesNotification.method);
  const patterns = watching?.registerOptions.watchers.map((watcher) => watcher.globPattern);
  check("watched files", isDeepStrictEqual(patterns, [{ baseUri: folder.uri, pattern: "**/*" }]), registrations.last);
  writeFileSync(join(story.folder, fresh.path), `${fresh.lines.join("\n")}\n`);
  await connection.sendNotification(DidChangeWatchedFilesNotification.type, {
    changes: [{ uri: uriOf(fresh.path), type: FileChangeType.Created }],
  });
  await statuses.until("the new file in the index", 60, indexed(6));
  checkHits((await search({ query: fresh.question })).hits, fresh, fresh.line);
}

async function leave() {
  check("answer to shutdown", (await connection.sendRequest(ShutdownRequest.type)) === null);
  await connection.sendNotification(ExitNotification.type);
  const [status] = await inTime("the server to exit", 20, exited);
  check("exit status", status === 0, status);
}

async function storyOfADay() {
  connection.listen();
  for (const step of [introduce, configure, find, findInParts, edit, watch, leave]) {
    await inTime(step.name, 220, step());
  }
}

try {
  await Promise.race([storyOfADay(), broken]);
  console.log("PASS");
} catch (error) {
  console.log(`FAIL ${error.message}`);
  server.kill();
  process.exitCode = 1;
} finally {
  connection.dispose();
}
