import { describe, expect, it } from "vitest";
import { completions, hasWords, openFilter } from "../../src/search/filters";

const FOLDERS = ["orders/", "storage/", "web/"];
const labels = (query: string) => completions(query, FOLDERS).map(({ label }) => label);

describe("completing a filter", () => {
  it("offers what begins with the letters typed, then what holds them", () => {
    expect(labels("retry lang:py")).toEqual(["lang:python", "lang:jupyter"]);
    expect(labels("lang:script").slice(0, 2)).toEqual(["lang:coffeescript", "lang:gdscript"]);
  });

  it("gives the whole query with the filter in it", () => {
    expect(completions("retry lang:pyt", FOLDERS)[0]?.query).toBe("retry lang:python ");
  });

  it("keeps the sign of an excluding filter", () => {
    expect(labels("-path:sto")).toEqual(["-path:storage/"]);
  });

  it("offers all kinds and all folders where nothing is typed yet", () => {
    expect(labels("kind:")).toContain("kind:method");
    expect(labels("path:")).toEqual(["path:orders/", "path:storage/", "path:web/"]);
  });

  it.each(["retry", "lang:python", "lang:python ", "slang:py", "see lang:py here"])(
    "offers nothing for “%s”",
    (query) => {
      expect(labels(query)).toEqual([]);
    },
  );

  it("is not mistaken by a filter inside a word", () => {
    expect(openFilter("mylang:py")).toBeUndefined();
  });
});

describe("whether there are words besides filters", () => {
  it.each([
    ["lang:python", false],
    ["  -path:a kind:class ", false],
    ["lock lang:python", true],
    ["", false],
  ])("“%s”: %s", (query, expected) => {
    expect(hasWords(query)).toBe(expected);
  });
});
