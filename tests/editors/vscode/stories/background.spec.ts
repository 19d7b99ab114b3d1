import { execFileSync } from "node:child_process";
import { expect, test } from "../fixtures.ts";
import { PROJECT, QUESTION } from "../project.ts";
import { writeFiles } from "../workbench.ts";

test("background work is visible, can be paused and survives a crash", async ({ window, workbench }) => {
  const folder = workbench.folder("shop", PROJECT);
  await window.open(workbench.url(folder));
  await window.settles();
  const { page, rows, indicator } = window;

  await test.step("a saved file is found at once", async () => {
    writeFiles(folder, { "orders/vouchers.py": 'def redeem(code):\n    """Turn a gift card into money, once."""\n' });
    await expect(async () => {
      await window.search("gift card");
      await expect(rows.first()).toContainText("redeem", { timeout: 2000 });
    }).toPass({ timeout: 30_000 });
    await page.keyboard.press("Escape");
  });

  await test.step("paused, it says so and search still works; resumed, it continues", async () => {
    await window.command("CodeContext: Pause Indexing");
    await expect(indicator).toHaveAttribute("aria-label", /paused at 100 %/);
    await window.search(QUESTION.query);
    await expect(rows.first()).toContainText(QUESTION.symbol);
    await page.keyboard.press("Escape");
    await window.command("CodeContext: Resume Indexing");
    await window.settles();
  });

  await test.step("the engine killed, it restarts automatically and says so", async () => {
    await window.command("CodeContext: Show Diagnostics");
    const text = page.locator(".view-lines").filter({ hasText: "Engine" });
    await expect(text).toBeVisible();
    const pid = /pid (\d+)/.exec((await text.innerText()).replace(/\u00a0/g, " "))?.[1] ?? "";
    expect(Number(pid)).toBeGreaterThan(1);
    execFileSync("kill", ["-9", pid]);
    await expect(async () => {
      await indicator.hover();
      await expect(page.locator(".workbench-hover").filter({ hasText: "restarted once" })).toBeVisible({
        timeout: 1500,
      });
    }).toPass({ timeout: 60_000 });
    await page.mouse.move(600, 300);
    await window.search(QUESTION.query);
    await expect(rows.first()).toContainText(QUESTION.symbol);
    await page.keyboard.press("Escape");
  });

  await test.step("a click on the indicator opens a menu for the keyboard", async () => {
    await indicator.click();
    await expect(rows.filter({ hasText: "Select Adapter" })).toBeVisible();
    await expect(rows.filter({ hasText: "Restart" })).toBeVisible();
    await window.shot("menu");
    await page.keyboard.type("Not Indexed");
    await page.keyboard.press("Enter");
    await expect(page.locator(".view-lines").getByText("Files that are not indexed")).toBeVisible();
  });

  await test.step("restarted, search works again", async () => {
    await window.command("CodeContext: Restart");
    await window.settles();
    await window.search(QUESTION.query);
    await expect(rows.first()).toContainText(QUESTION.symbol);
  });
});

test("nothing runs in a workspace where the user declined", async ({ window, workbench }) => {
  const folder = workbench.folder("shop", {
    ...PROJECT,
    ".vscode/settings.json": { "codecontext.index.askAboveFiles": 3 },
  });
  await window.open(workbench.url(folder));
  const { page, rows, indicator } = window;

  await test.step("a very large one is asked about, once", async () => {
    await expect(window.toast("more than 3 files")).toBeVisible();
    await expect(indicator).toHaveAttribute("aria-label", /very large/);
    await window.toast("more than 3 files").getByRole("button", { name: "Never for This Workspace" }).click();
    await expect(indicator).toHaveAttribute("aria-label", /autoStart is off/);
    await page.reload();
    await expect(indicator).toHaveAttribute("aria-label", /autoStart is off/);
    await expect(window.toasts).toHaveCount(0);
  });

  await test.step("it starts when the user wants it", async () => {
    await window.search();
    await expect(rows.first()).toContainText("Start CodeContext");
    await page.keyboard.press("Enter");
    await window.settles();
  });
});
