import type { SearchHit, SearchResult } from "../protocol";
import { printable, printableLines } from "../support/printable";
import { evidenceOf, lineOf, nameOf, placeOf } from "./rows";

/** Hits of one file, in the order of the answer. */
export interface FileGroup {
  uri: string;
  folder: string;
  path: string;
  hits: SearchHit[];
}

/** What was searched for: a query, or code to find similar code for. */
export interface Question {
  title: string;
  /** The query; undefined for code. */
  query?: string;
}

/** The results that the user works through: which there are, and which one is current. */
export class Results {
  private remaining: SearchHit[];
  private currentHit: SearchHit | undefined;

  constructor(
    readonly question: Question,
    readonly answer: SearchResult,
  ) {
    this.remaining = [...answer.hits];
  }

  get hits(): readonly SearchHit[] {
    return this.remaining;
  }

  get current(): SearchHit | undefined {
    return this.currentHit;
  }

  /** Grouped by file; the file with the best hit comes first. */
  get files(): FileGroup[] {
    const groups = new Map<string, FileGroup>();
    for (const hit of this.remaining) {
      const group = groups.get(hit.uri) ?? { uri: hit.uri, folder: hit.folder, path: hit.path, hits: [] };
      group.hits.push(hit);
      groups.set(hit.uri, group);
    }
    return [...groups.values()];
  }

  select(hit: SearchHit | undefined): void {
    this.currentHit = hit && this.remaining.find((other) => isSame(other, hit));
  }

  /** The hit `steps` after the current one in the order that the view shows; it wraps around at the end. */
  move(steps: number, grouped: boolean): SearchHit | undefined {
    const order = grouped ? this.files.flatMap((file) => file.hits) : this.remaining;
    if (order.length === 0) {
      return undefined;
    }
    const at = this.currentHit ? order.indexOf(this.currentHit) : -1;
    const next = at === -1 ? (steps > 0 ? 0 : order.length - 1) : (at + steps + order.length) % order.length;
    this.currentHit = order[next];
    return this.currentHit;
  }

  dismiss(hits: readonly SearchHit[]): void {
    this.remaining = this.remaining.filter((hit) => !hits.includes(hit));
    if (this.currentHit && hits.includes(this.currentHit)) {
      this.currentHit = undefined;
    }
  }

  /** As a Markdown list, to paste into a chat or an issue. */
  toMarkdown(): string {
    const rows = this.remaining.map((hit) => `- \`${placeOf(hit)}\` ${nameOf(hit)}`);
    return [`**${printable(this.question.title)}**`, "", ...rows, ""].join("\n");
  }
}

export function isSame(one: SearchHit, other: SearchHit): boolean {
  return one.uri === other.uri && one.range.start.line === other.range.start.line && lineOf(one) === lineOf(other);
}

/** What a hit's tooltip says, as Markdown: the code, and why it was found. */
export function tooltipOf(hit: SearchHit): string {
  const text = printableLines(hit.text);
  const lines = text.split("\n");
  const shown = lines.slice(0, 12).join("\n");
  const fence = "`".repeat(Math.max(3, longestRun(text) + 1));
  const more = lines.length > 12 ? `\n\n… ${lines.length - 12} more lines` : "";
  const fresh = hit.freshness === "fresh" ? "" : `\n\n*${FRESHNESS[hit.freshness] ?? hit.freshness}*`;
  return `${fence}${hit.language}\n${shown}\n${fence}${more}\n\n${evidenceOf(hit)}${fresh}`;
}

const FRESHNESS: Readonly<Record<string, string>> = {
  moved: "Moved since it was indexed; shown at its current location.",
  changed: "Changed since it was indexed; shown as it is now.",
};

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}
