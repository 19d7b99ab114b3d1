import * as vscode from "vscode";
import type { SearchHit, SearchResult } from "../protocol";
import type { LanguageServer } from "../server/languageServer";
import { type EmptyState, whyFailed, whyUnavailable, whyNothingFound } from "./emptyState";
import { completions, FILTERS, hasWords } from "./filters";
import type { Highlight } from "./highlight";
import type { SearchHistory } from "./history";
import { LiveQuery } from "./liveQuery";
import { openHit, Preview } from "./preview";
import { rowOf, summaryOf } from "./rows";
import { printableLabel } from "../support/printable";

/** A row of the list and what choosing it does. */
type PickItem = vscode.QuickPickItem &
  (
    | { type: "hit"; hit: SearchHit }
    | { type: "query"; query: string; isHistory: boolean }
    | { type: "empty"; command?: string }
    | { type: "separator" }
  );

export interface SearchPickOptions {
  server: LanguageServer;
  history: SearchHistory;
  highlight: Highlight;
  /** The user keeps the hits: one was opened, or all of them move to the view. */
  onKeep: (result: SearchResult, opened: SearchHit | undefined) => void;
  onFindSimilar: (hit: SearchHit) => void;
}

// Long enough not to search at every keystroke, short enough to feel immediate.
const TYPING_PAUSE_MS = 60;
const OPEN_TO_SIDE = { iconPath: new vscode.ThemeIcon("split-horizontal"), tooltip: "Open to the Side" };
const FIND_SIMILAR = { iconPath: new vscode.ThemeIcon("references"), tooltip: "Find Similar Code" };
const FORGET = { iconPath: new vscode.ThemeIcon("close"), tooltip: "Remove from History" };
const TO_VIEW = { iconPath: new vscode.ThemeIcon("list-tree"), tooltip: "Show in Results View" };
// Never the first row: VS Code reports the active row by its position, so that a report on a stale list would be taken
// for another row of the current one, and for a move of the user's.
const FILTERS_TITLE: PickItem = { type: "separator", label: "filters", kind: vscode.QuickPickItemKind.Separator };
const OPEN_CONTEXT = "codecontext.searchOpen";

/** The search box: results while typing, a preview while moving, and Escape to return to where one was. */
export class SearchPick {
  private static current: SearchPick | undefined;

  private readonly pick = vscode.window.createQuickPick<PickItem>();
  private readonly preview: Preview;
  private readonly live: LiveQuery<SearchResult>;
  private readonly subscriptions: vscode.Disposable[] = [];
  private result: SearchResult | undefined;
  private accepted = false;
  private moved = false;
  private folders: readonly string[] = [];

  private constructor(private readonly options: SearchPickOptions) {
    this.preview = new Preview(options.highlight);
    this.live = new LiveQuery<SearchResult>(
      (query, onPartial, signal) => options.server.search({ query }, abortToken(signal), onPartial),
      {
        onAnswer: (result) => this.show(result),
        onError: (error) => this.showEmpty(whyFailed(error)),
        onBusy: (busy) => (this.pick.busy = busy),
      },
      TYPING_PAUSE_MS,
    );
  }

  /** Open the search box, with `query` or, selected so that typing replaces it, the last one. */
  static show(options: SearchPickOptions, query?: string): void {
    SearchPick.current?.pick.hide();
    const search = new SearchPick(options);
    SearchPick.current = search;
    search.open(query);
  }

  /** The search box is open and its active hit goes to the side: the keyboard's way to that button. */
  static openActiveToSide(): void {
    SearchPick.current?.acceptActive({ toSide: true });
  }

