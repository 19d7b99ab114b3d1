import { describe, expect, it } from "vitest";
import { duration, escaped, focusedFolder, indicatorOf, megabytes, timeOf } from "../../src/status/indicator";
import type { FolderStatus, Status } from "../../src/protocol";
import { shortened } from "../../src/support/printable";
import { folder, HOUSE_STYLE, status } from "./samples";

const NOW = new Date(HOUSE_STYLE.loadedAt * 1000 + 60_000);
const show = (folders: FolderStatus[], changes: Partial<Status> = {}, uri?: string) =>
  indicatorOf({ kind: "running" }, status(folders, changes), {
    folder: uri,
    now: NOW,
    shorten: (text) => shortened(text, [], "/shop"),
  });
const adapted = { adapter: HOUSE_STYLE, currentAdapterPath: HOUSE_STYLE.path, wantedAdapterPath: HOUSE_STYLE.path };

describe("the text", () => {
  it.each<[string, Partial<FolderStatus>, string]>([
    ["base model", {}, "$(search-fuzzy) all-MiniLM-L6-v2"],
    ["a model in a folder", { model: "/models/code-model/" }, "$(search-fuzzy) code-model"],
    ["adapter", adapted, "$(layers-active) house-style"],
    ["indexing", { ...adapted, phase: "embedding", coverage: 0.429 }, "$(sync~spin) house-style 42 %"],
    ["reading", { phase: "reading", done: 5, total: 10, chunks: 0, coverage: 0 }, "$(sync~spin) all-MiniLM-L6-v2 50 %"],
    ["checking a complete index", { phase: "scanning" }, "$(sync~spin) all-MiniLM-L6-v2"],
    ["paused", { paused: true, coverage: 0.5, phase: "embedding" }, "$(debug-pause) all-MiniLM-L6-v2 50 %"],
    [
      "swapping",
      { ...adapted, pendingAdapter: "/a/other-words", pendingCoverage: 0.3, phase: "embedding" },
      "$(sync~spin) house-style → other-words 30 %",
    ],
    [
      "back to the base model",
      { ...adapted, pendingAdapter: "", pendingCoverage: null },
      "$(sync~spin) house-style → all-MiniLM-L6-v2",
    ],
    ["keyword search only", { keywordOnly: true, ready: false }, "$(search-fuzzy) keyword search"],
    ["warning", { ...adapted, health: "warning", message: "Gone." }, "$(warning) house-style"],
    ["error", { health: "error", message: "Broken." }, "$(error) all-MiniLM-L6-v2"],
  ])("%s", (_name, changes, text) => {
    expect(show([folder(changes)]).text).toBe(text);
  });

  it("warns by its background only where something is wrong", () => {
    expect(show([folder()]).severity).toBe("none");
    expect(show([folder({ health: "warning" })]).severity).toBe("warning");
    const engine = { ...status([]).engine, state: "failed" as const, message: "Out of memory." };
    expect(show([folder()], { engine }).severity).toBe("error");
  });

  it("spins while something is left to do, between two phases too", () => {
    expect(show([folder({ coverage: 0 })], { quiescent: false }).text).toBe("$(sync~spin) all-MiniLM-L6-v2 0 %");
  });

  it("spins while the engine comes back", () => {
    const engine = { ...status([]).engine, state: "restarting" as const };
    expect(show([folder()], { engine }).text).toContain("$(sync~spin)");
  });

  it.each([
    [{ kind: "off", reason: "Off." } as const, "$(circle-slash) CodeContext", "none"],
    [{ kind: "setup" } as const, "$(cloud-download) CodeContext", "none"],
    [{ kind: "starting" } as const, "$(sync~spin) CodeContext", "none"],
    [{ kind: "failed", message: "No Python." } as const, "$(error) CodeContext", "error"],
    [{ kind: "running" } as const, "$(sync~spin) CodeContext", "none"],
  ])("without a status: %j", (state, text, severity) => {
    expect(indicatorOf(state, undefined, { folder: undefined, now: NOW })).toMatchObject({ text, severity });
  });

  it("reads well aloud", () => {
    const label = show([folder({ ...adapted, health: "warning", message: "It is gone." })]).label;
    expect(label).toBe("CodeContext: adapter house-style, 100 % indexed, It is gone.");
  });
});

