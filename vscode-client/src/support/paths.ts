/** Paths in a text as people would write them: below a workspace folder without it, below the home folder with `~`. */
export function shortened(text: string, folders: readonly string[], home: string): string {
  let short = text;
  for (const folder of folders.filter((path) => path.length > 1)) {
    short = short.replaceAll(`${folder}/`, "").replaceAll(`${folder}\\`, "");
  }
  return home.length > 1 ? short.replaceAll(`${home}/`, "~/").replaceAll(`${home}\\`, "~\\") : short;
}