  private open(query: string | undefined): void {
    const { pick } = this;
    pick.placeholder = "What does the code do? Filter with lang:, path: or kind:";
    pick.title = "Semantic Search";
    pick.buttons = [TO_VIEW];
    pick.keepScrollPosition = true;
    // Both are honoured by VS Code though not part of its stable API: the server's order is kept, and the query is
    // selected. Where they are not known, rows are sorted by name and the cursor is behind the query.
    Object.assign(pick, { sortByLabel: false });
    this.subscriptions.push(
      pick.onDidChangeValue((value) => this.typed(value)),
      pick.onDidChangeActive(([item]) => this.activated(item)),
      pick.onDidAccept(() => this.acceptActive()),
      pick.onDidTriggerItemButton(({ item, button }) => this.pressed(item, button)),
      pick.onDidTriggerButton(() => this.keepAll()),
      pick.onDidHide(() => void this.close()),
      this.options.server.onDidChangeState(() => this.typed(pick.value)),
      this.options.server.onDidChangeStatus(() => this.searchAgain()),
    );
    pick.value = query ?? this.options.history.last;
    if (query === undefined && pick.value !== "") {
      Object.assign(pick, { valueSelection: [0, pick.value.length] });
    }
    this.typed(pick.value, { atOnce: true });
    pick.show();
    void vscode.commands.executeCommand("setContext", OPEN_CONTEXT, true);
    void listFolders().then((folders) => (this.folders = folders));
  }

  private typed(query: string, { atOnce = false } = {}): void {
    this.moved = false;
    const why = whyUnavailable(this.options.server.state);
    if (why) {
      this.live.stop();
      this.showEmpty(why);
    } else if (!hasWords(query)) {
      this.live.stop();
      this.pick.busy = false;
      this.result = undefined;
      this.pick.title = "Semantic Search";
      this.setItems(query.trim() === "" ? this.startRows() : this.completionRows(query));
    } else {
      if (this.completionRows(query).length > 0) {
        this.setItems([...this.completionRows(query), ...this.hitRows()]);
      }
      if (atOnce) {
        void this.live.now(query);
      } else {
        this.live.type(query);
      }
    }
  }

  /** What is indexed while the list is open may improve it; a list that the user moves in is left alone. */
  private searchAgain(): void {
    const { value } = this.pick;
    if (!this.result?.complete || this.live.isSearching || this.moved || !hasWords(value)) {
      return;
    }
    const before = coverageOf(this.result.states);
    const now = coverageOf(this.options.server.status?.folders ?? []);
    if (now > before && (now === 1 || this.result.hits.length === 0)) {
      void this.live.now(value);
    }
  }

  private show(result: SearchResult): void {
    this.result = result;
    this.pick.title = `Semantic Search · ${summaryOf(result)}`;
    if (result.hits.length === 0 && result.complete) {
      this.showEmpty(whyNothingFound(result, this.options.server.status), this.completionRows(this.pick.value));
    } else if (result.hits.length > 0) {
      this.setItems([...this.completionRows(this.pick.value), ...this.hitRows()]);
    }
  }

  private showEmpty(why: EmptyState, above: PickItem[] = []): void {
    const row: PickItem = {
      type: "empty",
      label: `$(${why.icon}) ${why.text}`,
      detail: why.detail,
      alwaysShow: true,
      ...(why.command ? { command: why.command } : {}),
    };
    this.pick.busy = why.icon === "sync~spin";
    this.setItems([...above, row]);
  }

  /** New rows; the row that the user has moved to stays the active one. */
  private setItems(items: PickItem[]): void {
    const active = this.moved ? this.pick.activeItems[0] : undefined;
    this.pick.items = items;
    const same = active && items.find((item) => keyOf(item) === keyOf(active));
    if (same) {
      this.pick.activeItems = [same];
    }
  }

  private hitRows(): PickItem[] {
    const several = (vscode.workspace.workspaceFolders?.length ?? 0) > 1;
    return (this.result?.hits ?? []).map((hit) => {
      const { icon, color, label, description, detail } = rowOf(hit, several);
      const iconPath = new vscode.ThemeIcon(icon, color ? new vscode.ThemeColor(color) : undefined);
      const buttons = [OPEN_TO_SIDE, FIND_SIMILAR];
      const shown = {
        label: printableLabel(label),
        description: printableLabel(description),
        detail: printableLabel(detail),
      };
      return { type: "hit", hit, iconPath, ...shown, buttons, alwaysShow: true };
    });
  }

  private completionRows(query: string): PickItem[] {
    return completions(query, this.folders).map(({ label, description, query: whole }) => ({
      type: "query",
      isHistory: false,
      query: whole,
      label,
      description,
      iconPath: new vscode.ThemeIcon("filter"),
      alwaysShow: true,
    }));
  }

