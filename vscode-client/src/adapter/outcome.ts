import type { CliProgress } from "../server/cli";
import { percent } from "../search/rows";
import { printable } from "../support/printable";
import { duration } from "../status/indicator";

/** What `codecontext adapter train --json` says, as far as it is read here. */
export interface TrainingReport {
  path: string;
  name: string;
  report: string;
  helps_search: boolean;
  test: QuerySet;
}

/** What `codecontext adapter evaluate --json` says, as far as it is read here. */
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

/** How far the work is, in a line. */
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
  const said = pairs ? `: ${lowered(gainOf(pairs, other, helps_search))}` : " is measured.";
  return printable(`${adapter.name}${said}`);
}

function gainOf({ queries, search }: QuerySet, other: string, isSure: boolean): string {
  const { gain } = search.mrr_at_10;
  const doubt = isSure || gain.high < 0 ? "" : ", which does not exclude a loss";
  const change =
    gain.mean < 0
      ? `loses ${(-gain.mean).toFixed(3)} MRR@10 against ${other}`
      : `gains ${signed(gain.mean)} MRR@10 over ${other}`;
  return (
    `On ${queries.toLocaleString("en")} questions that it was not trained with, the whole search ${change} ` +
    `(95 % interval ${signed(gain.low)} to ${signed(gain.high)})${doubt}.`
  );
}

function lowered(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}

/** A gain, with its sign also where it is one. */
export function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}

/** A report as the editor's theme wants it. A browser goes by the system's colours; here those of the editor count. */
export function inTheme(html: string, isDark: boolean): string {
  return html.replaceAll("@media (prefers-color-scheme: dark)", isDark ? "@media all" : "@media not all");
}
