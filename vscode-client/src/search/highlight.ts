import * as vscode from "vscode";

/** Marks the lines of one hit until the user does something else in that editor. */
export class Highlight implements vscode.Disposable {
  private readonly decoration = vscode.window.createTextEditorDecorationType({
    backgroundColor: new vscode.ThemeColor("editor.rangeHighlightBackground"),
    borderColor: new vscode.ThemeColor("editor.rangeHighlightBorder"),
    isWholeLine: true,
    overviewRulerColor: new vscode.ThemeColor("editorOverviewRuler.findMatchForeground"),
    overviewRulerLane: vscode.OverviewRulerLane.Center,
  });
  private editor: vscode.TextEditor | undefined;
  private readonly subscriptions: vscode.Disposable[];

  constructor() {
    this.subscriptions = [
      vscode.window.onDidChangeTextEditorSelection(({ textEditor, kind }) => {
        const byUser =
          kind === vscode.TextEditorSelectionChangeKind.Keyboard || kind === vscode.TextEditorSelectionChangeKind.Mouse;
        if (textEditor === this.editor && byUser) {
          this.clear();
        }
      }),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (document === this.editor?.document && contentChanges.length > 0) {
          this.clear();
        }
      }),
    ];
  }

  show(editor: vscode.TextEditor, range: vscode.Range): void {
    this.clear();
    this.editor = editor;
    editor.setDecorations(this.decoration, [range]);
  }

  clear(): void {
    this.editor?.setDecorations(this.decoration, []);
    this.editor = undefined;
  }

  dispose(): void {
    this.clear();
    this.decoration.dispose();
    this.subscriptions.forEach((subscription) => void subscription.dispose());
  }
}
