import { describe, expect, it } from "vitest";
import { whyFailed, whyUnavailable, whyNothingFound } from "../../src/search/emptyState";
import { folder, result, status } from "./samples";

describe("why the server cannot search", () => {
  it("is nothing while it runs", () => {
    expect(whyUnavailable({ kind: "running" })).toBeUndefined();
  });

  it("comes with the command that helps", () => {
    expect(whyUnavailable({ kind: "setup" })?.command).toBe("codecontext.setUp");
    expect(whyUnavailable({ kind: "off", reason: "Off here." })).toMatchObject({
      command: "codecontext.start",
      detail: "Off here.",
    });
    expect(whyUnavailable({ kind: "failed", message: "No Python." })).toMatchObject({
      command: "codecontext.restart",
      detail: "No Python.",
    });
    expect(whyUnavailable({ kind: "starting" })?.command).toBeUndefined();
  });
});

describe("why nothing was found", () => {
  it("may be that the index is not complete", () => {
    const indexing = status([folder({ phase: "embedding", coverage: 0.42 })]);
    expect(whyNothingFound(result([]), indexing).detail).toContain("42 % is indexed");
    const reading = status([folder({ phase: "reading", coverage: 0, chunks: 0 })]);
    expect(whyNothingFound(result([]), reading).detail).toContain("being read");
  });

  it("may be that indexing is paused", () => {
    const paused = status([folder({ paused: true, coverage: 0.1 })]);
    expect(whyNothingFound(result([]), paused)).toMatchObject({ command: "codecontext.resumeIndexing" });
  });

  it("is else what the server says", () => {
    const answer = result([], { message: "No file has that language." });
    expect(whyNothingFound(answer, status([folder()])).detail).toBe("No file has that language.");
  });
});

it("a failed search says why", () => {
  expect(whyFailed(new Error("The engine is restarting."))).toMatchObject({ detail: "The engine is restarting." });
});
