import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "../fixtures.ts";
import { out, vsix } from "../places.ts";
import { PROJECT, QUESTION } from "../project.ts";
import { Workbench } from "../workbench.ts";
import { Window } from "../window.ts";

test("on a new machine the extension makes its own Python environment, once, when the user agrees", async ({
  page,
}) => {
  test.setTimeout(900_000);
  const workbench = await Workbench.start({
    vsix: [vsix],
    machine: { "codecontext.python.interpreter": "/no/such/python" },
    log: join(out, "server-first-use.log"),
  });
  const machineSettings = join(workbench.home, "data/Machine/settings.json");
  const storage = join(workbench.home, "data/User/globalStorage/codecontext.codecontext");
  const environments = () => readdirSync(storage).filter((name) => name.startsWith("python-"));
  try {
    const window = new Window(page, join(out, "screenshots"));
    await window.open(workbench.url(workbench.folder("shop", PROJECT)));

    await test.step("an interpreter that does not exist is reported, with what to do", async () => {
      await expect(window.indicator).toHaveClass(/error-kind/);
      await expect(window.toast("which cannot be executed")).toContainText("Open Settings");
      await window.shot("no-interpreter");
    });

    await test.step("without one, setup is offered, not done", async () => {
      writeFileSync(machineSettings, "{}");
      await expect(window.toast("CodeContext needs its own Python environment")).toBeVisible();
      await expect(window.indicator).toHaveAttribute("aria-label", /one-time setup/);
      await page.keyboard.press("Alt+Shift+S");
      await expect(window.rows.first()).toContainText("Set up CodeContext");
      await page.keyboard.press("Escape");
    });

    const dialog = page.locator(".monaco-dialog-box");
    const progress = window.toasts.filter({ has: page.getByRole("button", { name: "Cancel" }) });
    await test.step("cancelled, it leaves nothing behind", async () => {
      await window
        .toast("CodeContext needs its own Python environment")
        .getByRole("button", { name: "Set Up…" })
        .click();
      await expect(dialog).toContainText("of disk space");
      await window.shot("consent");
      await dialog.getByRole("button", { name: "Set Up" }).click();
      await expect(progress).toContainText("Creating a virtual environment");
      await progress.getByRole("button", { name: "Cancel" }).click();
      await expect(progress).toHaveCount(0);
      await expect(window.indicator).toHaveAttribute("aria-label", /one-time setup/);
      expect(environments()).toEqual([]);
    });

    await test.step("accepted, it is made with visible progress, and then search works", async () => {
      await window.command("CodeContext: Set Up Python Environment");
      await dialog.getByRole("button", { name: "Set Up" }).click();
      await expect(progress).toContainText("Installing PyTorch", { timeout: 120_000 });
      await window.shot("setting-up");
      await expect(window.indicator).toHaveAttribute("aria-label", /100 % indexed/, { timeout: 700_000 });
      await window.search(QUESTION.query);
      await expect(window.rows.first()).toContainText(QUESTION.symbol);
      await page.keyboard.press("Escape");
      expect(environments()).toHaveLength(1);
    });

    await test.step("the next window asks for nothing", async () => {
      await page.reload();
      await window.settles();
      await expect(window.toasts).toHaveCount(0);
    });
    await window.close();
  } finally {
    await workbench.stop();
  }
});