describe("which folder it speaks of", () => {
  const [shop, tools] = [folder(), folder({ uri: "file:///tools", name: "tools", model: "code-model" })];

  it("is the active editor's, else one with a problem, else the first", () => {
    expect(focusedFolder(status([shop, tools]), "file:///tools")).toBe(tools);
    expect(focusedFolder(status([shop, tools]), undefined)).toBe(shop);
    const broken = { ...tools, health: "error" as const };
    expect(focusedFolder(status([shop, broken]), "file:///elsewhere")).toBe(broken);
  });

  it("says so when no folder is open", () => {
    expect(show([], { message: "No folder is open." }).tooltip).toContain("No folder is open");
  });

  it("mentions the others in the tooltip", () => {
    expect(show([shop, tools]).tooltip).toContain("tools · code\\-model · 100 % indexed");
  });
});

describe("the tooltip", () => {
  it("has everything about adapter, index and engine, and links that act", () => {
    const { tooltip } = show([folder({ ...adapted, skipped: 3 })]);
    for (const said of [
      "| Model | `all-MiniLM-L6-v2` with openvino |",
      "| Adapter | `~/adapters/house-style` |",
      "| LoRA | rank 8, alpha 16 |",
      "| Fingerprint | `0123456789abcdef` |",
      ", in 94 ms |",
      "| Indexed | 100 % of 1,234 chunks in 120 files |",
      "| Engine | ready, 412 MB |",
      "(command:codecontext.selectAdapter)",
      "(command:codecontext.reloadAdapter)",
      "(command:codecontext.pauseIndexing)",
      "(command:codecontext.updateIndex)",
      "(command:codecontext.showLogs)",
      "(command:codecontext.restart)",
      "3 files not indexed",
    ]) {
      expect(tooltip).toContain(said);
    }
  });

  it("says what brings an idle engine back", () => {
    const engine = { ...status([]).engine, state: "idle" as const, memoryBytes: null };
    expect(show([folder()], { engine }).tooltip).toContain("| Engine | idle (starts on next search) |");
  });

  it("says once what is wrong, with what is being prepared", () => {
    const problem = "LoRA adapter path does not exist: /x";
    const { tooltip } = show([
      folder({ health: "warning", message: problem, pendingAdapter: "/a/b", pendingCoverage: 0.5 }),
    ]);
    expect(tooltip.split("does not exist")).toHaveLength(2);
    expect(tooltip).toContain("$(warning) LoRA adapter path does not exist: /x");
    expect(tooltip).toContain("| Preparing | `b`, 50 % |");
  });

  it("says everything that is wrong, the worst first", () => {
    const problems = [
      { kind: "watching" as const, message: "Cannot watch all of /shop.", hint: "" },
      { kind: "settings" as const, message: "search.limit is unknown.", hint: "The defaults are in force." },
    ];
    const { tooltip } = show([
      folder({ health: "error", message: "search.limit is unknown. The defaults are in force.", problems }),
    ]);
    const said = tooltip.split("\n\n").filter((line) => line.startsWith("$(error)"));
    expect(said).toEqual([
      "$(error) search.limit is unknown. The defaults are in force.",
      "$(error) Cannot watch all of /shop.",
    ]);
  });

  it("offers to resume where it is paused, and nothing to reload without an adapter", () => {
    const { tooltip } = show([folder({ paused: true, phase: "embedding", etaSeconds: 30 })]);
    expect(tooltip).toContain("resumeIndexing");
    expect(tooltip).not.toContain("reloadAdapter");
    expect(tooltip).toContain("| Now | embedding, paused |");
  });

  it("takes no text of others for Markdown, links or icons", () => {
    const message = "[click](command:evil) $(alert) **bold** `code`";
    const { tooltip } = show([folder({ health: "warning", message })]);
    expect(tooltip).not.toContain("](command:evil)");
    expect(tooltip).not.toContain("$(alert)");
    expect(escaped("a\n# b\r\nc")).toBe("a \\# b c");
  });
});

describe("amounts", () => {
  it("are in units that people read", () => {
    expect([megabytes(412_000_000), megabytes(2_340_000_000), megabytes(10)]).toEqual(["412 MB", "2.3 GB", "1 MB"]);
    expect([duration(4.4), duration(0.2), duration(140), duration(7_300)]).toEqual([
      "4 s",
      "1 s",
      "2 min",
      "2 h 2 min",
    ]);
  });

  it("leave out the date of today", () => {
    const noon = new Date(2026, 10, 24, 12, 0, 0);
    expect(timeOf(noon.getTime() / 1000, noon)).toBe("12:00:00");
    expect(timeOf(noon.getTime() / 1000 - 86_400, noon)).toBe("2026-11-23 12:00:00");
  });
});
