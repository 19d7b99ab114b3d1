import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliError, type CliOptions, readProgress, runCli } from "../../src/server/cli";
import { Cancelled } from "../../src/server/processes";

const PYTHON = process.env.STORIES_PYTHON ?? resolve(__dirname, "../../../.venv/bin/python");

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "cli-"));
  writeFileSync(join(folder, "one.py"), "def one():\n    return 1\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function options(changes: Partial<CliOptions> = {}): CliOptions & { stages: string[] } {
  const stages: string[] = [];
  return {
    python: PYTHON,
    folder,
    variables: { CODECONTEXT_HOME: join(folder, "home") },
    signal: new AbortController().signal,
    onProgress: ({ stage }) => stages.push(stage),
    onLine: () => undefined,
    stages,
    ...changes,
  };
}

describe("a command of ours", { timeout: 60_000 }, () => {
  it("reports its own error message, and its progress", async () => {
    const chosen = options();
    const failure = await runCli(["adapter", "train", folder], chosen).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CliError);
    expect((failure as CliError).code).toBe("training");
    expect((failure as CliError).message).toMatch(
      /yields only 0 pairs to train on; at least 50 are needed\. Training pays off/,
    );
    expect(chosen.stages).toContain("reading");
  });

  it("has the settings that it is given", async () => {
    const variables = { ...options().variables, CODECONTEXT_SEARCH__LIMIT: "0" };
    const failure = await runCli(["adapter", "train", folder], options({ variables })).catch((error: unknown) => error);
    expect(String(failure)).toContain("CODECONTEXT_SEARCH__LIMIT");
  });

  it("is stopped when it is no longer wanted", async () => {
    const controller = new AbortController();
    const running = runCli(["adapter", "train", folder], options({ signal: controller.signal }));
    controller.abort();
    await expect(running).rejects.toBeInstanceOf(Cancelled);
  });
});

describe("a line of stderr", () => {
  it("is an event or one of the log", () => {
    expect(
      readProgress('{"event": "progress", "stage": "scanning", "done": 1, "total": 0, "eta_seconds": null}'),
    ).toEqual({ event: "progress", stage: "scanning", done: 1, total: 0, eta_seconds: null });
    expect(readProgress('{"event": "other"}')).toBeUndefined();
    expect(readProgress("{broken")).toBeUndefined();
    expect(readProgress("Scanning")).toBeUndefined();
  });
});
