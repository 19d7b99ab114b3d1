import { describe, expect, it } from "vitest";
import { indicatorOf } from "../../src/status/indicator";
import { adapterRows } from "../../src/adapter/adapterPick";
import { describeTraining } from "../../src/adapter/outcome";
import { Results, tooltipOf } from "../../src/search/results";
import { rowOf } from "../../src/search/rows";
import { printable, printableLabel, printableLines } from "../../src/support/printable";
import { folder, found, hit, HOUSE_STYLE, result, status } from "./samples";

const HOSTILE = "\u001b]0;t\u0007 \u009bm \u202e\u2066 \u2028 \u{e0041} \u200b";
const SHOWN = "\\x1b]0;t\\x07 \\x9bm \\u202e\\u2066 \\u2028 \\U000e0041 \\u200b";
const RAW = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\u{e0041}]/u;

describe("text of others", () => {
  it("shows what steers, turns or hides as escapes", () => {
    expect(printable(HOSTILE)).toBe(SHOWN);
    expect(printableLines(HOSTILE)).toBe(SHOWN);
    expect(printable("a\n\tb\r")).toBe("a\\n\\tb\\r");
    expect(printableLines("a\n\tb\r")).toBe("a\n\tb\\r");
    expect(printable("admin\u200d \ud800")).toBe("admin\\u200d \\ud800");
  });

  it("leaves what people write", () => {
    const text = "한국 在庫 заказ naïve می\u200cخواهم 👩\u200d💻 ❤\ufe0f 1\ufe0f\u20e3";
    expect(printable(text)).toBe(text);
  });

  it("is no icon in a label", () => {
    expect(printableLabel("$(trash) x")).toBe("\\$(trash) x");
  });
});

describe("nothing of others is shown raw", () => {
  it("in a row of a search and its tooltip", () => {
    const hostile = hit({ path: HOSTILE, qualifiedName: HOSTILE, signature: HOSTILE, text: `a\n${HOSTILE}\n` });
    const row = rowOf(hostile);
    expect([row.label, row.description, row.detail].join("")).not.toMatch(RAW);
    expect(row.label).toBe(SHOWN);
    expect(tooltipOf(hostile)).not.toMatch(RAW);
    expect(new Results({ title: HOSTILE }, result([hostile])).toMarkdown()).not.toMatch(RAW);
  });

  it("in the status bar and its tooltip, whose Markdown is trusted and has no lines of others", () => {
    const forged = `x\n\n[free](command:evil)\n| a |\n# b ${HOSTILE}`;
    const adapter = { ...HOUSE_STYLE, name: forged, path: forged, fingerprint: forged };
    const hostile = folder({ name: forged, message: forged, model: forged, notices: [forged], adapter });
    const other = folder({ uri: "file:///other", name: forged, message: forged });
    const { text, tooltip, label } = indicatorOf({ kind: "running" }, status([hostile, other]), {
      folder: hostile.uri,
      now: new Date(),
    });
    expect([text, tooltip, label].join("")).not.toMatch(RAW);
    expect(text).not.toContain("\n");
    expect(tooltip).not.toMatch(/^(?:\[free\]|# b|\| a)/m);
    expect(tooltip.replace(/`[^`\n]*`/g, "")).not.toContain("[free](");
  });

  it("in the list of adapters and what training says", () => {
    const rows = adapterRows([found({ name: HOSTILE, path: HOSTILE, baseModel: HOSTILE })], HOSTILE);
    expect(
      JSON.stringify(rows.flatMap((part) => part.rows.map((row) => [row.label, row.description, row.detail]))),
    ).not.toMatch(RAW);
    const test = { queries: 20, search: { mrr_at_10: { gain: { mean: 0, low: 0, high: 0 } } } };
    const report = { path: "", name: HOSTILE, report: "", helps_search: true, test };
    expect(describeTraining(report)).not.toMatch(RAW);
  });
});
