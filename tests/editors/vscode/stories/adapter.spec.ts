import { cpSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, putAdapter, test } from "../fixtures.ts";
import { PROJECT, SLANG } from "../project.ts";
import { writeFiles } from "../workbench.ts";

const SETTING = "codecontext.embeddings.huggingface.loraAdapterPath";

test("an adapter is selected, replaced, broken and removed while the editor stays open", async ({
  window,
  workbench,
}) => {
  const folder = workbench.folder("shop", { ...PROJECT, ".gitignore": ".codecontext/\n.vscode/\n" });
  const adapters = join(folder, ".codecontext/adapters");
  putAdapter("house-style", join(adapters, "house-style"));
  putAdapter("for-another-model", join(adapters, "for-another-model"));
  const configure = (path: string | undefined) =>
    writeFiles(folder, { ".vscode/settings.json": path === undefined ? {} : { [SETTING]: path } });
  await window.open(workbench.url(folder));
  await window.settles();
  const { page, rows, indicator } = window;
  const best = async () => {
    await window.search(SLANG.query);
    const name = await window.best();
    await page.keyboard.press("Escape");
    return name;
  };

  await test.step("the base model does not know our people's own word", async () => {
    expect(await best()).not.toBe(SLANG.symbol);
  });

  await test.step("Select Adapter lists what there is, and says what cannot be used and why", async () => {
    await window.command("CodeContext: Select Adapter");
    await expect(rows.filter({ hasText: "house-style" })).toContainText("rank 8, alpha 16");
    await expect(rows.filter({ hasText: "Base model only" })).toBeVisible();
    await expect(rows.filter({ hasText: "for-another-model" })).toContainText(/codebert|rank/);
    await window.shot("select-adapter");
    await rows.filter({ hasText: "house-style" }).click();
  });

  await test.step("the selected adapter is active, and its word is understood", async () => {
    await window.settles("house-style");
    expect(await best()).toBe(SLANG.symbol);
  });

  await test.step("the tooltip has its details", async () => {
    await indicator.hover();
    const tooltip = page.locator(".workbench-hover .hover-contents").filter({ hasText: "Fingerprint" });
    await expect(tooltip).toContainText("rank 8, alpha 16");
    await expect(tooltip).toContainText("100 % of");
    await expect(tooltip.getByText("Select Adapter")).toBeVisible();
    await window.shot("adapter");
    await page.mouse.move(600, 300);
  });

  await test.step("other weights under the same name are noticed, and rank differently", async () => {
    const fingerprint = async () => /Fingerprint\s+(\w+)/.exec(await window.tooltip())?.[1];
    const before = await fingerprint();
    putAdapter("other-words", join(adapters, "house-style"));
    await expect.poll(fingerprint, { timeout: 60_000 }).not.toBe(before);
    await window.settles("house-style");
    expect(await best()).not.toBe(SLANG.symbol);
  });

  await test.step("a path that does not exist is reported where it is set, and the previous adapter stays active", async () => {
    configure(".codecontext/adapters/no-such");
    await expect(indicator).toHaveClass(/warning-kind/);
    await window.shows("house-style");
    const toast = window.toast("no-such");
    await expect(toast).toBeVisible();
    await window.shot("bad-path");
    await toast.getByText("Open Settings").click();
    await expect(window.tab("settings.json")).toBeVisible();
    await expect(page.locator(".squiggly-warning")).toBeVisible();
  });

  await test.step("the setting cleared, the base model is active", async () => {
    configure(undefined);
    await window.settles();
    await expect(indicator).not.toHaveClass(/warning-kind/);
    await expect(page.locator(".squiggly-warning")).toHaveCount(0);
  });

  await test.step("a folder that appears later is loaded as soon as it is complete", async () => {
    configure(".codecontext/adapters/late");
    await expect(indicator).toHaveClass(/warning-kind/);
    const elsewhere = join(folder, "..", "late");
    cpSync(join(import.meta.dirname, "../node_modules/.cache/adapters/house-style"), elsewhere, { recursive: true });
    renameSync(elsewhere, join(adapters, "late"));
    await window.settles("late");
    await expect(indicator).not.toHaveClass(/warning-kind/);
    rmSync(join(adapters, "late"), { recursive: true });
    await expect(indicator).toHaveClass(/warning-kind/);
    await window.shows("late");
  });
});

test("two folders of a window have an adapter each", async ({ window, workbench }) => {
  const shop = workbench.folder("shop", {
    ...PROJECT,
    ".vscode/settings.json": { [SETTING]: "../adapters/house-style" },
  });
  const root = join(shop, "..");
  putAdapter("house-style", join(root, "adapters/house-style"));
  writeFiles(root, {
    "tools/convert.py":
      'def to_celsius(degrees: float) -> float:\n    """Temperatures for Europe."""\n    return (degrees - 32) / 1.8\n',
    "both.code-workspace": { folders: [{ path: "shop" }, { path: "tools" }], settings: {} },
  });
  await window.open(workbench.url(join(root, "both.code-workspace")));
  await window.openFile("convert.py");
  await window.settles();
  await window.openFile("uploads.py");
  await window.settles("house-style");

  await window.search("temperature");
  await expect(window.rows.first()).toContainText("to_celsius");
  await expect(window.rows.first()).toContainText("tools • convert.py:1");
  await window.shot("two-folders");
});
