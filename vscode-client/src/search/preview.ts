import * as vscode from "vscode";
import type { Range, SearchHit } from "../protocol";
import { printable } from "../support/printable";
import type { Highlight } from "./highlight";

/** What was on screen before hits were previewed. */
interface Origin {
  editor: vscode.TextEditor | undefined;
  selections: readonly vscode.Selection[];
  visible: vscode.Range | undefined;
  wasPreview: boolean;
  /** Documents that had a tab already. */
  open: ReadonlySet<string>;
}

/** Shows hits in the editor while the user moves through them, and puts everything back if none was chosen. */
export class Preview {
  private readonly origin: Origin = captureOrigin();
  private shown: vscode.Uri | undefined;
  private turn = 0;

  constructor(private readonly highlight: Highlight) {}

  /** Show a hit without taking the focus. */
  async show(hit: SearchHit): Promise<void> {
    const turn = ++this.turn;
    const uri = vscode.Uri.parse(hit.uri);
    const document = await openDocument(uri);
    if (!document || turn !== this.turn) {
      return;
    }
    this.shown = uri;
    const editor = await vscode.window.showTextDocument(document, {
      preview: true,
      preserveFocus: true,
      viewColumn: this.origin.editor?.viewColumn ?? vscode.ViewColumn.Active,
      selection: targetOf(hit),
    });
    if (turn === this.turn) {
      editor.revealRange(targetOf(hit), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
      this.highlight.show(editor, toRange(hit.range));
    }
  }

  /** Put the editor, its selection and its scroll position back, and close what was opened to look at. */
  async restore(): Promise<void> {
    this.turn++;
    this.highlight.clear();
    if (!this.shown) {
      return;
    }
    const { editor, selections, visible, wasPreview } = this.origin;
    if (editor && !editor.document.isClosed) {
      const restored = await vscode.window.showTextDocument(editor.document, {
        viewColumn: editor.viewColumn ?? vscode.ViewColumn.Active,
        preview: wasPreview,
      });
      restored.selections = selections;
      if (visible) {
        restored.revealRange(new vscode.Range(visible.start, visible.start), vscode.TextEditorRevealType.AtTop);
      }
    }
    await this.closeWhatWasOpened();
  }

  private async closeWhatWasOpened(): Promise<void> {
    const isOurs = (tab: vscode.Tab) =>
      tab.isPreview &&
      tab.input instanceof vscode.TabInputText &&
      !tab.isDirty &&
      tab.input.uri.toString() === this.shown?.toString() &&
      !this.origin.open.has(tab.input.uri.toString());
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs).filter(isOurs);
    if (tabs.length > 0) {
      await vscode.window.tabGroups.close(tabs, true);
    }
  }
}

/** Go to a hit: the cursor at its name, its lines marked for a moment. */
export async function openHit(
  hit: SearchHit,
  highlight: Highlight,
  { toSide = false, preview = false } = {},
): Promise<void> {
  const document = await openDocument(vscode.Uri.parse(hit.uri));
  if (!document) {
    void vscode.window.showWarningMessage(`${printable(hit.path)} can no longer be opened as text.`);
    return;
  }
  const editor = await vscode.window.showTextDocument(document, {
    preview,
    viewColumn: toSide ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active,
    selection: targetOf(hit),
  });
  editor.revealRange(targetOf(hit), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  highlight.show(editor, toRange(hit.range));
}

function toRange({ start, end }: Range): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}

/** Where the cursor goes: the beginning of the symbol's name. */
function targetOf(hit: SearchHit): vscode.Range {
  const { start } = hit.selectionRange;
  return new vscode.Range(start.line, start.character, start.line, start.character);
}

async function openDocument(uri: vscode.Uri): Promise<vscode.TextDocument | undefined> {
  try {
    return await vscode.workspace.openTextDocument(uri);
  } catch {
    return undefined; // Deleted in this moment, or not text.
  }
}

function captureOrigin(): Origin {
  const editor = vscode.window.activeTextEditor;
  const open = vscode.window.tabGroups.all
    .flatMap((group) => group.tabs)
    .map((tab) => (tab.input instanceof vscode.TabInputText ? tab.input.uri.toString() : ""));
  return {
    editor,
    selections: editor?.selections ?? [],
    visible: editor?.visibleRanges[0],
    wasPreview: vscode.window.tabGroups.activeTabGroup.activeTab?.isPreview ?? false,
    open: new Set(open),
  };
}
