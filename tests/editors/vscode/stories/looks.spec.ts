import { join } from "node:path";
import { expect, putAdapter, test } from "../fixtures.ts";
import { PROJECT, QUESTION } from "../project.ts";
import { writeFiles } from "../workbench.ts";

const THEMES = [
  ["dark", "Dark 2026", "vs-dark"],
  ["light", "Light 2026", "vs"],
  ["high-contrast", "Default High Contrast", "hc-black"],
] as const;

test("it is readable in each theme and in a narrow window", async ({ window, workbench }) => {
  const folder = workbench.folder("shop", PROJECT);
  const settings = {
    "codecontext.embeddings.huggingface.loraAdapterPath": "~/adapters/house-style",
    "files.exclude": { ".vscode": true },
  };
  writeFiles(folder, { ".vscode/settings.json": settings });
  putAdapter("house-style", join(workbench.home, "home/adapters/house-style"));
  await window.open(workbench.url(folder));
  await window.settles("house-style");
  const { page, rows } = window;
  const visible = async (what: { boundingBox(): Promise<{ x: number; width: number } | null> }) => {
    const box = await what.boundingBox();
    const width = page.viewportSize()?.width ?? 0;
    return box !== null && box.width > 0 && box.x >= 0 && box.x + box.width <= width + 1;
  };

  for (const [name, theme, kind] of THEMES) {
    await test.step(theme, async () => {
      writeFiles(folder, { ".vscode/settings.json": { ...settings, "workbench.colorTheme": theme } });
      await expect(page.locator(`.monaco-workbench.${kind}`)).toBeVisible();
      await window.search(QUESTION.query);
      await expect(rows.first()).toContainText(QUESTION.symbol);
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowUp");
      await expect(window.tab(QUESTION.file)).toBeVisible();
      await window.shot(`${name}-search`, name === "dark" ? "search" : undefined);
      await page.locator(".quick-input-titlebar .codicon-list-tree").click();
      await expect(page.locator('.pane-body [role="treeitem"]').first()).toBeVisible();
      await page.locator('.pane-body [role="treeitem"][aria-level="2"]').first().click();
      await expect(window.tab(QUESTION.file)).toBeVisible();
      await window.shot(`${name}-results`, name === "dark" ? "results" : undefined);
      await window.indicator.hover();
      await expect(page.locator(".workbench-hover").filter({ hasText: "Fingerprint" })).toBeVisible();
      await window.shot(`${name}-adapter`, name === "dark" ? "adapter" : undefined);
      await page.mouse.move(640, 300);
      await window.command("View: Close All Editors");
    });
  }

  await test.step("narrow", async () => {
    await page.setViewportSize({ width: 480, height: 700 });
    await window.command("View: Close Primary Side Bar");
    await window.search(QUESTION.query);
    await expect(rows.first()).toContainText(QUESTION.symbol);
    expect(await visible(rows.first())).toBe(true);
    expect(await visible(window.indicator)).toBe(true);
    await window.shot("narrow-search");
  });
});
