import { describe, expect, it } from "vitest";
import { Results, tooltipOf } from "../../src/search/results";
import { hit, result } from "./samples";

const at = (path: string, line: number) =>
  hit({
    uri: `file:///shop/${path}`,
    path,
    range: { start: { line, character: 0 }, end: { line: line + 2, character: 0 } },
    selectionRange: { start: { line, character: 4 }, end: { line, character: 8 } },
    qualifiedName: `${path}@${line}`,
  });
const [A1, B1, A2] = [at("a.py", 1), at("b.py", 1), at("a.py", 9)];
const results = () => new Results({ title: "“lock”", query: "lock" }, result([A1, B1, A2]));

describe("results", () => {
  it("are grouped by file, the file with the best one first", () => {
    expect(results().files.map(({ path, hits }) => [path, hits])).toEqual([
      ["a.py", [A1, A2]],
      ["b.py", [B1]],
    ]);
  });

  it("are walked through in the order on screen, round and round", () => {
    const grouped = results();
    expect([1, 1, 1, 1, -1].map((steps) => grouped.move(steps, true))).toEqual([A1, A2, B1, A1, B1]);
    const listed = results();
    expect([1, 1, 1, 1].map((steps) => listed.move(steps, false))).toEqual([A1, B1, A2, A1]);
    expect(results().move(-1, true)).toBe(B1);
  });

  it("continue from the one that was opened", () => {
    const opened = results();
    opened.select({ ...A2 });
    expect(opened.move(1, true)).toBe(B1);
  });

  it("can be dismissed, the current one too", () => {
    const left = results();
    left.move(1, true);
    left.dismiss([A1]);
    expect(left.current).toBeUndefined();
    expect(left.hits).toEqual([B1, A2]);
    left.dismiss([B1, A2]);
    expect(left.move(1, true)).toBeUndefined();
  });

  it("are copied as Markdown", () => {
    expect(results().toMarkdown()).toBe("**“lock”**\n\n- `a.py:2` a.py@1\n- `b.py:2` b.py@1\n- `a.py:10` a.py@9\n");
  });
});

describe("the tooltip", () => {
  it("shows code that holds fences of its own as code", () => {
    const text = "```sh\nrm -rf\n```";
    expect(tooltipOf(hit({ text, language: "markdown" }))).toContain(`\`\`\`\`markdown\n${text}\n\`\`\`\``);
  });

  it("says how much more there is, and whether it changed", () => {
    const long = tooltipOf(hit({ text: "x\n".repeat(20), freshness: "changed" }));
    expect(long).toContain("… 9 more lines");
    expect(long).toContain("Changed since it was indexed; shown as it is now.");
  });
});