  private startRows(): PickItem[] {
    const recent: PickItem[] = this.options.history.queries.map((query) => ({
      type: "query",
      isHistory: true,
      query,
      label: query,
      iconPath: new vscode.ThemeIcon("history"),
      buttons: [FORGET],
      alwaysShow: true,
    }));
    const filters: PickItem[] = FILTERS.map(({ name, meaning }) => ({
      type: "query",
      isHistory: false,
      query: name,
      label: name,
      description: meaning,
      iconPath: new vscode.ThemeIcon("filter"),
      alwaysShow: true,
    }));
    return recent.length > 0 ? [...recent, FILTERS_TITLE, ...filters] : filters;
  }

  private activated(item: PickItem | undefined): void {
    if (!item) {
      return;
    }
    // The first row becomes active whenever rows arrive; only a user who moves on wants a preview.
    if (item === this.pick.items[0] && !this.moved) {
      return;
    }
    this.moved = true;
    if (item.type === "hit") {
      void this.preview.show(item.hit);
    }
  }

  private acceptActive({ toSide = false } = {}): void {
    const item = this.pick.activeItems[0];
    switch (item?.type) {
      case "hit":
        this.acceptHit(item.hit, toSide);
        break;
      case "query":
        this.pick.value = item.query;
        this.typed(item.query, { atOnce: true });
        break;
      case "empty":
        if (item.command) {
          this.pick.hide();
          void vscode.commands.executeCommand(item.command);
        }
    }
  }

  private acceptHit(hit: SearchHit, toSide = false): void {
    this.accepted = true;
    this.options.history.add(this.pick.value);
    if (this.result) {
      this.options.onKeep(this.result, hit);
    }
    this.pick.hide();
    if (toSide) {
      void this.preview.restore().then(() => openHit(hit, this.options.highlight, { toSide }));
    } else {
      void openHit(hit, this.options.highlight);
    }
  }

  private pressed(item: PickItem, button: vscode.QuickInputButton): void {
    if (item.type === "hit" && button === OPEN_TO_SIDE) {
      this.acceptHit(item.hit, true);
    } else if (item.type === "hit" && button === FIND_SIMILAR) {
      this.options.history.add(this.pick.value);
      this.pick.hide();
      this.options.onFindSimilar(item.hit);
    } else if (item.type === "query" && button === FORGET) {
      this.options.history.remove(item.query);
      this.typed(this.pick.value);
    }
  }

  private keepAll(): void {
    if (this.result && this.result.hits.length > 0) {
      this.options.history.add(this.pick.value);
      this.options.onKeep(this.result, undefined);
    }
    this.pick.hide();
  }

  private async close(): Promise<void> {
    this.live.stop();
    this.subscriptions.forEach((subscription) => void subscription.dispose());
    this.pick.dispose();
    if (SearchPick.current === this) {
      SearchPick.current = undefined;
      void vscode.commands.executeCommand("setContext", OPEN_CONTEXT, false);
    }
    if (!this.accepted) {
      await this.preview.restore();
    }
  }
}

function keyOf(item: PickItem): string {
  return item.type === "hit" ? `${item.hit.uri}#${item.hit.range.start.line}` : `${item.type} ${item.label}`;
}

function coverageOf(shares: readonly { coverage: number }[]): number {
  return Math.min(1, ...shares.map(({ coverage }) => coverage));
}

/** VS Code's kind of token, cancelled with the signal. */
function abortToken(signal: AbortSignal): vscode.CancellationToken {
  const source = new vscode.CancellationTokenSource();
  signal.addEventListener("abort", () => source.cancel(), { once: true });
  return source.token;
}

/** Top folders of the workspace, for `path:`. */
async function listFolders(): Promise<string[]> {
  const names = await Promise.all(
    (vscode.workspace.workspaceFolders ?? []).map(async ({ uri }) => {
      const entries = await vscode.workspace.fs.readDirectory(uri);
      return entries
        .filter(([name, type]) => type === vscode.FileType.Directory && !name.startsWith("."))
        .map(([name]) => `${name}/`);
    }),
  );
  return [...new Set(names.flat())].sort();
}
