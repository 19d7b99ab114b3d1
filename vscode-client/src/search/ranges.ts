import * as vscode from "vscode";
import type { Range, SearchHit } from "../protocol";

export function toRange({ start, end }: Range): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}

/** Where the cursor goes: the beginning of the symbol's name. */
export function targetOf(hit: SearchHit): vscode.Range {
  const { start } = hit.selectionRange;
  return new vscode.Range(start.line, start.character, start.line, start.character);
}
