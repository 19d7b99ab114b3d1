import * as vscode from "vscode";
import type { SearchHit } from "../protocol";
import { printable } from "../support/printable";
import type { Highlight } from "./highlight";
import { openHit } from "./preview";
import { type FileGroup, type Results, tooltipOf } from "./results";
import { evidenceOf, folderName, lineOf, placeOf, rowOf, summaryOf } from "./rows";

type Node = { kind: "file"; file: FileGroup } | { kind: "hit"; hit: SearchHit };

const VIEW = "codecontext.results";

/** The working set: results grouped by file, walked through with next and previous. */
export class ResultsView implements vscode.Disposable, vscode.TreeDataProvider<Node> {
  private readonly changed = new vscode.EventEmitter<Node | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly tree: vscode.TreeView<Node>;
  private results: Results | undefined;
  private nodes: { roots: Node[]; parents: Map<Node, Node>; byHit: Map<SearchHit, Node> } = emptyNodes();

  constructor(
    private readonly memory: vscode.Memento,
    private readonly highlight: Highlight,
  ) {
    this.tree = vscode.window.createTreeView(VIEW, { treeDataProvider: this, showCollapseAll: true });
    this.setContext();
  }

  get current(): Results | undefined {
    return this.results;
  }

  get asList(): boolean {
    return this.memory.get("results.asList", false);
  }

  set asList(value: boolean) {
    void this.memory.update("results.asList", value);
    this.refresh();
  }

  get showsEvidence(): boolean {
    return this.memory.get("results.showsEvidence", false);
  }

  set showsEvidence(value: boolean) {
    void this.memory.update("results.showsEvidence", value);
    this.refresh();
  }

  /** Show other results; `undefined` empties the view. */
  set(results: Results | undefined): void {
    this.results = results;
    this.refresh();
  }

  /** Bring the view to the front, with a hit selected. */
  async reveal(hit: SearchHit | undefined, { focus = false } = {}): Promise<void> {
    const node = (hit && this.nodes.byHit.get(hit)) ?? this.nodes.roots[0];
    if (node) {
      await this.tree.reveal(node, { select: hit !== undefined, focus, expand: true });
    } else {
      await vscode.commands.executeCommand(`${VIEW}.focus`);
    }
  }

  /** Open the hit `steps` away from the current one. */
  async move(steps: number): Promise<void> {
    const hit = this.results?.move(steps, !this.asList);
    if (hit) {
      await openHit(hit, this.highlight, { preview: true });
      if (this.tree.visible) {
        await this.reveal(hit);
      }
    }
  }

  async open(node: Node, { toSide = false } = {}): Promise<void> {
    if (node.kind === "hit") {
      this.results?.select(node.hit);
      await openHit(node.hit, this.highlight, { preview: !toSide, toSide });
    }
  }

  dismiss(node: Node): void {
    this.results?.dismiss(node.kind === "file" ? node.file.hits : [node.hit]);
    this.refresh();
  }

  async copy(node: Node): Promise<void> {
    if (node.kind === "hit") {
      await vscode.env.clipboard.writeText(placeOf(node.hit));
    }
  }

  hitOf(node: Node | undefined): SearchHit | undefined {
    return node?.kind === "hit" ? node.hit : undefined;
  }

  getChildren(node?: Node): Node[] {
    if (!node) {
      return this.nodes.roots;
    }
    return node.kind === "file" ? node.file.hits.flatMap((hit) => this.nodes.byHit.get(hit) ?? []) : [];
  }

  getParent(node: Node): Node | undefined {
    return this.nodes.parents.get(node);
  }

  getTreeItem(node: Node): vscode.TreeItem {
    return node.kind === "file" ? this.fileItem(node.file) : this.hitItem(node);
  }

  dispose(): void {
    this.tree.dispose();
    this.changed.dispose();
  }

  private fileItem({ uri, path, hits }: FileGroup): vscode.TreeItem {
    const item = new vscode.TreeItem(vscode.Uri.parse(uri), vscode.TreeItemCollapsibleState.Expanded);
    const [first] = hits;
    const parent = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
    item.description = [severalFolders() && first ? folderName(first) : "", printable(parent)]
      .filter(Boolean)
      .join(" • ");
    item.iconPath = vscode.ThemeIcon.File;
    item.contextValue = "file";
    item.tooltip = `${printable(path)}: ${hits.length === 1 ? "1 result" : `${hits.length} results`}`;
    item.accessibilityInformation = { label: item.tooltip };
    return item;
  }

  private hitItem(node: Node & { kind: "hit" }): vscode.TreeItem {
    const { hit } = node;
    const row = rowOf(hit, severalFolders());
    const item = new vscode.TreeItem(row.label);
    const place = this.asList ? row.description : `${lineOf(hit)}`;
    item.description = this.showsEvidence ? `${place} · ${evidenceOf(hit)}` : place;
    item.iconPath = new vscode.ThemeIcon(row.icon, row.color ? new vscode.ThemeColor(row.color) : undefined);
    item.tooltip = new vscode.MarkdownString(tooltipOf(hit));
    item.contextValue = "hit";
    item.command = { command: "codecontext.results.open", title: "Open", arguments: [node] };
    item.accessibilityInformation = { label: `${row.label}, ${row.description}, ${evidenceOf(hit)}` };
    return item;
  }

  private refresh(): void {
    this.nodes = nodesOf(this.results, this.asList);
    const { results } = this;
    const summary = results ? summaryOf({ ...results.answer, hits: [...results.hits] }) : "";
    this.tree.message = results && results.hits.length > 0 ? `${printable(results.question.title)} · ${summary}` : "";
    this.setContext();
    this.changed.fire(undefined);
  }

  private setContext(): void {
    const { results } = this;
    const set = (key: string, value: boolean) => void vscode.commands.executeCommand("setContext", key, value);
    set("codecontext.hasResults", (results?.hits.length ?? 0) > 0);
    set("codecontext.searchedInVain", results?.answer.hits.length === 0);
    set("codecontext.resultsAsList", this.asList);
    set("codecontext.showsEvidence", this.showsEvidence);
  }
}

export type { Node as ResultNode };

function emptyNodes() {
  return { roots: [] as Node[], parents: new Map<Node, Node>(), byHit: new Map<SearchHit, Node>() };
}

function nodesOf(results: Results | undefined, asList: boolean): ReturnType<typeof emptyNodes> {
  const nodes = emptyNodes();
  for (const hit of results?.hits ?? []) {
    nodes.byHit.set(hit, { kind: "hit", hit });
  }
  if (asList) {
    nodes.roots = [...nodes.byHit.values()];
    return nodes;
  }
  for (const file of results?.files ?? []) {
    const root: Node = { kind: "file", file };
    nodes.roots.push(root);
    file.hits.forEach((hit) => {
      const node = nodes.byHit.get(hit);
      if (node) {
        nodes.parents.set(node, root);
      }
    });
  }
  return nodes;
}

function severalFolders(): boolean {
  return (vscode.workspace.workspaceFolders?.length ?? 0) > 1;
}
