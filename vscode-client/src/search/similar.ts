import * as vscode from "vscode";
import type { Range, SearchHit } from "../protocol";

/** Code to find similar code for. */
export interface Specimen {
  uri: string;
  range: Range;
  name: string;
}

/** The selection, or the definition around the cursor. */
export function specimenInEditor(editor: vscode.TextEditor): Specimen {
  const { document, selection } = editor;
  const where = `${vscode.workspace.asRelativePath(document.uri, false)}:${selection.start.line + 1}`;
  return { uri: document.uri.toString(), range: fromRange(selection), name: where };
}

export function specimenOfHit(hit: SearchHit): Specimen {
  return { uri: hit.uri, range: hit.range, name: hit.qualifiedName || `${hit.path}:${hit.range.start.line + 1}` };
}

function fromRange({ start, end }: vscode.Range): Range {
  return {
    start: { line: start.line, character: start.character },
    end: { line: end.line, character: end.character },
  };
}

/** “Find Similar Code” in the light bulb of a selection. */
export class FindSimilarAction implements vscode.CodeActionProvider {
  provideCodeActions(_document: vscode.TextDocument, range: vscode.Range): vscode.CodeAction[] {
    if (range.isEmpty) {
      return [];
    }
    const action = new vscode.CodeAction("Find Similar Code", vscode.CodeActionKind.Empty);
    action.command = { command: "codecontext.findSimilar", title: "Find Similar Code" };
    return [action];
  }
}
