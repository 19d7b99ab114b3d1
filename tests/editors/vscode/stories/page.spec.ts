import type { Locator, Page } from "@playwright/test";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "../fixtures.ts";
import { out, repository } from "../places.ts";
import { PROJECT } from "../project.ts";
import { Window } from "../window.ts";
import { Workbench } from "../workbench.ts";

const CLIENT = join(repository, "vscode-client");
const STEPS = ["Search in plain words", "Find similar code", "Use an adapter", "Train an adapter"];

test("the walkthrough shows its pictures, and the extension's page has none that is broken", async ({
  window,
  workbench,
}) => {
  await window.open(workbench.url(workbench.folder("shop", PROJECT)));
  const { page } = window;

  await test.step("the page", async () => {
    const readme = await openPage(page);
    await expect(readme.getByRole("heading", { name: "CodeContext for VS Code" })).toBeVisible();
    await expect(readme.locator("img")).toHaveCount(0);
  });

  await test.step("the walkthrough", async () => {
    await window.command("CodeContext: Open Walkthrough");
    await window.command("View: Close Primary Side Bar"); // Where it is narrow, there are no pictures.
    const picture = page.locator(".getting-started-media img");
    for (const title of STEPS) {
      await page.locator(".getting-started-step", { hasText: title }).click();
      await expect(picture).toHaveCount(1);
      await expect(picture).toBeVisible();
      await expect.poll(() => widths(picture)).toEqual([expect.any(Number)]);
      await expect.poll(() => widths(picture)).not.toContain(0);
    }
    await window.shot("walkthrough");
  });
});

test("with the address where they are published, the extension's page shows all its pictures", async ({ page }) => {
  const address = "https://pictures.invalid/vscode-client";
  const vsix = join(out, "with-pictures.vsix");
  execFileSync("npm", ["run", "package", "--", "--out", vsix], {
    cwd: CLIENT,
    env: { ...process.env, IMAGES_URL: address },
    stdio: "pipe",
  });
  await page.route(`${address}/**`, (route) =>
    route.fulfill({ path: join(CLIENT, route.request().url().slice(address.length)) }),
  );
  const workbench = await Workbench.start({ vsix: [vsix], log: join(out, "server-page.log") });
  try {
    const window = new Window(page, join(out, "screenshots"));
    await window.open(workbench.url(workbench.folder("shop", PROJECT)));
    const pictures = (await openPage(page)).locator("img");
    await expect(pictures).toHaveCount(4);
    await expect.poll(() => widths(pictures)).not.toContain(0);
    await window.shot("page");
    await window.close();
  } finally {
    await workbench.stop();
  }
});

/** The extension's page in the Extensions view, which is its README. */
async function openPage(page: Page) {
  await page.keyboard.press("Control+Shift+X");
  await page.locator(".extension-list-item", { hasText: "CodeContext" }).first().click();
  return page.frameLocator("iframe.webview").frameLocator("iframe");
}

/** How wide each picture is in itself: 0 where it could not be loaded. */
function widths(pictures: Locator): Promise<number[]> {
  return pictures.evaluateAll((images) => images.map((image) => (image as HTMLImageElement).naturalWidth));
}
