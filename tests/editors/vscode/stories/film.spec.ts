import { copyFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Film } from "../film.ts";
import { expect, test } from "../fixtures.ts";
import { out, repository } from "../places.ts";
import { PROJECT, QUESTION } from "../project.ts";

test("a search is filmed: a question, its results in the editor, and the code that answers it", async ({
  window,
  workbench,
}) => {
  const { page, rows } = window;
  const film = new Film(page);
  await page.setViewportSize({ width: 960, height: 600 }); // Narrow enough that text is readable where it is shown.
  await window.open(workbench.url(workbench.folder("shop", PROJECT)));
  await window.settles();
  await window.command("View: Close Primary Side Bar");
  await window.goTo("checkout.py", 20);
  await film.frame(1000);

  await test.step("the question", async () => {
    await window.search();
    await film.frame(700);
    await film.type(QUESTION.query);
    await expect(rows.first()).toContainText(QUESTION.symbol);
    await expect(window.title).toHaveText(/results$/);
    await film.frame(1800);
  });

  await test.step("its results, each in the editor", async () => {
    for (const [key, row] of [
      ["ArrowDown", 1],
      ["ArrowDown", 2],
      ["ArrowUp", 1],
      ["ArrowUp", 0],
    ] as const) {
      const { file } = await window.placeOf(row);
      await page.keyboard.press(key);
      await expect(window.tab(file)).toBeVisible();
      await film.frame(row === 0 ? 1200 : 900);
    }
  });

  await test.step("the code", async () => {
    await page.keyboard.press("Enter");
    await expect(window.tab(QUESTION.file)).toBeVisible();
    await expect(window.cursor).toHaveText(`Ln ${QUESTION.line}, Col 5`);
    await film.frame(3000);
  });

  const picture = join(out, "screenshots/search.gif");
  await film.save(picture);
  expect(statSync(picture).size).toBeLessThan(2_000_000);
  if (process.env["UPDATE_SCREENSHOTS"]) {
    copyFileSync(picture, join(repository, "vscode-client/media/search.gif"));
  }
});
