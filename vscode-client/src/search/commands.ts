import * as vscode from "vscode";
import type { SearchHit, SearchResult } from "../protocol";
import type { LanguageServer } from "../server/languageServer";
import type { Highlight } from "./highlight";
import type { SearchHistory } from "./history";
import { Results } from "./results";
import type { ResultNode, ResultsView } from "./resultsView";
import { SearchPick } from "./searchPick";
import { type Specimen, specimenInEditor, specimenOfHit } from "./similar";

/** The commands that search: they bring results from the server to the search box and the results view. */
export class SearchCommands {
  constructor(
    private readonly server: LanguageServer,
    private readonly view: ResultsView,
    private readonly history: SearchHistory,
    private readonly highlight: Highlight,
  ) {}

  search(query?: string): void {
    const { server, history, highlight } = this;
    SearchPick.show(
      {
        server,
        history,
        highlight,
        onKeep: (result, opened) => this.keep(result, opened),
        onFindSimilar: (hit) => void this.showSimilar(specimenOfHit(hit)),
      },
      query,
    );
  }

  searchSelection(): void {
    const editor = vscode.window.activeTextEditor;
    const selected = editor ? editor.document.getText(editor.selection) : "";
    this.search(selected.replace(/\s+/g, " ").trim() || undefined);
  }

  async findSimilar(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (editor) {
      await this.showSimilar(specimenInEditor(editor));
    } else {
      void vscode.window.showInformationMessage("Place the cursor in the code to find similar code.");
    }
  }

  async findSimilarTo(node: ResultNode): Promise<void> {
    const hit = this.view.hitOf(node);
    if (hit) {
      await this.showSimilar(specimenOfHit(hit));
    }
  }

  async open(node: ResultNode, options = {}): Promise<void> {
    await this.view.open(node, options);
    const hit = this.view.hitOf(node);
    if (hit) {
      this.reportOpened(this.view.current?.question.query, hit);
    }
  }

  /** Search again for what the results view shows. */
  async rerun(): Promise<void> {
    const query = this.view.current?.question.query;
    if (query === undefined) {
      this.search();
    } else {
      this.keep(await inView((token) => this.server.search({ query }, token)), undefined);
    }
  }

  /** Results become the working set; the view comes to the front only if no hit was opened. */
  private keep(result: SearchResult, opened: SearchHit | undefined): void {
    const results = new Results({ title: `“${result.query.trim()}”`, query: result.query }, result);
    results.select(opened);
    this.view.set(results);
    if (opened) {
      this.reportOpened(results.question.query, opened);
    } else {
      void this.view.reveal(results.hits[0]);
    }
  }

  private async showSimilar({ uri, range, name }: Specimen): Promise<void> {
    const result = await inView((token) => this.server.findSimilar({ uri, range }, token));
    const results = new Results({ title: `Similar to ${name}` }, result);
    this.view.set(results);
    await this.view.reveal(results.hits[0], { focus: true });
  }

  private reportOpened(query: string | undefined, { uri, range }: SearchHit): void {
    if (query) {
      this.server.opened({ query, uri, range });
    }
  }
}

/** Run a search while the results view shows that it is busy. */
function inView(search: (token: vscode.CancellationToken) => Promise<SearchResult>): Thenable<SearchResult> {
  return vscode.window.withProgress({ location: { viewId: "codecontext.results" } }, (_progress, token) =>
    search(token),
  );
}
