import type { Comparison, Evaluation, QuerySet, SystemName, TrainingReport } from "../protocol";
import type { CliProgress } from "../server/cli";
import { percent } from "../search/rows";
import { printable } from "../support/printable";
import { duration } from "../status/indicator";

/** The part of a comparison that is read here. */
export type Measured = Pick<QuerySet, "queries"> & { search: Record<string, Pick<Comparison, "gain">> };
type Trained = Pick<TrainingReport, "name" | "helps_search"> & { test: Measured };
type Named = Pick<SystemName, "name" | "path">;
type Evaluated = Pick<Evaluation, "helps_search"> & { adapter: Named; against: Named; pairs: Measured | null };

/** Progress in one line. */
export function describeProgress({ stage, done, total, eta_seconds, score, base_score }: CliProgress): string {
  const share = total > 0 ? ` ${percent(done / total)}` : "";
  const left = eta_seconds === null || done >= total ? "" : `, ${duration(eta_seconds)} left`;
  const gain =
    score === undefined || base_score === undefined ? "" : ` · MRR@10 ${base_score.toFixed(3)} → ${score.toFixed(3)}`;
  return printable(`${stage.charAt(0).toUpperCase()}${stage.slice(1)}${share}${left}${gain}`);
}

export function describeTraining({ name, helps_search, test }: Trained): string {
  return printable(`${name} is trained. ${gainOf(test, "the base model", helps_search)}`);
}

export function describeEvaluation({ adapter, against, helps_search, pairs }: Evaluated): string {
  const other = against.path === null ? "the base model" : against.name;
  const result = pairs ? `: ${lowered(gainOf(pairs, other, helps_search))}` : " has been evaluated.";
  return printable(`${adapter.name}${result}`);
}

function gainOf({ queries, search }: Measured, other: string, isSignificant: boolean): string {
  const gain = search.mrr_at_10?.gain;
  if (!gain) {
    return "The report has no MRR@10.";
  }
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
