import { KINDS, LANGUAGES } from "../protocol";

/** A filter that could be typed, and the whole query with it. */
export interface Completion {
  label: string;
  description: string;
  query: string;
}

export const FILTERS: readonly { name: string; meaning: string }[] = [
  { name: "lang:", meaning: "only this language" },
  { name: "path:", meaning: "only paths that contain this text or match this glob" },
  { name: "-path:", meaning: "exclude matching paths" },
  { name: "kind:", meaning: `only this kind of code: ${KINDS.join(", ")}` },
];
const MAX_COMPLETIONS = 8;

/** The filter that is being typed at the end of a query. */
export interface OpenFilter {
  name: "lang" | "path" | "kind";
  sign: string;
  typed: string;
  before: string;
}

export function openFilter(query: string): OpenFilter | undefined {
  const found = /^(.*?)(?<!\S)(-?)(lang|path|kind):(\S*)$/is.exec(query);
  if (!found) {
    return undefined;
  }
  const [, before = "", sign = "", name = "", typed = ""] = found;
  return { before, sign, name: name.toLowerCase() as OpenFilter["name"], typed };
}

/** What the filter at the end of the query could become; nothing once it is complete. `folders` are paths with `/`. */
export function completions(query: string, folders: readonly string[], languages = LANGUAGES): Completion[] {
  const open = openFilter(query);
  if (!open) {
    return [];
  }
  const typed = open.typed.toLowerCase();
  const values = { lang: languages, kind: KINDS, path: folders }[open.name];
  if (open.name !== "path" && values.includes(typed)) {
    return [];
  }
  const starting = values.filter((value) => value.toLowerCase().startsWith(typed) && value.toLowerCase() !== typed);
  const holding = values.filter((value) => value.toLowerCase().includes(typed) && !starting.includes(value));
  return [...starting, ...(typed ? holding.filter((value) => value.toLowerCase() !== typed) : [])]
    .slice(0, MAX_COMPLETIONS)
    .map((value) => {
      const label = `${open.sign}${open.name}:${value}`;
      return { label, description: "filter", query: `${open.before}${label} ` };
    });
}

/** Whether there is something to search for besides filters. */
export function hasWords(query: string): boolean {
  return query.replace(/(?<!\S)-?(?:lang|path|kind):\S*/gi, "").trim() !== "";
}
