import * as vscode from "vscode";

/** VS Code's kind of token, cancelled with the signal. */
export function abortToken(signal: AbortSignal): vscode.CancellationToken {
  const source = new vscode.CancellationTokenSource();
  signal.addEventListener("abort", () => source.cancel(), { once: true });
  return source.token;
}
