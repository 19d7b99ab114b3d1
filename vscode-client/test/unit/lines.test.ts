import { describe, expect, it } from "vitest";
import { LineSplitter, Tail } from "../../src/server/lines";

describe("lines of a process", () => {
  it("are whole, whatever the pieces", () => {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line));
    ["one\ntw", "o\r", "\n\nthree"].forEach((piece) => splitter.push(piece));
    splitter.end();
    expect(lines).toEqual(["one", "two", "three"]);
  });

  it("are forgotten but for the last", () => {
    const tail = new Tail(2);
    expect(tail.last).toBe("");
    ["a", "b", "c "].forEach((line) => tail.push(line));
    expect(tail.text).toBe("b\nc ");
    expect(tail.last).toBe("c");
  });
});
