/** One window of VS Code, used as a person uses it: by what is on screen and by keys. */
import { expect, type Locator, type Page } from "@playwright/test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./places.ts";

// A row has two lines of the same make: what a hit is called, and its code.
const NAME = ".quick-input-list-row:first-child .label-name";
const STATUS = "codecontext.codecontext.status";

export class Window {
  readonly input: Locator;
  readonly rows: Locator;
  readonly indicator: Locator;
  readonly results: Locator;

  constructor(
    readonly page: Page,
    private readonly shots: string,
  ) {
    this.input = page.locator(".quick-input-widget:visible input[type=text]").first();
    this.rows = page.locator(".quick-input-widget:visible .quick-input-list .monaco-list-row");
    this.indicator = page.locator(`[id="${STATUS}"]`);
    this.results = page.locator('.pane-body [role="treeitem"]');
  }

  async open(url: string): Promise<void> {
    await this.page.goto(url);
    await this.page.locator(".monaco-workbench").waitFor({ timeout: 60_000 });
  }

  /** The indicator shows `text`, without its icon. */
  async shows(text: string | RegExp, timeout = 60_000): Promise<void> {
    await expect(this.indicator).toHaveText(text, { timeout });
  }

  /** `name` is active, the index is complete and nothing is running. */
  async settles(name = "all-MiniLM-L6-v2"): Promise<void> {
    await expect(this.indicator).toHaveAttribute("aria-label", new RegExp(`${name}, 100 % indexed`), {
      timeout: 150_000,
    });
    await this.shows(name);
  }

  /** F1, the command's title, Enter. */
  async command(title: string): Promise<void> {
    await expect(async () => {
      await this.page.keyboard.press("F1");
      await expect(this.input).toBeVisible({ timeout: 2000 });
      await this.input.fill(`>${title}`, { timeout: 2000 }); // What is still loading may take the focus, and it closes.
      await expect(this.rows.first()).toContainText(title, { timeout: 5000 });
    }).toPass({ timeout: 60_000 });
    await this.page.keyboard.press("Enter");
  }

  /** Open the search by its keys. */
  async search(query?: string): Promise<void> {
    await expect(async () => {
      await this.page.keyboard.press("Alt+Shift+S");
      await expect(this.searchBox).toBeVisible({ timeout: 2000 });
    }).toPass({ timeout: 30_000 });
    if (query !== undefined) {
      await this.searchBox.fill("");
      await expect(this.title).not.toHaveText(/results$/); // The last question's, which opening resumes.
      await this.page.keyboard.insertText(query); // At once, so that no results are of half a question.
    }
  }

  get searchBox(): Locator {
    return this.page.locator('.quick-input-widget input[placeholder^="What does the code do"]');
  }

  get title(): Locator {
    return this.page.locator(".quick-input-widget:visible .quick-input-title");
  }

  /** The best answer's name, once answers are there. */
  async best(): Promise<string> {
    await expect(this.rows.first().locator(".label-description")).toHaveText(/:\d+$/);
    return this.rows.first().locator(NAME).innerText();
  }

  /** What the indicator's tooltip says. It moves while it is looked at, when the text beside it changes its length. */
  async tooltip(): Promise<string> {
    let text = "";
    await expect(async () => {
      await this.page.mouse.move(640, 300);
      await this.indicator.hover();
      text = await this.page
        .locator(".workbench-hover")
        .filter({ hasText: "Fingerprint" })
        .innerText({ timeout: 2000 });
    }).toPass({ timeout: 30_000 });
    await this.page.mouse.move(640, 300);
    return text;
  }

  /** What the search found, by name, in the order on screen. */
  async names(): Promise<string[]> {
    await this.best();
    return this.rows.locator(NAME).allInnerTexts();
  }

  /** Move through the results as a person would, who looks at one before going on: down, and back up to the first. */
  async lookAround(): Promise<void> {
    await expect(this.title).toHaveText(/results$/); // The whole answer, so that no other comes while moving.
    const previewed = this.tab((await this.placeOf(1)).file);
    await this.page.keyboard.press("ArrowDown");
    await expect(previewed).toBeVisible();
    await this.page.keyboard.press("ArrowUp");
    await expect(this.tab((await this.placeOf(0)).file)).toBeVisible();
  }

  /** Which file a result is in. */
  async placeOf(row: number): Promise<{ file: string }> {
    const place = await this.rows.nth(row).locator(".label-description").first().innerText();
    return { file: place.replace(/:\d+$/, "").split("/").at(-1) ?? "" };
  }

  get toasts(): Locator {
    return this.page.locator(".notification-toast");
  }

  toast(text: string): Locator {
    return this.toasts.filter({ hasText: text });
  }

  tab(name: string): Locator {
    return this.page.locator(`.tabs-container .tab.active[data-resource-name="${name}"]`);
  }

  get cursor(): Locator {
    return this.page.locator('[id="status.editor.selection"]');
  }

  /** Open a file by its name. */
  async openFile(name: string): Promise<void> {
    await this.page.keyboard.press("Control+P");
    await expect(this.input).toBeVisible();
    await this.input.fill(name);
    await this.rows.filter({ hasText: name }).first().waitFor();
    await this.page.keyboard.press("Enter");
    await expect(this.tab(name)).toBeVisible();
  }

  /** Open a file by its name and go to a line. */
  async goTo(name: string, line: number, column = 1): Promise<void> {
    await this.openFile(name);
    // The tab is there a moment before its text, and until then there is no line to go to.
    await expect(async () => {
      await this.page.keyboard.press("Control+G");
      await expect(this.input).toBeVisible({ timeout: 2000 });
      await this.input.fill(`:${line}:${column}`);
      await this.page.keyboard.press("Enter");
      await expect(this.cursor).toHaveText(`Ln ${line}, Col ${column}`, { timeout: 2000 });
    }).toPass({ timeout: 30_000 });
  }

  /** A picture for people to look at. With UPDATE_SCREENSHOTS set, it is also the one that the extension ships. */
  async shot(name: string, shipped?: string): Promise<void> {
    const path = join(this.shots, `${name}.png`);
    await this.page.screenshot({ path, animations: "disabled" });
    if (shipped !== undefined && process.env["UPDATE_SCREENSHOTS"]) {
      copyFileSync(path, join(repository, "vscode-client/media/screenshots", `${shipped}.png`));
    }
  }

  /** Close so that the extension host is told and ends at once. */
  async close(): Promise<void> {
    await this.page.goto("about:blank");
  }
}
