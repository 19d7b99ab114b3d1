import { describe, expect, it } from "vitest";
import { evidenceOf, firstSentence, nameOf, percent, rowOf, summaryOf } from "../../src/search/rows";
import { hit, result } from "./samples";

describe("a hit as a row", () => {
  it("has the symbol, the place as people count lines, and the signature", () => {
    expect(rowOf(hit())).toMatchObject({
      label: "discounted",
      description: "orders/prices.py:4",
      detail: "def discounted(total: float, percent: float) -> float",
    });
  });

  it("names the folder where there are several", () => {
    expect(rowOf(hit({ folder: "file:///my%20shop" }), true).description).toBe("my shop • orders/prices.py:4");
  });

  it("is named by its place where it has no symbol, and says its first line with words", () => {
    const window = hit({ kind: "block", symbol: "", qualifiedName: "", signature: "", text: "\n}\n\n  total = 1\n" });
    expect(nameOf(window)).toBe("prices.py:4");
    expect(rowOf(window)).toMatchObject({ icon: "code", color: undefined, detail: "total = 1" });
  });

  it("says the text of a section, not its heading again", () => {
    expect(rowOf(hit({ kind: "section", signature: "", text: "# Operations\n\nStart it.\n" })).detail).toBe(
      "Start it.",
    );
  });

  it("cuts a long line off", () => {
    expect(rowOf(hit({ signature: "x".repeat(500) })).detail).toHaveLength(160);
  });
});

describe("why a hit was found", () => {
  it("gives both ranks and the rules", () => {
    expect(evidenceOf(hit())).toBe("semantic #1 (0.62) · keyword #3 · definition ×2");
  });

  it("leaves out the retrieval that did not find it", () => {
    const evidence = { lexicalRank: 2, lexicalScore: 1, semanticRank: null, semanticScore: null, rules: [] };
    expect(evidenceOf(hit({ evidence }))).toBe("keyword #2");
  });
});

describe("the line above the results", () => {
  const state = { folder: "f", adapter: null, fingerprint: null, space: "s", coverage: 1, degraded: null };

  it.each([
    ["one", result([hit()]), "1 result"],
    ["none", result([]), "0 results"],
    ["keyword results alone", result([hit()], { complete: false }), "1 result · keyword only so far"],
    [
      "half indexed",
      result([hit()], { states: [{ ...state, coverage: 0.429, degraded: "Half." }] }),
      "1 result · 42 % indexed",
    ],
    ["degraded", result([hit()], { states: [{ ...state, degraded: "No adapter. Fix it." }] }), "1 result · No adapter"],
    [
      "the worst of two folders",
      result([], { states: [state, { ...state, coverage: 0.1 }] }),
      "0 results · 10 % indexed",
    ],
  ])("%s", (_name, answer, line) => {
    expect(summaryOf(answer)).toBe(line);
  });
});

describe("percent", () => {
  it.each([
    [0.999, "99 %"],
    [1, "100 %"],
    [0, "0 %"],
  ])("%d is %s", (share, text) => {
    expect(percent(share)).toBe(text);
  });
});

describe("the first sentence", () => {
  it("ends at a full stop that ends a sentence, not at one in a path", () => {
    expect(firstSentence("Path /a.b/c is gone. Set it again.")).toBe("Path /a.b/c is gone");
  });
});
