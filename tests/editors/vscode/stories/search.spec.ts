import { expect, test } from "../fixtures.ts";
import { PROJECT, QUESTION } from "../project.ts";

test("a question typed on the keyboard leads to the code that answers it", async ({ window, workbench }) => {
  await window.open(workbench.url(workbench.folder("shop", PROJECT)));
  await window.settles();
  const { page, rows } = window;

  await test.step("the best result is on top, without a word in common with the query", async () => {
    await window.search(QUESTION.query);
    await expect(rows.first()).toContainText(QUESTION.symbol);
    await expect(rows.first()).toContainText(`storage/${QUESTION.file}:${QUESTION.line}`);
    await expect(window.title).toHaveText(/^Semantic Search · \d+ results$/);
  });

  await test.step("moving shows each result in the editor, and Escape puts everything back", async () => {
    await page.keyboard.press("Escape");
    await window.goTo("checkout.py", 20);
    await window.search(QUESTION.query);
    await expect(rows.first()).toContainText(QUESTION.symbol);
    await window.lookAround();
    await expect(window.tab(QUESTION.file)).toBeVisible();
    await expect(page.locator(".view-lines").getByText("everybody else has to stand in line")).toBeVisible();
    await window.shot("search");
    await page.keyboard.press("Escape");
    await expect(window.tab("checkout.py")).toBeVisible();
    await expect(window.cursor).toHaveText("Ln 20, Col 1");
    await expect(page.locator(`.tab[data-resource-name="${QUESTION.file}"]`)).toHaveCount(0);
  });

  await test.step("Enter goes to the symbol", async () => {
    await window.search(QUESTION.query);
    await expect(rows.first()).toContainText(QUESTION.symbol);
    await page.keyboard.press("Enter");
    await expect(window.tab(QUESTION.file)).toBeVisible();
    await expect(window.cursor).toHaveText(`Ln ${QUESTION.line}, Col 5`);
    await expect(page.locator(".monaco-editor.focused")).toBeVisible();
  });

  await test.step("the last query is there again, selected, so that typing replaces it", async () => {
    await window.search();
    await expect(window.searchBox).toHaveValue(QUESTION.query);
    await expect(rows.first()).toContainText(QUESTION.symbol);
    await page.keyboard.type("rebate");
    await expect(window.searchBox).toHaveValue("rebate");
    await expect(rows.filter({ hasText: "discounted" })).toBeVisible();
    await expect(rows.first()).not.toContainText(QUESTION.symbol);
  });

  await test.step("the server's order is kept, whatever the names are", async () => {
    await window.searchBox.fill("total");
    await expect(window.title).toContainText(" results");
    const names = await window.names();
    expect(names.length).toBeGreaterThan(2);
    expect(names).not.toEqual([...names].sort());
  });

  await test.step("filters are completed and applied", async () => {
    await window.searchBox.fill("refuse too many requests lang:type");
    await expect(rows.first()).toContainText("lang:typescript");
    await page.keyboard.press("Enter");
    await expect(window.searchBox).toHaveValue("refuse too many requests lang:typescript ");
    await expect(rows.first()).toContainText("RateLimit");
    const places = await rows.locator(".label-description").allInnerTexts();
    expect(places.length).toBeGreaterThan(0);
    expect(places.filter((place) => !/\.ts:\d+$/.test(place))).toEqual([]);
  });

  await test.step("nothing found says why", async () => {
    await window.searchBox.fill("zzz path:nowhere");
    await expect(rows).toHaveCount(1);
    await expect(rows.first()).toContainText("Nothing found");
  });

  await test.step("with nothing typed, recent queries and the filters are offered", async () => {
    await window.searchBox.fill("");
    await expect(rows.filter({ hasText: QUESTION.query })).toBeVisible();
    await expect(rows.filter({ hasText: "-path:" })).toBeVisible();
    await window.shot("history");
  });

  await test.step("Ctrl+Enter opens to the side", async () => {
    await window.searchBox.fill("gross sum");
    await expect(rows.first()).toContainText("with_tax");
    await page.keyboard.press("Control+Enter");
    await expect(window.tab("prices.py")).toBeVisible();
    await expect(page.locator(".editor-group-container")).toHaveCount(2);
    await expect(window.cursor).toHaveText("Ln 9, Col 5");
  });
});

test("results are worked through one after the other", async ({ window, workbench }) => {
  await window.open(workbench.url(workbench.folder("shop", PROJECT)));
  await window.settles();
  const { page, results } = window;
  const files = page.locator('.pane-body [role="treeitem"][aria-level="1"]');
  const hits = page.locator('.pane-body [role="treeitem"][aria-level="2"]');

  await test.step("the search hands its results to the view, grouped by file", async () => {
    await window.search("what customers pay");
    await expect(window.title).toHaveText(/results$/); // The whole answer, not keyword search alone.
    await page.locator(".quick-input-titlebar .codicon-list-tree").click();
    await expect(files.first()).toBeVisible();
    await expect(hits.filter({ hasText: "discounted" })).toBeVisible();
    await window.shot("results");
  });

  await test.step("F4 goes to the next result, Shift+F4 back", async () => {
    const [first = "", second = ""] = await hits.locator(".label-name").allInnerTexts();
    await page.keyboard.press("F4");
    await expect(hits.filter({ has: page.getByText(first, { exact: true }) }).first()).toHaveAttribute(
      "aria-selected",
      "true",
    );
    await page.keyboard.press("F4");
    await expect(hits.filter({ has: page.getByText(second, { exact: true }) }).first()).toHaveAttribute(
      "aria-selected",
      "true",
    );
    await page.keyboard.press("Shift+F4");
    await expect(hits.filter({ has: page.getByText(first, { exact: true }) }).first()).toHaveAttribute(
      "aria-selected",
      "true",
    );
    await expect(page.locator(".tabs-container .tab.active")).toBeVisible();
  });

  await test.step("each result says why it was found, on demand", async () => {
    await window.command("CodeContext: Show Why Each Result Was Found");
    await expect(hits.first().locator(".label-description")).toContainText(/semantic #\d+ \(0\.\d\d\)/);
    await window.command("CodeContext: View as List");
    await expect(hits).toHaveCount(0);
    await expect(files.first().locator(".label-description")).toContainText("prices.py:");
    await window.command("CodeContext: View as Tree");
    await window.command("CodeContext: Hide Why Each Result Was Found");
    await expect(hits.first().locator(".label-description")).toHaveText(/^\d+$/);
  });

  await test.step("the code at the cursor finds similar code", async () => {
    await window.goTo("rateLimit.ts", 12);
    await page.keyboard.press("Alt+Shift+D");
    await expect(page.locator(".pane-body .message")).toContainText("Similar to web/rateLimit.ts:12");
    await expect(results.first()).toBeVisible();
  });

  await test.step("cleared, the view says what it is for", async () => {
    await window.command("CodeContext: Clear Results");
    await expect(page.getByText("Search your code in plain words")).toBeVisible();
    await window.shot("welcome");
  });
});
