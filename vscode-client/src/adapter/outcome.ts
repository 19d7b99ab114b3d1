import type { CliProgress } from "../server/cli";
import { percent } from "../search/rows";
import { printable } from "../support/printable";
import { duration } from "../status/indicator";

// --- Types of the command line's JSON: to be replaced by imports from ../protocol ---

/** The fields used here of what `codecontext adapter train --json` prints. */
export interface TrainingReport {
  path: string;
  name: string;
  report: string;
  helps_search: boolean;
  test: QuerySet;
}

/** The fields used here of what `codecontext adapter evaluate --json` prints. */
export interface Evaluation {
  adapter: SystemName;
  against: SystemName;
  report: string | null;
  helps_search: boolean;
  pairs: QuerySet | null;
}

export interface SystemName {
  name: string;
  path: string | null;
}

export interface QuerySet {
  queries: number;
  search: { mrr_at_10: Comparison };
}

export interface Comparison {
  gain: Interval;
}

export interface Interval {
  mean: number;
  low: number;
  high: number;
}

// --- End of the command line's types ---

/** Progress in one line. */
export function describeProgress({ stage, done, total, eta_seconds, score, base_score }: CliProgress): string {
  const share = total > 0 ? ` ${percent(done / total)}` : "";
  const left = eta_seconds === null || done >= total ? "" : `, ${duration(eta_seconds)} left`;
  const gain =
    score === undefined || base_score === undefined ? "" : ` · MRR@10 ${base_score.toFixed(3)} → ${score.toFixed(3)}`;
  return printable(`${stage.charAt(0).toUpperCase()}${stage.slice(1)}${share}${left}${gain}`);
}

export function describeTraining({ name, helps_search, test }: TrainingReport): string {
  return printable(`${name} is trained. ${gainOf(test, "the base model", helps_search)}`);
}

export function describeEvaluation({ adapter, against, helps_search, pairs }: Evaluation): string {
  const other = against.path === null ? "the base model" : against.name;
  const result = pairs ? `: ${lowered(gainOf(pairs, other, helps_search))}` : " has been evaluated.";
  return printable(`${adapter.name}${result}`);
}

function gainOf({ queries, search }: QuerySet, other: string, isSignificant: boolean): string {
  const { gain } = search.mrr_at_10;
  const doubt = isSignificant || gain.high < 0 ? "" : ", not statistically significant";
  const change =
    gain.mean < 0
      ? `loses ${(-gain.mean).toFixed(3)} MRR@10 against ${other}`
      : `gains ${signed(gain.mean)} MRR@10 over ${other}`;
  return (
    `On ${queries.toLocaleString("en")} held-out queries, search ${change} ` +
    `(95 % interval ${signed(gain.low)} to ${signed(gain.high)}${doubt}).`
  );
}

function lowered(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}

/** A difference with its sign, also where it is positive. */
export function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}

/** A report in the colours of the editor's theme; a browser would choose them by the system's. */
export function inTheme(html: string, isDark: boolean): string {
  return html.replaceAll("@media (prefers-color-scheme: dark)", isDark ? "@media all" : "@media not all");
}
