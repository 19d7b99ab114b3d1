import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "../fixtures.ts";
import { python } from "../places.ts";

const TRAIN = "CodeContext: Train Adapter for This Workspace";

/** A query of the report that gained, and the file that answers it. */
interface Gained {
  query: string;
  file: string;
}

test("an adapter is trained on a workspace, evaluated and used, and finds what was not found before", async ({
  window,
  workbench,
}) => {
  test.setTimeout(600_000);
  const folder = join(mkdtempSync(join(workbench.home, "w-")), "railway");
  execFileSync(python, [join(import.meta.dirname, "../vocabulary.py"), folder], { stdio: "pipe" });
  const codecontext = join(workbench.home, "codecontext");
  const trained = join(codecontext, "adapters/railway-1");
  const { page, rows, toasts } = window;
  await window.open(workbench.url(folder));
  await window.settles();
  const vectorsBefore = writesOfVectors(codecontext);
  expect(vectorsBefore.length).toBeGreaterThan(0);

  const train = async () => {
    await window.command(TRAIN);
    await expect(rows.first()).toContainText("Queries only");
    await page.keyboard.press("Enter");
    await expect(window.toast("Training an adapter for railway")).toBeVisible();
  };

  await test.step("training can be stopped", async () => {
    await train();
    await expect(toasts.filter({ hasText: /Training \d+ %/ })).toBeVisible({ timeout: 120_000 });
    await toasts.getByRole("button", { name: "Cancel" }).click();
    await expect(window.toast("Training stopped.")).toBeVisible({ timeout: 60_000 });
    await page.keyboard.press("Escape");
  });

  await test.step("the same command resumes, and reports the improvement", async () => {
    await train();
    await expect(toasts.filter({ hasText: /MRR@10 0\.\d+ → 0\.\d+/ })).toBeVisible({ timeout: 120_000 });
    await window.shot("training");
    await expect(window.toast("railway-1 is trained.")).toBeVisible({ timeout: 180_000 });
    await expect(window.toast("search gains +0.")).toBeVisible();
    await window.shot("trained", "training");
  });

  const gained = gainedMost(join(trained, "report.html"));
  const rank = async () => {
    await window.search(gained.query);
    await expect(window.title).toHaveText(/results$/); // The complete result, not the keyword results.
    const files = await rows.locator(".label-description").allInnerTexts();
    await page.keyboard.press("Escape");
    const found = files.findIndex((place) => place.includes(gained.file));
    return found < 0 ? files.length : found;
  };

  await test.step("the report opens in a tab", async () => {
    await toasts.getByText("Show Report").click();
    const report = page.frameLocator("iframe.webview").frameLocator("iframe");
    await expect(report.getByText("Largest gains").first()).toBeAttached({ timeout: 60_000 });
    await expect(report.getByText(gained.query).first()).toBeAttached();
    await window.shot("report");
  });

  await test.step("used, it is active at once, and no code is embedded again", async () => {
    const before = await rank();
    await toasts.getByRole("button", { name: "Use It" }).click();
    await window.settles("railway-1");
    expect(await rank()).toBeLessThan(before);
    expect(writesOfVectors(codecontext)).toEqual(vectorsBefore);
    const settings = readFileSync(join(folder, ".vscode/settings.json"), "utf8");
    expect(settings).toContain("railway-1");
  });

  await test.step("evaluated again, the figures are the same", async () => {
    await window.command("CodeContext: Evaluate Adapter");
    await expect(rows.first()).toContainText("railway-1");
    await page.keyboard.press("Enter");
    await expect(window.toast("railway-1: on")).toBeVisible({ timeout: 120_000 });
    await expect(window.toast("over the base model")).toBeVisible();
  });
});

/** The first query below "Largest gains". */
function gainedMost(report: string): Gained {
  const table = readFileSync(report, "utf8").split("Largest gains")[1] ?? "";
  const [, query = "", file = ""] = /<td>([^<]+)<span class="dim">([^:<]+):/.exec(table) ?? [];
  expect(query).not.toBe("");
  return { query: unescaped(query), file: file.split("/").at(-1) ?? "" };
}

/** Text as a page shows it. */
function unescaped(html: string): string {
  const characters: Readonly<Record<string, string>> = { "#39": "'", "#34": '"', lt: "<", gt: ">", amp: "&" };
  return html.replace(/&(#39|#34|lt|gt|amp);/g, (entity, name: string) => characters[name] ?? entity);
}

/** The files of vectors, each with the time of its last write. */
function writesOfVectors(home: string): string[] {
  return readdirSync(home, { recursive: true, encoding: "utf8" })
    .filter((path) => /^indexes\/[^/]*\/vectors\/.*\/about$/.test(path))
    .map((path) => `${path} ${statSync(join(home, path)).mtimeMs}`)
    .sort();
}
