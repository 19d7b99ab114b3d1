import { expect, test } from "../fixtures.ts";
import { PROJECT, QUESTION } from "../project.ts";

test("a question typed on the keyboard leads to the code that answers it", async ({ window, workbench }) => {
  await window.open(workbench.url(workbench.folder("shop", PROJECT)));
  await window.settles();

  await window.search(QUESTION.query);
  await expect(window.rows.first()).toContainText(QUESTION.symbol);
  await window.shot("search");
  await window.page.keyboard.press("Enter");
  await expect(window.tab(QUESTION.file)).toBeVisible();
  await expect(window.cursor).toHaveText(new RegExp(`^Ln ${QUESTION.line}, `));
  await window.shot("opened");
});
