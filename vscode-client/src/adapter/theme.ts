const POLICY = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">`;

/** A browser goes by the system's colours; here those of the editor count. Nothing is loaded from anywhere. */
export function inTheme(html: string, isDark: boolean): string {
  return html
    .replace("<head>", `<head>${POLICY}`)
    .replaceAll("@media (prefers-color-scheme: dark)", isDark ? "@media all" : "@media not all");
}
