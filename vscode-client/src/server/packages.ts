/** The package that a line of pip's or uv's is about; empty for other lines. */
export function packageIn(line: string): string {
  return /^\s*(?:Collecting|Downloading|Using cached|Installing|Prepared|\+)\s+([A-Za-z][\w.-]*)/.exec(line)?.[1] ?? "";
}
