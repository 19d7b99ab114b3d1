/** A report as the editor's theme wants it. A browser goes by the system's colours; here those of the editor count. */
export function inTheme(html: string, isDark: boolean): string {
  return html.replaceAll("@media (prefers-color-scheme: dark)", isDark ? "@media all" : "@media not all");
}
