import type { SearchHit, SearchResult } from "../protocol";
import { printable } from "../support/printable";

/** A hit as one row: its name, its place and its code. */
export interface Row {
  icon: string;
  color: string | undefined;
  label: string;
  description: string;
  detail: string;
}

// Few different icons, so that they are easy to tell apart.
const ICONS: Readonly<Record<string, readonly [string, string?]>> = {
  function: ["symbol-function", "symbolIcon.functionForeground"],
  method: ["symbol-method", "symbolIcon.methodForeground"],
  class: ["symbol-class", "symbolIcon.classForeground"],
  module: ["symbol-module", "symbolIcon.moduleForeground"],
  section: ["book"],
};
const LONGEST_DETAIL = 160;

export function rowOf(hit: SearchHit, severalFolders = false): Row {
  const [icon, color] = ICONS[hit.kind] ?? ["code"];
  const folder = severalFolders ? `${folderName(hit)} • ` : "";
  return { icon, color, label: nameOf(hit), description: `${folder}${placeOf(hit)}`, detail: detailOf(hit) };
}

/** The symbol with those around it, or the place where there is none. */
export function nameOf(hit: SearchHit): string {
  return printable(hit.qualifiedName || hit.symbol || `${hit.path.split("/").at(-1) ?? hit.path}:${lineOf(hit)}`);
}

export function placeOf(hit: SearchHit): string {
  return printable(`${hit.path}:${lineOf(hit)}`);
}

/** As people count lines. */
export function lineOf(hit: SearchHit): number {
  return hit.selectionRange.start.line + 1;
}

export function folderName(hit: SearchHit): string {
  return printable(decodeURIComponent(hit.folder.replace(/\/+$/, "").split("/").at(-1) ?? ""));
}

function detailOf(hit: SearchHit): string {
  const lines = hit.text.split("\n").filter((line) => /\w/.test(line));
  const says = hit.kind === "section" ? lines.find((line) => !/^\s*#/.test(line)) : lines[0];
  const source = hit.signature || says || lines[0] || "";
  const line = printable(source.replace(/[ \t\r\n\f\v]+/g, " ").trim());
  return line.length > LONGEST_DETAIL ? `${line.slice(0, LONGEST_DETAIL - 1)}…` : line;
}

/** Why a hit ranks where it does. */
export function evidenceOf({ evidence }: SearchHit): string {
  const { lexicalRank, semanticRank, semanticScore } = evidence;
  const cosine = semanticScore === null ? "" : ` (${semanticScore.toFixed(2)})`;
  const parts = [
    semanticRank === null ? "" : `semantic #${semanticRank}${cosine}`,
    lexicalRank === null ? "" : `keyword #${lexicalRank}`,
    ...evidence.rules,
  ];
  return parts.filter((part) => part !== "").join(" · ") || "no evidence";
}

/** The line above the results: how many, and what limits them, if anything does. */
export function summaryOf(result: SearchResult): string {
  const count = result.hits.length === 1 ? "1 result" : `${result.hits.length} results`;
  return [count, ...limitsOf(result)].join(" · ");
}

function limitsOf({ states, complete }: SearchResult): string[] {
  if (!complete) {
    return ["keyword only so far"];
  }
  const covered = states.length === 0 ? 1 : Math.min(...states.map((state) => state.coverage));
  const degraded = states.find((state) => state.degraded !== null)?.degraded;
  if (covered < 1) {
    return [`${percent(covered)} indexed`];
  }
  return degraded ? [firstSentence(degraded)] : [];
}

/** 42.9 % is shown as 42 %, and what is not quite done never as 100 %. */
export function percent(share: number): string {
  return `${Math.floor(share * 100)} %`;
}

export function firstSentence(text: string): string {
  return /^.*?[.!?](?=\s|$)/s.exec(text)?.[0].replace(/\.$/, "") ?? text;
}
