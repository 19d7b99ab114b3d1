import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "../fixtures.ts";
import { out } from "../places.ts";
import { PROJECT } from "../project.ts";

const QUERIES = ["take the loc", "what customers pa", "send it agai", "unsubscribe a reade", "is the cookie genuin"];
const LAST_KEYS = ["k", "y", "n", "r", "e"];
const ROUNDS = 3;

interface Timing {
  first: number;
  whole: number;
}

/** Milliseconds from a keystroke to the first and to the whole answer on screen, as the page itself sees them. */
function timeNextAnswer(): Promise<Timing> {
  return new Promise((resolve) => {
    const widget = document.querySelector(".quick-input-widget");
    if (!widget) {
      throw new Error("the search is not open");
    }
    let pressed = 0;
    let first = 0;
    widget.addEventListener("keydown", (event) => (pressed = event.timeStamp), { once: true, capture: true });
    const observer = new MutationObserver(() => {
      const title = widget.querySelector(".quick-input-title")?.textContent ?? "";
      const now = performance.now();
      if (pressed > 0 && first === 0 && title.includes("by words so far")) {
        first = now - pressed;
      } else if (first > 0 && !title.includes("by words so far")) {
        observer.disconnect();
        resolve({ first, whole: now - pressed });
      }
    });
    observer.observe(widget, { subtree: true, childList: true, characterData: true, attributes: true });
  });
}

function middle(values: number[]): number {
  return Math.round([...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0);
}

test("the time from a keystroke to results on screen is reported", async ({ window, workbench }) => {
  await window.open(workbench.url(workbench.folder("shop", PROJECT)));
  await window.settles();
  await window.search();
  const timings: Timing[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, query] of QUERIES.entries()) {
      await window.searchBox.fill(query);
      await expect(window.title).toHaveText(/results?$/);
      const timing = window.page.evaluate(timeNextAnswer);
      await window.page.keyboard.press(LAST_KEYS[index] ?? "");
      timings.push(await timing);
    }
  }
  const report = {
    keystrokes: timings.length,
    firstResultsMs: middle(timings.map(({ first }) => first)),
    wholeAnswerMs: middle(timings.map(({ whole }) => whole)),
  };
  writeFileSync(join(out, "keystroke.json"), JSON.stringify({ ...report, timings }, null, 2));
  console.log(`keystroke to first results ${report.firstResultsMs} ms, to the whole answer ${report.wholeAnswerMs} ms`);
  expect(timings).toHaveLength(ROUNDS * QUERIES.length);
});
