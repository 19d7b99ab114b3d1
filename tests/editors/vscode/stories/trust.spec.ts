import { join } from "node:path";
import { expect, putAdapter, test } from "../fixtures.ts";
import { out, python, vsix } from "../places.ts";
import { PROJECT, QUESTION } from "../project.ts";
import { Workbench, writeFiles } from "../workbench.ts";
import { Window } from "../window.ts";

test("a workspace that is not trusted chooses nothing; trusted, it does", async ({ page }) => {
  const workbench = await Workbench.start({
    vsix: [vsix],
    machine: { "codecontext.python.interpreter": python },
    trust: true,
    log: join(out, "server-trust.log"),
  });
  try {
    const adapter = { "codecontext.embeddings.huggingface.loraAdapterPath": "adapters/house-style" };
    const folder = workbench.folder("shop", {
      ...PROJECT,
      ".vscode/settings.json": {
        ...adapter,
        "codecontext.python.interpreter": "/bin/false",
      },
    });
    putAdapter("house-style", join(folder, "adapters/house-style"));
    const window = new Window(page, join(out, "screenshots"));
    await window.open(workbench.url(folder));

    await test.step("not trusted: the base model is active, run by the user's own interpreter", async () => {
      await expect(page.locator('[id="status.workspaceTrust"]')).toBeVisible();
      await window.settles();
      await window.search(QUESTION.query);
      await expect(window.rows.first()).toContainText(QUESTION.symbol);
      await window.shot("restricted");
      await page.keyboard.press("Escape");
    });

    await test.step("trusted: what the workspace says counts at once", async () => {
      writeFiles(folder, { ".vscode/settings.json": adapter });
      await page.locator('[id="status.workspaceTrust"]').click();
      await page.getByRole("button", { name: "Trust", exact: true }).first().click();
      await window.settles("house-style");
    });
    await window.close();
  } finally {
    await workbench.stop();
  }
});
