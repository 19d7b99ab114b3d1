import { describe, expect, it } from "vitest";
import { describeEvaluation, describeProgress, describeTraining, type Measured } from "../../src/adapter/outcome";
import { inTheme } from "../../src/adapter/outcome";

const set = (mean: number, low: number, high: number): Measured => ({
  queries: 1082,
  search: { mrr_at_10: { gain: { mean, low, high } } },
});

describe("what came of training", () => {
  const report = { path: "/a/shop-1", name: "shop-1", report: "/a/shop-1/report.html" };

  it("is a gain with its interval", () => {
    expect(describeTraining({ ...report, helps_search: true, test: set(0.0351, 0.002, 0.07) })).toBe(
      "shop-1 is trained. On 1,082 held-out queries, search gains +0.035 MRR@10 over the base model " +
        "(95 % interval +0.002 to +0.070).",
    );
  });

  it("says when it may be a loss", () => {
    const said = describeTraining({ ...report, helps_search: false, test: set(-0.01, -0.03, 0.01) });
    expect(said).toContain("loses 0.010 MRR@10 against the base model");
    expect(said).toMatch(/\(95 % interval −0.030 to \+0.010, not statistically significant\)\.$/);
  });

  it("says when it is one", () => {
    const said = describeTraining({ ...report, helps_search: false, test: set(-0.02, -0.03, -0.01) });
    expect(said).toMatch(/loses 0.020 MRR@10 against the base model \(95 % interval −0.030 to −0.010\)\.$/);
  });
});

describe("what came of measuring", () => {
  const adapter = { name: "b", path: "/a/b" };
  const common = { adapter, report: null, helps_search: true };

  it("names what it is compared with", () => {
    const base = { name: "base", path: null };
    const pairs = set(0.1, 0.05, 0.15);
    expect(describeEvaluation({ ...common, against: base, pairs })).toMatch(/^b: on 1,082 .* over the base model/);
    expect(describeEvaluation({ ...common, against: { name: "a", path: "/a/a" }, pairs })).toContain("over a (95 %");
  });
});

describe("how far it is", () => {
  const event = { event: "progress", stage: "training", done: 30, total: 120, eta_seconds: 95 } as const;

  it("has the share, the time left and the gain so far", () => {
    expect(describeProgress({ ...event, base_score: 0.44, score: 0.481 })).toBe(
      "Training 25 %, 2 min left · MRR@10 0.440 → 0.481",
    );
  });

  it("says no more than is known", () => {
    expect(describeProgress({ ...event, stage: "loading model", done: 0, total: 0, eta_seconds: null })).toBe(
      "Loading model",
    );
  });
});

describe("a report in the editor", () => {
  const html = "<html><head><style>@media (prefers-color-scheme: dark) { a }</style></head></html>";

  it("has the editor's colours", () => {
    expect(inTheme(html, true)).toContain("@media all { a }");
    expect(inTheme(html, false)).toContain("@media not all { a }");
  });
});
