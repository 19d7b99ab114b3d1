import * as vscode from "vscode";

/** Marks the lines of one hit until the user does something else in that editor. */
export class Highlight implements vscode.Disposable {
  private decoration = makeDecoration();
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
      vscode.window.onDidChangeActiveColorTheme(() => {
        this.clear();
        this.decoration.dispose();
        this.decoration = makeDecoration();
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

/** A tinted background; high contrast has none, and gets a line at the side instead. */
function makeDecoration(): vscode.TextEditorDecorationType {
  const { kind } = vscode.window.activeColorTheme;
  const isHighContrast =
    kind === vscode.ColorThemeKind.HighContrast || kind === vscode.ColorThemeKind.HighContrastLight;
  return vscode.window.createTextEditorDecorationType({
    backgroundColor: new vscode.ThemeColor("editor.rangeHighlightBackground"),
    isWholeLine: true,
    overviewRulerColor: new vscode.ThemeColor("editorOverviewRuler.findMatchForeground"),
    overviewRulerLane: vscode.OverviewRulerLane.Center,
    ...(isHighContrast && {
      borderColor: new vscode.ThemeColor("contrastActiveBorder"),
      borderStyle: "solid",
      borderWidth: "0 0 0 3px",
    }),
  });
}
